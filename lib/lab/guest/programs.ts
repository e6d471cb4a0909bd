// The programs of native/guest/linux: compiled once for each state of their sources.
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cacheDirectory, keyOf } from '../../../scripts/run/cache.mjs';

const run = promisify(execFile);
const sources = fileURLToPath(new URL('../../../native/guest/linux/', import.meta.url));
const flags = ['-std=gnu11', '-O2', '-static', '-Wall', '-Wextra'];

export function guestSource(name: string): string {
  return join(sources, name);
}

function compilerVersion(): Promise<string> {
  return run('gcc', ['--version']).then(
    ({ stdout }) => stdout.split('\n', 1)[0] ?? '',
    (cause) => {
      throw new Error('gcc is needed to make the guest, and can’t be run: apt-get install gcc', {
        cause,
      });
    },
  );
}

/** The file of a static program that runs in the guest, and on this machine. */
export async function compiledProgram(name: string): Promise<string> {
  const source = guestSource(`${name}.c`);
  // Headers include each other: any of them may be part of it.
  const headers = readdirSync(sources).filter((file) => file.endsWith('.h'));
  const texts = [source, ...headers.map((file) => join(sources, file))].map((file) =>
    readFileSync(file, 'utf8'),
  );
  const key = keyOf([...texts, flags, await compilerVersion()]);
  const program = join(cacheDirectory('lab', 'programs'), `${name}-${key}`);
  if (existsSync(program)) return program;
  const part = `${program}.${process.pid}.part`;
  await run('gcc', [...flags, '-o', part, source, '-lm']);
  renameSync(part, program);
  return program;
}
