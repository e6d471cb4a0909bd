// Waits for work until it is done, a time limit has passed, or the caller's signal is aborted.
import { FakedirtyError } from '../errors/error.js';

/** Something did not happen in time. */
export class TimeoutError extends FakedirtyError {
  override readonly name = 'TimeoutError';
  override readonly code = 'ERR_TIMEOUT';
}

/** setTimeout cannot wait longer, and does not wait at all when asked to. */
const maxTimerMs = 2 ** 31 - 1;

/** Waits for `work`, unless the signal is aborted: then the result is a rejection with its reason. The work goes on. */
export async function unlessAborted<Result>(
  work: PromiseLike<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  let onAbort = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal?.reason);
    if (signal?.aborted) onAbort();
  });
  signal?.addEventListener('abort', onAbort);
  try {
    // Both are waited for from now on: whatever comes of the work later is no unhandled rejection.
    return await Promise.race([aborted, work]);
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

/**
 * Waits for `work`. When `limitMs` have passed, the result is what `late` returns or throws; when the signal is
 * aborted, it is a rejection with the signal's reason. The work itself goes on: end it where that matters.
 */
export async function within<Result, Late = never>(
  limitMs: number,
  work: PromiseLike<Result>,
  late: () => Late | PromiseLike<Late>,
  signal?: AbortSignal,
): Promise<Result | Late> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<Late>((resolve, reject) => {
    if (limitMs > maxTimerMs) return;
    timer = setTimeout(() => {
      try {
        resolve(late());
      } catch (error) {
        reject(error);
      }
    }, limitMs);
  });
  try {
    return await unlessAborted(Promise.race([work, limit]), signal);
  } finally {
    clearTimeout(timer);
  }
}
