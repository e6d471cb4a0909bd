// The addon as the package carries it: prebuilds/PLATFORM-ARCH/fakedirty.LIBC.node, where
// node-gyp-build looks for it.
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../run/cache.mjs';
import { step } from '../run/step.mjs';

export function prebuildAddon() {
  return step({ title: 'addon: stripping for the package', log: 'prebuild' }, async ({ run }) => {
    const shelf = join(repository, 'prebuilds');
    rmSync(shelf, { recursive: true, force: true });
    const directory = join(shelf, `${process.platform}-${process.arch}`);
    mkdirSync(directory, { recursive: true });
    const addon = join(directory, 'fakedirty.glibc.node');
    copyFileSync(join(repository, 'build', 'Release', 'fakedirty.node'), addon);
    await run('strip', ['--strip-unneeded', addon]);
  });
}
