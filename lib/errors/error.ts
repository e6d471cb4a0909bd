// The root of all errors that this package throws on purpose: each has a stable code.
import type { ErrorCode } from './codes.js';

/** Of all errors that this package throws on purpose: catch this one for all, or one by its class or code. */
export abstract class FakedirtyError extends Error {
  abstract override readonly name: string;
  /** Stable; docs/reference/errors.md lists all. */
  abstract readonly code: ErrorCode;
}
