// What a source sends of its guest's memory, read from a migration's stream: the sections of RAM, and the pages in each.
// For methods that send everything through one connection.

export type PageKind = 'zero' | 'whole' | 'compressed';

export interface SentPage {
  readonly block: string;
  readonly offset: number;
  readonly kind: PageKind;
}

/** As QEMU's migration/savevm.h and migration/ram.c number them. */
const sectionTypes = { part: 0x02, end: 0x03, command: 0x08, footer: 0x7e } as const;
const pageFlags = {
  zero: 0x02,
  memorySize: 0x04,
  whole: 0x08,
  endOfSection: 0x10,
  sameBlock: 0x20,
  compressed: 0x100,
} as const;
const pageBytes = 4096;
const flagsMask = BigInt(pageBytes - 1);

/** The name, instance and version of the section that begins with the list of blocks. */
const ramHeader = Buffer.from('\u0003ram\0\0\0\0\0\0\0\u0004', 'latin1');

class Reader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#moved(1));
  }

  word16(): number {
    return this.#bytes.readUInt16BE(this.#moved(2));
  }

  word32(): number {
    return this.#bytes.readUInt32BE(this.#moved(4));
  }

  word64(): bigint {
    return this.#bytes.readBigUInt64BE(this.#moved(8));
  }

  name(): string {
    const length = this.byte();
    const at = this.#moved(length);
    return this.#bytes.toString('latin1', at, at + length);
  }

  skip(bytes: number): void {
    this.#moved(bytes);
  }

  #moved(bytes: number): number {
    const at = this.#at;
    this.#at += bytes;
    return at;
  }
}

function skipBlocks(reader: Reader, totalBytes: bigint): void {
  for (let left = totalBytes; left > 0n; ) {
    reader.name();
    left -= reader.word64();
  }
}

function kindOf(flags: number): PageKind {
  for (const kind of ['zero', 'whole', 'compressed'] as const) {
    if (flags & pageFlags[kind]) return kind;
  }
  throw new Error(`unknown flags of a page: 0x${flags.toString(16)}`);
}

function skipPage(reader: Reader, kind: PageKind): void {
  if (kind === 'zero') reader.byte();
  else reader.skip(kind === 'whole' ? pageBytes : reader.word32());
}

/** The pages of one section; the name of a block is sent when it is not that of the page before. */
function readSection(reader: Reader, blockBefore: string): SentPage[] {
  const pages: SentPage[] = [];
  for (let block = blockBefore; ; ) {
    const word = reader.word64();
    const flags = Number(word & flagsMask);
    if (flags === pageFlags.endOfSection) return pages;
    if (flags === pageFlags.memorySize) {
      skipBlocks(reader, word & ~flagsMask);
      continue;
    }
    if (!(flags & pageFlags.sameBlock)) block = reader.name();
    const kind = kindOf(flags);
    skipPage(reader, kind);
    pages.push({ block, offset: Number(word & ~flagsMask), kind });
  }
}

/** The sections of RAM in a stream, to the last one. */
export function ramSections(stream: Buffer): SentPage[][] {
  const header = stream.indexOf(ramHeader);
  if (header < 0) throw new Error('the stream has no section of RAM');
  const reader = new Reader(stream, header + ramHeader.length);
  const sections: SentPage[][] = [];
  for (let last = false, block = ''; ; ) {
    const pages = readSection(reader, block);
    block = pages.at(-1)?.block ?? block;
    sections.push(pages);
    if (last) return sections;
    for (let begun = false; !begun; ) {
      const type = reader.byte();
      if (type === sectionTypes.footer) reader.skip(4);
      else if (type === sectionTypes.command) {
        reader.skip(2);
        reader.skip(reader.word16());
      } else if (type === sectionTypes.part || type === sectionTypes.end) {
        reader.skip(4);
        last = type === sectionTypes.end;
        begun = true;
      } else throw new Error(`unknown section 0x${type.toString(16)}`);
    }
  }
}
