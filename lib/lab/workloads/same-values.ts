import { memoryWriter } from './memory-writer.js';

export const sameValues = memoryWriter(
  'same-values',
  'stores values that are already there: every page marked dirty is fake',
  'same',
);
