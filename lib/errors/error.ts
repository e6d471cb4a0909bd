// The root of all errors that this package throws on purpose: each has a stable code.
import type { ErrorCode } from './codes.js';
import { inWords, type Naming, type Words } from './wording.js';

/** Any error that this package throws on purpose. Tell them apart by class or by `code`. */
export abstract class FakedirtyError extends Error {
  /** The name of its class. */
  abstract override readonly name: string;
  /** A code that keeps its meaning from version to version; docs/reference/errors.md lists all. */
  abstract readonly code: ErrorCode;
  readonly #words: Words;

  constructor(words: Words = '', options?: ErrorOptions) {
    super(String(words), options);
    this.#words = words;
  }

  /**
   * The message with other names of options, such as flags.
   * @internal
   */
  messageIn(naming: Naming): string {
    return inWords(this.#words, naming);
  }
}
