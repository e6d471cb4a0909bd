// The programs of native/guest/linux: compiled once for each state of their sources.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cacheDirectory, keyOf } from '../../../scripts/run/cache.mjs';

const run = promisify(execFile);
const sources = fileURLToPath(new URL('../../../native/guest/linux/', import.meta.url));
const flags = ['-std=gnu11', '-O2', '-static', '-Wall', '-Wextra'];

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
  const source = join(sources, `${name}.c`);
  const text = readFileSync(source, 'utf8');
  const headers = [...text.matchAll(/^#include "(.+)"$/gm)].map(([, header]) =>
    readFileSync(join(dirname(source), header ?? ''), 'utf8'),
  );
  const key = keyOf([text, ...headers, flags, await compilerVersion()]);
  const program = join(cacheDirectory('lab', 'programs'), `${name}-${key}`);
  if (existsSync(program)) return program;
  const part = `${program}.${process.pid}.part`;
  await run('gcc', [...flags, '-o', part, source, '-lm']);
  renameSync(part, program);
  return program;
}
