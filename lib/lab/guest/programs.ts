// The programs of native/guest/linux: compiled once for each state of their sources.
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join, parse, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cacheDirectory, keyOf } from '../../../scripts/run/cache.mjs';

const run = promisify(execFile);
const sources = fileURLToPath(new URL('../../../native/guest/linux/', import.meta.url));
const flags = ['-std=gnu11', '-O2', '-static', '-Wall', '-Wextra'];

/** A file of native/guest/linux by its name, or any other by its path. */
export function guestSource(file: string): string {
  return resolve(sources, file);
}

/** What a program is called in the guest: its source is NAME.c of native/guest/linux, or any by its path. */
export function programName(program: string): string {
  return parse(program).name;
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
export async function compiledProgram(program: string): Promise<string> {
  const name = programName(program);
  const source = guestSource(program.endsWith('.c') ? program : `${program}.c`);
  // Headers include each other: any of them may be part of it, and those beside it too.
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
