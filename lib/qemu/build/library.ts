// libfakedirty as QEMU links it: static, so that the QEMU that comes out can be moved anywhere.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory, keyOf, repository } from '../../../scripts/run/cache.mjs';
import { withLock } from '../../../scripts/run/lock.mjs';
import { step } from '../../../scripts/run/step.mjs';

const native = join(repository, 'native');
const inputs = ['CMakeLists.txt', 'fakedirty.pc.in', 'sources.txt', 'include', 'src'];

/** Of everything that the library is made of. */
export function libraryDigest(compiler: string): string {
  const hash = createHash('sha256').update(compiler);
  for (const input of inputs) {
    const path = join(native, input);
    const names = input.includes('.')
      ? ['']
      : readdirSync(path, { recursive: true }).map(String).sort();
    for (const name of names) {
      hash.update(`\0${input}/${name}\0`).update(readFileSync(join(path, name)));
    }
  }
  return hash.digest('hex').slice(0, 12);
}

/** Builds the library unless that is done; answers the directory of its pkg-config file. */
export async function buildLibrary(compiler: string, jobs: number): Promise<string> {
  const key = keyOf([libraryDigest(compiler), native]);
  const directory = join(cacheDirectory('builds'), `libfakedirty-${key}`);
  const pkgConfig = join(directory, 'lib', 'pkgconfig');
  await withLock(`libfakedirty-${key}`, console.log, async () => {
    if (existsSync(directory)) return;
    const building = cacheDirectory('building', `libfakedirty-${key}`);
    const undo = () => rmSync(building, { recursive: true, force: true });
    // On Ctrl-C the process exits when its compilers have ended.
    process.once('exit', undo);
    try {
      // What a run left that was killed outright.
      rmSync(building, { recursive: true, force: true });
      await step({ title: 'libfakedirty: building', log: 'libfakedirty' }, async ({ run }) => {
        const definitions = [
          '-DCMAKE_BUILD_TYPE=Release',
          `-DCMAKE_INSTALL_PREFIX=${directory}`,
          '-DCMAKE_INSTALL_LIBDIR=lib',
        ];
        const tree = join(building, 'tree');
        await run('cmake', ['-S', native, '-B', tree, '-G', 'Ninja', ...definitions]);
        await run('cmake', ['--build', tree, '--parallel', String(jobs)]);
        const root = join(building, 'root');
        await run('cmake', ['--install', tree], { env: { DESTDIR: root } });
        const installed = join(root, directory);
        for (const name of readdirSync(join(installed, 'lib'))) {
          if (name.includes('.so')) rmSync(join(installed, 'lib', name));
        }
        renameSync(installed, directory);
      });
    } finally {
      undo();
      process.off('exit', undo);
    }
  });
  return pkgConfig;
}
