// What npm does before it packs: builds all that the package carries. Only linux-x64 binaries are carried.
import { buildAddon } from './parts/addon.mjs';
import { prebuildAddon } from './parts/prebuilt.mjs';
import { buildTypescript } from './parts/typescript.mjs';
import { readOptions, runMain } from './run/command-line.mjs';
import { ensureNodeModules } from './setup/node-modules.mjs';
import { ensureSystemPackages, packagesFor } from './setup/system-packages.mjs';

const usage = 'usage: npm pack';

await runMain(usage, async () => {
  readOptions(usage);
  await ensureSystemPackages(packagesFor.addon);
  await ensureNodeModules();
  await buildTypescript();
  await buildAddon();
  await prebuildAddon();
});
