// Bytes in any form that JavaScript has: they are read in place, not copied first.
import { types } from 'node:util';
import { OptionError } from '../errors/option-error.js';

/** A Buffer, any TypedArray, a DataView, or the memory itself, shared or not. */
export type Bytes = ArrayBufferView | ArrayBufferLike;

function asUint8Array(bytes: Bytes): Uint8Array {
  if (types.isUint8Array(bytes)) return bytes;
  if (!ArrayBuffer.isView(bytes)) return new Uint8Array(bytes);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function isBytes(value: unknown): value is Bytes {
  return ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value);
}

/** Refuses numbers whose memory was taken away: they look like an empty list. */
export function refuseDetached(option: string, list: unknown): void {
  if (ArrayBuffer.isView(list)) viewOf(option, list);
}

/** The same memory as a Uint8Array. */
export function viewOf(option: string, bytes: unknown): Uint8Array {
  if (!isBytes(bytes)) {
    const given = bytes === null ? 'null' : typeof bytes;
    throw new OptionError(option, `is ${given}; expected a Buffer, TypedArray, DataView or memory`);
  }
  try {
    const view = asUint8Array(bytes);
    // A view whose memory was taken away has no length, like an empty one, but does not answer.
    if (view.length === 0) view.at(0);
    return view;
  } catch {
    throw new OptionError(option, 'its buffer is detached, or has become too short for it');
  }
}

/** Other threads may write it, and nobody can take it away. */
export function isShared(view: Uint8Array): boolean {
  return types.isSharedArrayBuffer(view.buffer);
}

/** How many pages a view holds; it must hold whole ones. */
export function pagesIn(option: string, view: Uint8Array, pageSize: number): number {
  const pages = view.length / pageSize;
  if (Number.isInteger(pages)) return pages;
  throw new OptionError(
    option,
    `has ${view.length} bytes; expected a multiple of the page size, ${pageSize}`,
  );
}
