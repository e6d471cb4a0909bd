// The shared libraries that programs need, found in a tree of unpacked packages.
import { existsSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { run } from '../../../system/processes.js';
import { GuestImageError } from '../guest-image-error.js';

const folders = ['lib/x86_64-linux-gnu', 'usr/lib/x86_64-linux-gnu'];

/** A file that is copied into the guest. */
export interface GuestFile {
  /** Its path in the guest. */
  readonly path: string;
  /** Its path on this machine. */
  readonly from: string;
}

function find(tree: string, name: string): GuestFile {
  for (const folder of folders) {
    const from = join(tree, folder, name);
    if (existsSync(from)) return { path: `${folder}/${name}`, from: realpathSync(from) };
  }
  throw new GuestImageError(
    `A program needs ${name}, which none of the packages has that are unpacked in ${tree}`,
  );
}

interface Needs {
  readonly libraries: readonly string[];
  /** The dynamic linker that the kernel starts; only programs name one. */
  readonly linker: string | undefined;
}

async function needsOf(file: string): Promise<Needs> {
  const { stdout } = await run('readelf', ['--wide', '--dynamic', '--program-headers', file], {
    env: { LC_ALL: 'C' },
  });
  const libraries = [...stdout.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name]) => name ?? '');
  return { libraries, linker: /interpreter: \/(.+)\]/.exec(stdout)?.[1] };
}

/** The programs (paths in the tree), and every library that they need. */
export async function withLibraries(
  tree: string,
  programs: readonly string[],
): Promise<GuestFile[]> {
  const files = new Map<string, GuestFile>();
  const open = programs.map((path) => ({ path, from: join(tree, path) }));
  for (let file = open.pop(); file; file = open.pop()) {
    if (files.has(file.path)) continue;
    files.set(file.path, file);
    const { libraries, linker } = await needsOf(file.from);
    for (const name of libraries) open.push(find(tree, name));
    // In the packages its path is a symbolic link that leads out of the tree.
    if (linker) open.push({ ...find(tree, basename(linker)), path: linker });
  }
  return [...files.values()];
}
