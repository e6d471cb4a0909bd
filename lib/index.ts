// fakedirty: fingerprints of pages, tables of what a destination holds, memory files, and the root of all errors.
export { type ErrorCode, errorCodes } from './errors/codes.js';
export { FakedirtyError } from './errors/error.js';
export { OptionError } from './errors/option-error.js';
export * from './fingerprint/index.js';
