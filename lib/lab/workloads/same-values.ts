import { memoryWriter } from './memory-writer.js';

export const sameValues = memoryWriter(
  'same-values',
  'stores the values that are there already: every page marked dirty is fake',
  'same',
);
