// Stores that always change something.
import { memoryWriter } from './memory-writer.js';

/** Writes new values. */
export const workingSet = memoryWriter(
  'working-set',
  'writes new values to a working set, of a given size and at a given rate',
  'random',
);
