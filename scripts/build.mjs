// npm run build: the package as it is used: dist/ and the addon. With --package, which npm asks for before
// it packs, also the addon as the package carries it.
import { buildAddon } from './parts/addon.mjs';
import { prebuildAddon } from './parts/prebuilt.mjs';
import { buildTypescript } from './parts/typescript.mjs';
import { readOptions, runMain } from './run/command-line.mjs';
import { ensureNodeModules } from './setup/node-modules.mjs';
import { ensureSystemPackages, packagesFor } from './setup/system-packages.mjs';

const usage = `usage: npm run build [-- options]
  --package   for npm pack: prebuilds/ too
  --help      this text`;

await runMain(usage, async () => {
  const options = readOptions(usage, { package: { type: 'boolean' } });
  await ensureSystemPackages(packagesFor.addon);
  await ensureNodeModules();
  await buildTypescript();
  await buildAddon();
  if (options.package) await prebuildAddon();
});
