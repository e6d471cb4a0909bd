// npm run format: rewrites TypeScript, JavaScript, JSON and C++ as the formatters want them, puts the programs of
// docs/examples into the guides, and makes the API reference.

import { updateReference } from './parts/api-reference.mjs';
import { updateGuides } from './parts/examples.mjs';
import { formatAll } from './parts/lint.mjs';
import { readOptions, runMain } from './run/command-line.mjs';
import { ensureNodeModules } from './setup/node-modules.mjs';
import { ensureSystemPackages, packagesFor } from './setup/system-packages.mjs';

const usage = 'usage: npm run format';

await runMain(usage, async () => {
  readOptions(usage);
  await ensureSystemPackages(packagesFor.formatters);
  await ensureNodeModules();
  await formatAll();
  updateGuides();
  await updateReference();
});
