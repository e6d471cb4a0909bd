// Pages for background threads, handed out slice by slice.

import { OptionError } from '../errors/option-error.js';
import { isShared } from './bytes.js';
import type { NativeSource } from './native.js';

/** So many pages from this one on. */
export type SourceOf = (firstPage: number, pages: number) => NativeSource;

/** Of a view, whose memory JavaScript may take away between two slices. */
export function sourcesIn(view: Uint8Array, pageSize: number): SourceOf {
  const bytes = view.length;
  const shared = isShared(view);
  return (firstPage, pages) => {
    if (view.length !== bytes) {
      throw new OptionError('bytes', 'its buffer was detached or resized while it was read');
    }
    const start = firstPage * pageSize;
    return [view.subarray(start, start + pages * pageSize), shared];
  };
}
