// The shared libraries that programs need, found in a tree of unpacked packages.
import { execFile } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const folders = ['lib/x86_64-linux-gnu', 'usr/lib/x86_64-linux-gnu', 'lib64', 'usr/lib64'];

export interface GuestFile {
  /** Where it is in the guest. */
  readonly path: string;
  /** Where it is here. */
  readonly from: string;
}

function find(tree: string, name: string): GuestFile | undefined {
  for (const folder of folders) {
    const from = join(tree, folder, name);
    if (existsSync(from)) return { path: `${folder}/${name}`, from: realpathSync(from) };
  }
  return undefined;
}

/** What the dynamic linker is asked for, and which one it is. */
async function needs(file: string): Promise<string[]> {
  const { stdout } = await run('readelf', ['--wide', '--dynamic', '--program-headers', file], {
    env: { ...process.env, LC_ALL: 'C' },
  });
  const libraries = [...stdout.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name]) => name ?? '');
  const linker = /interpreter: \/lib64\/(.+)\]/.exec(stdout)?.[1];
  return linker ? [linker, ...libraries] : libraries;
}

/** The programs (paths in the tree) and all that has to be in the guest beside them. */
export async function withLibraries(
  tree: string,
  programs: readonly string[],
): Promise<GuestFile[]> {
  const files = new Map<string, GuestFile>();
  const open = programs.map((path) => ({ path, from: join(tree, path) }));
  for (let file = open.pop(); file; file = open.pop()) {
    if (files.has(file.path)) continue;
    files.set(file.path, file);
    for (const name of await needs(file.from)) {
      const library = find(tree, name);
      if (!library) throw new Error(`${file.path} needs ${name}, which is not in ${tree}`);
      open.push(library);
    }
  }
  return [...files.values()];
}
