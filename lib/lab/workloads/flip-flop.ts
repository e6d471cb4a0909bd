import { memoryWriter } from './memory-writer.js';

export const flipFlop = memoryWriter(
  'flip-flop',
  'writes one of two values in turn, so that pages come back to what they held: what deceives a filter',
  'flip',
);
