import { memoryWriter } from './memory-writer.js';

export const idle = memoryWriter('idle', 'fills its memory once, then does nothing', 'idle');
