// Long work in the background, slice by slice, so that it can report progress and be aborted, and never blocks the
// event loop for long.
import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { count, parseOptions } from './schema.js';

const sliceBytes = 4 * 1024 * 1024;
/** libuv's pool has four threads unless told otherwise: one is left to the rest of the program. */
const maxThreads = 3;

/** How far work in the background is. */
export interface Progress {
  /** How many pages are done. */
  readonly donePages: number;
  /** How many pages there are. */
  readonly totalPages: number;
}

/** How to work in the background. */
export interface BackgroundOptions {
  /** Aborting it ends the work, with its reason; parts that are under way end first. */
  readonly signal?: AbortSignal | undefined;
  /** Is called when a part is done. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** How many threads work at a time, 1 to 64; default: one for each processor, at most 3. */
  readonly threads?: number | undefined;
}

export const backgroundShape = {
  signal: z.instanceof(AbortSignal, { error: 'expected an AbortSignal' }).optional(),
  onProgress: z
    .custom<(progress: Progress) => void>((value) => typeof value === 'function', {
      error: 'expected a function',
    })
    .optional(),
  threads: count.refine((threads) => threads >= 1 && threads <= 64, 'expected 1 to 64').optional(),
};

const schema = z.strictObject(backgroundShape);

export interface Slice {
  readonly firstPage: number;
  readonly pages: number;
}

export type CheckedBackgroundOptions = z.output<typeof schema>;

export function parseBackgroundOptions(options: unknown): CheckedBackgroundOptions {
  return parseOptions(schema, options);
}

/** Does every slice once, several at a time; ends when all that was begun has ended. */
export async function inSlices(
  totalPages: number,
  pageSize: number,
  { signal, onProgress, threads }: CheckedBackgroundOptions,
  work: (slice: Slice) => Promise<void>,
): Promise<void> {
  const pagesEach = sliceBytes / pageSize;
  let nextPage = 0;
  let donePages = 0;
  let stopped = false;
  const runOne = async () => {
    while (!stopped && nextPage < totalPages) {
      signal?.throwIfAborted();
      const slice = { firstPage: nextPage, pages: Math.min(pagesEach, totalPages - nextPage) };
      nextPage += slice.pages;
      await work(slice);
      donePages += slice.pages;
      onProgress?.({ donePages, totalPages });
    }
  };
  const runner = async () => {
    try {
      await runOne();
    } catch (error) {
      stopped = true;
      throw error;
    }
  };
  signal?.throwIfAborted();
  const runners = threads ?? Math.min(availableParallelism(), maxThreads);
  const results = await Promise.allSettled(Array.from({ length: runners }, runner));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  signal?.throwIfAborted();
}
