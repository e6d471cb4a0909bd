// The test guest (native/guest/guest.S): assembles it, sets its parameters, and talks to it.
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { OptionError } from '../../errors/option-error.js';
import { packageRoot } from '../../system/package-root.js';
import { run } from '../../system/processes.js';
import type { Workspace } from '../../system/workspace.js';
import { GuestError } from './errors.js';
import type { SerialLine } from './serial-line.js';

const source = join(packageRoot, 'native', 'guest', 'guest.S');
const magic = 'FDGUEST1';
const baseBytes = 0x100000;
/** Where a PC with so much memory, or more, has the addresses of its devices; the rest of memory lies above 4 GiB. */
const [splitFromBytes, splitAtBytes] = [3.5 * 2 ** 30, 3 * 2 ** 30];
/** What one page table has, without the megabyte below. */
const maxPagedPages = 1024 - baseBytes / 4096;
const answerMs = 60_000;
/** Their stacks have room between the first one's and the page by which they count. */
const maxVcpus = 32;

/** In the order in which the guest numbers them. */
export const guestPatterns = ['idle', 'rewrite', 'random', 'flip', 'zero'] as const;
export type GuestPattern = (typeof guestPatterns)[number];

export interface GuestOptions {
  readonly pattern: GuestPattern;
  /** Size of the working set, which begins at 1 MiB. */
  readonly pages: number;
  /** Words written in each page by a pass: a power of two, to 1024. */
  readonly wordsPerPage?: number;
  readonly seed?: number;
  /** Pauses after each page: slows the pattern down. */
  readonly spins?: number;
  /** Reaches its working set, of up to 768 pages, through a page table at the address of its first page: see guest.S. */
  readonly paged?: boolean;
  /**
   * Where it works: 0, in 32-bit mode, when not given; or 3, in 64-bit mode, which KVM runs at the speed of the
   * processor even where it interprets ring 0.
   */
  readonly ring?: 0 | 3;
  /** How many vCPUs write at once, in ring 3; 1 when not given. The machine has to have so many. */
  readonly vcpus?: number;
}

export interface GuestState {
  /** Passes over the working set so far. */
  readonly passes: number;
  /** Words of the working set that are not what they must be. */
  readonly wrongWords: number;
  readonly sum: number;
}

/** Assembles the guest for these options and returns the path of its image, which QEMU boots as -bios. */
export async function assembleGuest(workspace: Workspace, options: GuestOptions): Promise<string> {
  const { pattern, pages, wordsPerPage = 1, seed = 1, spins = 0, paged = false } = options;
  const { ring = 0, vcpus = 1 } = options;
  if (wordsPerPage < 1 || wordsPerPage > 1024 || (wordsPerPage & (wordsPerPage - 1)) !== 0) {
    const problem = `is ${wordsPerPage}; expected a power of two from 1 to 1024`;
    throw new OptionError('wordsPerPage', problem);
  }
  if (paged && pages > maxPagedPages) {
    const problem = `is ${pages}; expected at most ${maxPagedPages} in a paged guest`;
    throw new OptionError('pages', problem);
  }
  if (paged && ring !== 0) throw new OptionError('ring', 'is 3; expected 0 in a paged guest');
  if (vcpus < 1 || vcpus > (ring === 0 ? 1 : Math.min(maxVcpus, pages))) {
    const expected = ring === 0 ? '1 in ring 0' : `1 to ${maxVcpus}, and a page for each`;
    throw new OptionError('vcpus', `is ${vcpus}; expected ${expected}`);
  }
  const object = workspace.path('guest.o');
  const image = workspace.path('guest.bin');
  const as = ['--64', '--defsym', `ring=${ring}`, '-I', dirname(source)];
  await run('as', [...as, '-o', object, source]);
  const ld = ['-m', 'elf_x86_64', '-Ttext', '0xf0000', '--oformat', 'binary'];
  await run('ld', [...ld, '-o', image, object]);
  const bytes = await readFile(image);
  if (bytes.toString('latin1', 0, magic.length) !== magic) {
    throw new Error(`${image} does not begin with ${magic}: it was not linked as guest.S says`);
  }
  const values = [
    ...[guestPatterns.indexOf(pattern), baseBytes, pages],
    ...[wordsPerPage, seed, spins, Number(paged), vcpus],
  ];
  values.forEach((value, index) => {
    bytes.writeUInt32LE(value, magic.length + 4 * index);
  });
  await writeFile(image, bytes);
  return image;
}

/** The least memory that a guest with these options needs. */
export function guestRamBytes({
  pages,
  paged = false,
}: Pick<GuestOptions, 'pages' | 'paged'>): number {
  return baseBytes + (pages + Number(paged)) * 4096;
}

/** The largest working set that a guest has room for: it lies in one piece. */
export function maxGuestPages(ramBytes: number): number {
  const endBytes = ramBytes < splitFromBytes ? ramBytes : splitAtBytes;
  return Math.floor((endBytes - baseBytes) / 4096);
}

/** Waits until the guest has filled its working set and begins to write. */
export async function untilReady(serial: SerialLine, timeoutMs = answerMs): Promise<void> {
  const line = await serial.line(timeoutMs);
  if (line !== 'ready') throw new GuestError(`The guest said "${line}" instead of "ready".`);
}

/** Has a running guest check its whole working set. */
export async function guestState(serial: SerialLine): Promise<GuestState> {
  serial.send('?');
  const line = await serial.line(answerMs);
  const numbers = /^pass=(\w{8}) bad=(\w{8}) sum=(\w{8})$/.exec(line)?.slice(1);
  if (!numbers) throw new GuestError(`The guest said "${line}" instead of its state.`);
  const [passes = 0, wrongWords = 0, sum = 0] = numbers.map((digits) =>
    Number.parseInt(digits, 16),
  );
  return { passes, wrongWords, sum };
}
