// Calls the caller's callbacks so that an exception in one of them can't harm the migration.
import { z } from 'zod';
import { messageOf } from '../errors/message-of.js';

/** All callbacks that a migration has. */
export const callbackNames = ['onPass', 'onProgress', 'record', 'policy', 'journal'] as const;

/** A callback of a migration. */
export type CallbackName = (typeof callbackNames)[number];

/** A callback that failed while a migration ran. It was not called again. */
export interface CallbackFailure {
  /** Which one. */
  readonly callback: CallbackName;
  /** When: time since the migration began. */
  readonly elapsedMs: number;
  /** What it threw, or what was wrong with what it returned. */
  readonly message: string;
}

/** Checks a `CallbackFailure` that was read from a file. */
export const callbackFailureSchema = z.strictObject({
  callback: z.enum(callbackNames),
  elapsedMs: z.number().nonnegative(),
  message: z.string(),
});

export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function';
}

/** Calls callbacks; one that throws, or whose promise is rejected, is called no more. */
export class Callbacks {
  readonly #failures: CallbackFailure[] = [];
  readonly #elapsedMs: () => number;

  constructor(elapsedMs: () => number) {
    this.#elapsedMs = elapsedMs;
  }

  /** Those that failed, in the order in which they did. */
  get failures(): readonly CallbackFailure[] {
    return this.#failures;
  }

  /** Says once that a callback failed. */
  fail(callback: CallbackName, error: unknown): void {
    if (this.#failures.some((failure) => failure.callback === callback)) return;
    const elapsedMs = Math.max(0, this.#elapsedMs());
    this.#failures.push({ callback, elapsedMs, message: messageOf(error) });
  }

  /** The callback, made harmless. */
  guard<Arguments extends unknown[]>(
    name: CallbackName,
    callback: ((...args: Arguments) => unknown) | undefined,
  ): ((...args: Arguments) => void) | undefined {
    if (!callback) return undefined;
    return (...args) => {
      if (this.#failures.some((failure) => failure.callback === name)) return;
      try {
        const returned = callback(...args);
        if (isPromise(returned)) returned.then(undefined, (error) => this.fail(name, error));
      } catch (error) {
        this.fail(name, error);
      }
    };
  }
}
