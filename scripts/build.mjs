// npm run build: the package as it is used: dist/ and the addon.

import { buildAddon } from './parts/addon.mjs';
import { buildTypescript } from './parts/typescript.mjs';
import { readOptions, runMain } from './run/command-line.mjs';
import { ensureNodeModules } from './setup/node-modules.mjs';
import { ensureSystemPackages, packagesFor } from './setup/system-packages.mjs';

const usage = 'usage: npm run build';

await runMain(usage, async () => {
  readOptions(usage);
  await ensureSystemPackages(packagesFor.addon);
  await ensureNodeModules();
  await buildTypescript();
  await buildAddon();
});
