// libfakedirty as QEMU links it: static, so that the QEMU that comes out can be moved anywhere.
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { cacheDirectory, keyOf } from '../../system/cache.js';
import { withLock } from '../../system/lock.js';
import { packageRoot } from '../../system/package-root.js';
import { undoAtExit } from '../../system/signals.js';
import { step, tell } from '../../system/step.js';

const native = join(packageRoot, 'native');
const inputs = ['CMakeLists.txt', 'fakedirty.pc.in', 'sources.txt', 'include', 'src'];

/** A digest of everything that the library is built from. */
export function libraryDigest(compiler: string): string {
  const hash = createHash('sha256').update(compiler);
  for (const input of inputs) {
    const path = join(native, input);
    const files = input.includes('.')
      ? ['']
      : readdirSync(path, { recursive: true })
          .map(String)
          .filter((name) => statSync(join(path, name)).isFile())
          .sort();
    for (const file of files) {
      hash.update(`\0${input}/${file}\0`).update(readFileSync(join(path, file)));
    }
  }
  return hash.digest('hex').slice(0, 12);
}

export interface Library {
  /** The directory of its pkg-config file. */
  readonly pkgConfig: string;
  readonly archive: string;
  /** The same library with 8-bit fingerprints, for the tests. */
  readonly crippledArchive: string;
}

/** Builds the library unless it is there; the one with 8-bit fingerprints only on request. */
export async function buildLibrary(
  compiler: string,
  jobs: number,
  crippled = false,
): Promise<Library> {
  const key = keyOf([libraryDigest(compiler), native, crippled]);
  const directory = join(cacheDirectory('builds'), `libfakedirty-${key}`);
  const library = {
    pkgConfig: join(directory, 'lib', 'pkgconfig'),
    archive: join(directory, 'lib', 'libfakedirty.a'),
    crippledArchive: join(directory, 'lib', 'libfakedirty_crippled.a'),
  };
  await withLock(`libfakedirty-${key}`, tell, async () => {
    if (existsSync(directory)) return;
    const building = cacheDirectory('building', `libfakedirty-${key}`);
    const undo = () => rmSync(building, { recursive: true, force: true });
    // On Ctrl-C the process exits when its compilers have ended.
    const cancelCleanup = undoAtExit(undo);
    try {
      // A run that was killed may have left something.
      rmSync(building, { recursive: true, force: true });
      await step({ title: 'libfakedirty: building', log: 'libfakedirty' }, async ({ run }) => {
        const definitions = [
          '-DCMAKE_BUILD_TYPE=Release',
          `-DCMAKE_INSTALL_PREFIX=${directory}`,
          '-DCMAKE_INSTALL_LIBDIR=lib',
        ];
        const tree = join(building, 'tree');
        await run('cmake', ['-S', native, '-B', tree, '-G', 'Ninja', ...definitions]);
        const build = ['--build', tree, '--parallel', String(jobs), '--target'];
        await run('cmake', [...build, 'all', ...(crippled ? ['fakedirty_crippled'] : [])]);
        const root = join(building, 'root');
        await run('cmake', ['--install', tree], { env: { DESTDIR: root } });
        const installed = join(root, directory);
        for (const name of readdirSync(join(installed, 'lib'))) {
          if (name.includes('.so')) rmSync(join(installed, 'lib', name));
        }
        if (crippled) {
          const archive = basename(library.crippledArchive);
          cpSync(join(tree, archive), join(installed, 'lib', archive));
        }
        renameSync(installed, directory);
      });
    } finally {
      undo();
      cancelCleanup();
    }
  });
  return library;
}
