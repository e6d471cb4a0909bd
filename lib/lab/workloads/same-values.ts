// Stores that change nothing.
import { memoryWriter } from './memory-writer.js';

/** Stores values that are already there. */
export const sameValues = memoryWriter(
  'same-values',
  'stores values that are already there: every page marked dirty is fake',
  'same',
);
