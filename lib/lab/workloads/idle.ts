// A guest that does nothing.
import { memoryWriter } from './memory-writer.js';

/** Fills its memory, then does nothing. */
export const idle = memoryWriter('idle', 'fills its memory once, then does nothing', 'idle');
