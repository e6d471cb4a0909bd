import { memoryWriter } from './memory-writer.js';

export const idle = memoryWriter('idle', 'fills its memory once and then does nothing', 'idle');
