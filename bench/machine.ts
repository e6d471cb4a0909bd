// What the figures were measured on.
import { cpus, release, totalmem, type } from 'node:os';
import { targets, version } from '../lib/index.js';
import type { Machine } from './results/schema.js';

export function thisMachine(): Machine {
  const processors = cpus();
  const { FAKEDIRTY_TARGET: asked } = process.env;
  return {
    processor: processors[0]?.model.trim() || process.arch,
    processors: Math.max(1, processors.length),
    memoryBytes: totalmem(),
    system: `${type()} ${release()}`,
    node: process.versions.node,
    fakedirty: version(),
    target: asked ?? targets()[0] ?? 'portable',
  };
}
