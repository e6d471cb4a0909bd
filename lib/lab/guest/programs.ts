// The programs of native/guest/linux, compiled again only when their sources have changed.
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join, parse, resolve } from 'node:path';
import { cacheDirectory, keyOf } from '../../system/cache.js';
import { packageRoot } from '../../system/package-root.js';
import { run } from '../../system/processes.js';
import { GuestImageError } from './guest-image-error.js';

const sources = join(packageRoot, 'native', 'guest', 'linux');
const flags = ['-std=gnu11', '-O2', '-static', '-Wall', '-Wextra'];

/** The path of a file: of native/guest/linux if only a name is given. */
export function guestSource(file: string): string {
  return resolve(sources, file);
}

/** The name of a program in the guest. The program is NAME of native/guest/linux, or the path of a C source. */
export function programName(program: string): string {
  return parse(program).name;
}

function compilerVersion(): Promise<string> {
  return run('gcc', ['--version']).then(
    ({ stdout }) => stdout.split('\n', 1)[0] ?? '',
    (cause) => {
      throw new GuestImageError(
        'gcc compiles the programs of the guest, and cannot be run here: apt-get install gcc',
        {
          cause,
        },
      );
    },
  );
}

/** The compiled program, which is static and runs both in the guest and on this machine. */
export async function compiledProgram(program: string): Promise<string> {
  const name = programName(program);
  const source = guestSource(program.endsWith('.c') ? program : `${program}.c`);
  // Any header may be included by another one, so all of them are part of the key.
  const folders = new Set([resolve(sources), dirname(source)]);
  const headers = [...folders].flatMap((folder) =>
    readdirSync(folder)
      .filter((file) => file.endsWith('.h'))
      .map((file) => join(folder, file)),
  );
  const texts = [source, ...headers].map((file) => readFileSync(file, 'utf8'));
  const key = keyOf([...texts, flags, await compilerVersion()]);
  const file = join(cacheDirectory('lab', 'programs'), `${name}-${key}`);
  if (existsSync(file)) return file;
  const part = `${file}.${process.pid}.part`;
  await run('gcc', [...flags, '-I', sources, '-o', part, source, '-lm']);
  renameSync(part, file);
  return file;
}
