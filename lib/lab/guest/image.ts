// What the Linux guest boots: the kernel, and an initramfs that holds only what this guest needs.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Workspace } from '../../system/workspace.js';
import { cpioArchive, type Entry, foldersOf } from './cpio.js';
import type { GuestFile } from './debian/libraries.js';
import type { Log } from './debian/packages.js';
import { type Devices, guestKernel } from './kernel.js';
import { compiledProgram, programName } from './programs.js';

/** What an image is made of. */
export interface ImageOptions extends Devices {
  readonly workspace: Workspace;
  /** Programs of native/guest/linux, or paths of C sources: the guest has them in /bin. */
  readonly programs: readonly string[];
  /** Files of packages. */
  readonly files?: readonly GuestFile[];
  readonly log?: Log;
}

/** What QEMU boots. */
export interface Image {
  readonly kernel: string;
  readonly kernelVersion: string;
  readonly initramfs: string;
}

async function files(options: ImageOptions, modules: readonly string[]): Promise<GuestFile[]> {
  const own = await Promise.all(
    options.programs.map(async (program) => ({
      path: `bin/${programName(program)}`,
      from: await compiledProgram(program),
    })),
  );
  const loaded = modules.map((from) => ({ path: `modules/${basename(from)}`, from }));
  const init = { path: 'init', from: await compiledProgram('init') };
  return [init, ...own, ...loaded, ...(options.files ?? [])];
}

function text(path: string, contents: string): Entry {
  return { path, kind: 'file', mode: 0o644, data: Buffer.from(contents) };
}

/** Makes the image of one run. */
export async function guestImage(options: ImageOptions): Promise<Image> {
  const kernel = await guestKernel(options.log);
  const modules = kernel.modulesFor(options);
  const contents = await files(options, modules);
  const texts = [
    text('modules/list', modules.map((file) => `${basename(file, '.ko')}\n`).join('')),
    // Servers look up the user that they are told to run as.
    text('etc/passwd', 'root:x:0:0:root:/:/bin/false\n'),
  ];
  const entries: Entry[] = [
    ...foldersOf([...texts, ...contents].map(({ path }) => path)),
    ...texts,
    ...contents.map(
      ({ path, from }): Entry => ({ path, kind: 'file', mode: 0o755, data: readFileSync(from) }),
    ),
  ];
  const initramfs = options.workspace.path('initramfs');
  // The guest unpacks it on an emulated processor: fast unpacking matters more than a small file.
  writeFileSync(initramfs, gzipSync(cpioArchive(entries), { level: 1 }));
  return { kernel: kernel.image, kernelVersion: kernel.version, initramfs };
}
