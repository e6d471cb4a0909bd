// Facts about this machine, for results that are measured on it.
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../../system/package-root.js';
import type { MachineFacts } from '../model/machine.js';

function packageVersion(): string {
  const { version } = z
    .looseObject({ version: z.string() })
    .parse(JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')));
  return version;
}

/** Facts about this machine; `fakedirty` is the version of what is measured, this package unless another is given. */
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
