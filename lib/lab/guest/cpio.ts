// Archives that the kernel unpacks at boot: cpio's "newc" format.

/** A directory or file of an archive. */
export type Entry =
  | { readonly path: string; readonly kind: 'directory' }
  | { readonly path: string; readonly kind: 'file'; readonly mode: number; readonly data: Buffer };

const headerNumbers = 13;
const alignment = 4;
const directoryMode = 0o040755;
const fileType = 0o100000;

function padded(data: Buffer): Buffer {
  const rest = data.length % alignment;
  return rest === 0 ? data : Buffer.concat([data, Buffer.alloc(alignment - rest)]);
}

function record(inode: number, path: string, mode: number, data: Buffer): Buffer[] {
  const name = Buffer.from(`${path}\0`, 'utf8');
  const numbers = new Array<number>(headerNumbers).fill(0);
  const links = 1;
  [numbers[0], numbers[1], numbers[4], numbers[6], numbers[11]] = [
    inode,
    mode,
    links,
    data.length,
    name.length,
  ];
  const header = numbers.map((number) => number.toString(16).padStart(8, '0')).join('');
  return [padded(Buffer.concat([Buffer.from(`070701${header}`), name])), padded(data)];
}

/** Folders have to come before what is in them; the same entries give the same bytes. */
export function cpioArchive(entries: readonly Entry[]): Buffer {
  const records = entries.flatMap((entry, at) =>
    entry.kind === 'directory'
      ? record(at + 1, entry.path, directoryMode, Buffer.alloc(0))
      : record(at + 1, entry.path, fileType | entry.mode, entry.data),
  );
  return Buffer.concat([...records, ...record(0, 'TRAILER!!!', 0, Buffer.alloc(0))]);
}

/** The folders that the paths lie in, outer ones first. */
export function foldersOf(paths: readonly string[]): Entry[] {
  const folders = new Set<string>();
  for (const path of paths) {
    const parts = path.split('/');
    for (let at = 1; at < parts.length; at += 1) folders.add(parts.slice(0, at).join('/'));
  }
  return [...folders].map((path) => ({ path, kind: 'directory' }));
}
