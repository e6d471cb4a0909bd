// What the figures were measured on.
import { targets, version } from '../lib/index.js';
import { machineFacts } from '../lib/lab/run/machine-facts.js';
import type { Machine } from './results/schema.js';

export function thisMachine(): Machine {
  const { FAKEDIRTY_TARGET: asked } = process.env;
  return { ...machineFacts(version()), target: asked ?? targets()[0] ?? 'portable' };
}
