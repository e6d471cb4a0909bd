// Waits for work until it is done, a time limit has passed, or the caller's signal is aborted.
import { FakedirtyError } from '../errors/error.js';

/** Something did not happen in time. */
export class TimeoutError extends FakedirtyError {
  override readonly name = 'TimeoutError';
  override readonly code = 'ERR_TIMEOUT';
}

/** setTimeout cannot wait longer, and does not wait at all when asked to. */
const maxTimerMs = 2 ** 31 - 1;

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
  signal?.throwIfAborted();
  let timer: NodeJS.Timeout | undefined;
  let onAbort = () => {};
  const limits = new Promise<Late>((resolve, reject) => {
    if (limitMs <= maxTimerMs) {
      timer = setTimeout(() => {
        try {
          resolve(late());
        } catch (error) {
          reject(error);
        }
      }, limitMs);
    }
    onAbort = () => reject(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, limits]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}
