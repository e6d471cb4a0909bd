// Pages that change and change back.
import { memoryWriter } from './memory-writer.js';

/** Writes two values in turn. */
export const flipFlop = memoryWriter(
  'flip-flop',
  'writes two values in turn, so that pages return to earlier contents: what would deceive a careless filter',
  'flip',
);
