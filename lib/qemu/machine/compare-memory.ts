// Compares the memory of two guests, page by page, through the files that hold it.
import { type FileHandle, open } from 'node:fs/promises';
import { MemoryComparisonError } from './errors.js';

const chunkBytes = 4 << 20;
const numbersKept = 64;

export interface MemoryComparison {
  readonly pages: number;
  readonly differentPages: number;
  /** The numbers of the first of them. */
  readonly firstDifferent: readonly number[];
}

async function fill(file: FileHandle, buffer: Buffer, position: number): Promise<number> {
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await file.read(
      buffer,
      filled,
      buffer.length - filled,
      position + filled,
    );
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}

/** Both guests must be at rest. Files of different sizes are an error: they are not the same guest. */
export async function compareMemory(
  one: string,
  other: string,
  pageBytes = 4096,
): Promise<MemoryComparison> {
  const files = [await open(one), await open(other)] as const;
  try {
    const [size, otherSize] = await Promise.all(
      files.map(async (file) => (await file.stat()).size),
    );
    if (size === undefined || size !== otherSize || size % pageBytes !== 0) {
      throw new MemoryComparisonError(
        `${one} has ${size} bytes and ${other} has ${otherSize}; ` +
          `expected equal sizes, a multiple of ${pageBytes}`,
      );
    }
    const buffers = [Buffer.alloc(chunkBytes), Buffer.alloc(chunkBytes)] as const;
    const firstDifferent: number[] = [];
    let differentPages = 0;
    for (let position = 0; position < size; position += chunkBytes) {
      const bytes = Math.min(chunkBytes, size - position);
      const [a, b] = [buffers[0].subarray(0, bytes), buffers[1].subarray(0, bytes)];
      const filled = await Promise.all([fill(files[0], a, position), fill(files[1], b, position)]);
      if (filled.some((count) => count !== bytes))
        throw new MemoryComparisonError(`${one} became shorter while it was read`);
      if (a.equals(b)) continue;
      for (let at = 0; at < bytes; at += pageBytes) {
        const end = at + pageBytes;
        if (a.compare(b, at, end, at, end) === 0) continue;
        differentPages += 1;
        if (firstDifferent.length < numbersKept) firstDifferent.push((position + at) / pageBytes);
      }
    }
    return { pages: size / pageBytes, differentPages, firstDifferent };
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}
