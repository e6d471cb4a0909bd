// The Node-API addon: node-gyp builds it into build/Release. Its headers come from the package
// node-api-headers: the same for every Node, and nothing is downloaded for it.
import { cpSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { cacheDirectory, checkoutKey } from '../run/cache.mjs';
import { withLock } from '../run/lock.mjs';
import { step } from '../run/step.mjs';
import { packageScript } from '../setup/node-modules.mjs';

// node-gyp insists on this file; binding.gyp sets every flag that matters itself.
const commonGypi = `{
  'target_defaults': {
    'default_configuration': 'Release',
    'configurations': { 'Debug': {}, 'Release': {} },
  },
}
`;

/** Lays the headers out as node-gyp expects them of an installed Node. */
function nodeDirectory() {
  const directory = cacheDirectory('node-headers', checkoutKey);
  const include = join(directory, 'include', 'node');
  cpSync(packageScript('node-api-headers', 'include'), include, {
    recursive: true,
    preserveTimestamps: true,
  });
  writeFileSync(join(include, 'common.gypi'), commonGypi);
  return directory;
}

/** npm's settings reach node-gyp through the environment and would win over its arguments. */
function withoutNpmSettings() {
  const settings = Object.keys(process.env).filter((name) =>
    /^npm_(config|package_config_node_gyp)_/i.test(name),
  );
  return Object.fromEntries(settings.map((name) => [name, undefined]));
}

export async function buildAddon() {
  await withLock(`addon-${checkoutKey}`, console.log, () =>
    step({ title: 'addon: building', log: 'addon' }, ({ run }) => {
      const nodeGyp = packageScript('node-gyp', 'bin', 'node-gyp.js');
      const args = [
        'configure',
        'build',
        '--release',
        `--nodedir=${nodeDirectory()}`,
        // The directory holds no config.gypi: the running Node's own settings serve.
        '--force-process-config',
        `--jobs=${availableParallelism()}`,
      ];
      return run(process.execPath, [nodeGyp, ...args], { env: withoutNpmSettings() });
    }),
  );
}
