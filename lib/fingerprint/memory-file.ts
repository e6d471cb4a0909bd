// The memory of a running guest, read in place through the file behind it (memory-backend-file with share=on, or a
// memfd as /proc/PID/fd/N). It is mapped read-only; QEMU and the guest do not notice.
import { z } from 'zod';
import { OptionError } from '../errors/option-error.js';
import { shown } from '../errors/shown.js';
import { DisposedError, MemoryFileError } from './errors.js';
import { fingerprintInBackground, type Hasher, nativeHasher } from './hasher.js';
import { awaiting, FileShrunk } from './library.js';
import { type NativeMappedFile, native } from './native.js';
import { type PageRange, pagesWithin } from './page-range.js';
import { count, pageSizes, parseOptions } from './schema.js';
import { type BackgroundOptions, backgroundShape } from './slices.js';
import type { SourceOf } from './sources.js';
import { Check, checkInBackground, FingerprintTable } from './table.js';

const schema = z.strictObject({
  ...backgroundShape,
  first: count.optional(),
  pages: count.optional(),
});

function open(path: string): NativeMappedFile {
  const { MappedFile } = native();
  try {
    return new MappedFile(path);
  } catch (error) {
    const { code, message } = error as Error & { readonly code?: unknown };
    if (code !== 'SYSTEM' && code !== 'REFUSED') throw error;
    throw new MemoryFileError(path, `can't be mapped: ${message}`);
  }
}

/**
 * The file behind a guest's memory, mapped read-only: memory-backend-file with share=on, or a memfd as /proc/PID/fd/N. QEMU
 * and the guest do not notice that it is read. Dispose of it, or bind it with `using`, to unmap it.
 */
export class MemoryFile implements Disposable {
  /** The path of the file. */
  readonly path: string;
  /** How long the file was when it was opened. */
  readonly bytes: number;
  #native: NativeMappedFile | undefined;

  constructor(path: string) {
    if (typeof path !== 'string' || path === '' || path.includes('\0')) {
      throw new OptionError('path', 'expected the path of a file');
    }
    this.#native = open(path);
    this.path = path;
    this.bytes = this.#native.bytes();
  }

  /** How many pages of this size the file has; default: 4096 bytes. */
  pages(pageSize = 4096): number {
    const size = pageSizes.find((accepted) => accepted === pageSize);
    if (!size)
      throw new OptionError('pageSize', `is ${shown(pageSize)}`, pageSize, pageSizes.map(String));
    const pages = this.bytes / size;
    if (Number.isInteger(pages)) return pages;
    throw new MemoryFileError(
      this.path,
      `has ${this.bytes} bytes, which is not a multiple of the page size, ${size}`,
    );
  }

  /**
   * The digests of pages, one after the other. Each page is read once; a page that the guest writes meanwhile may be
   * read half old and half new.
   */
  async fingerprint(hasher: Hasher, options?: PageRange & BackgroundOptions): Promise<Buffer> {
    nativeHasher(hasher);
    const { first, pages, ...background } = parseOptions(schema, options);
    const range = pagesWithin(this.pages(hasher.pageSize), { first, pages });
    const sourceOf = this.#sources(hasher.pageSize, range.first);
    return await this.#reading(() =>
      fingerprintInBackground(hasher, range.pages, background, sourceOf),
    );
  }

  /**
   * Compares pages with what a table holds, and commits what they hold now. Each page is copied before it is compared, so
   * that its verdict and its fingerprint belong to the same bytes (rule R1).
   */
  async checkAndCommit(
    table: FingerprintTable,
    options?: PageRange & Omit<BackgroundOptions, 'threads'>,
  ): Promise<Check> {
    if (!(table instanceof FingerprintTable)) {
      throw new OptionError('table', 'expected a FingerprintTable');
    }
    const { first, pages, ...background } = parseOptions(schema, options);
    const { pageSize } = table.hasher;
    const range = pagesWithin(this.pages(pageSize), { first, pages });
    const request = {
      pages: range.pages,
      where: range.first,
      commit: true,
      sourceOf: this.#sources(pageSize, range.first),
    };
    const verdicts = await this.#reading(() => checkInBackground(table, request, background));
    return new Check(verdicts);
  }

  /** Unmaps the file as soon as nothing reads it. */
  dispose(): void {
    this.#native?.close();
    this.#native = undefined;
  }

  /** Unmaps the file, as `dispose` does. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #open(): NativeMappedFile {
    if (!this.#native) throw new DisposedError('memory file');
    return this.#native;
  }

  #sources(pageSize: number, first: number): SourceOf {
    return (page, pages) => [this.#open(), (first + page) * pageSize, pages * pageSize];
  }

  async #reading<Result>(read: () => Promise<Result>): Promise<Result> {
    const file = this.#open();
    try {
      if (file.hasShrunk()) throw new FileShrunk();
      return await awaiting(read);
    } catch (error) {
      if (!(error instanceof FileShrunk)) throw error;
      throw new MemoryFileError(this.path, `has become shorter than its ${this.bytes} bytes`);
    }
  }
}
