import { memoryWriter } from './memory-writer.js';

export const workingSet = memoryWriter(
  'working-set',
  'writes new values to a set of pages of the size and at the rate asked for',
  'random',
);
