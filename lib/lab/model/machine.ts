// What something was measured on.
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { z } from 'zod';

const counted = z.int().positive();

export const machineSchema = z.strictObject({
  processor: z.string(),
  processors: counted,
  memoryBytes: counted,
  system: z.string(),
  node: z.string(),
  fakedirty: z.string(),
});

export type MachineFacts = z.output<typeof machineSchema>;

function packageVersion(): string {
  const { version } = z
    .looseObject({ version: z.string() })
    .parse(JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')));
  return version;
}

/** Of this machine; what was measured is the package when no other version is given. */
export function machineFacts(fakedirty = packageVersion()): MachineFacts {
  const processors = cpus();
  return {
    processor: processors[0]?.model.trim() || process.arch,
    processors: Math.max(1, processors.length),
    memoryBytes: totalmem(),
    system: `${type()} ${release()}`,
    node: process.versions.node,
    fakedirty,
  };
}
