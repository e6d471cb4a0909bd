// Names that carry their owner: a directory or a network namespace says by its name which process made it, so that a
// later run can remove what a killed one left, and nothing else.
import { readFileSync, readlinkSync } from 'node:fs';

const prefix = 'fakedirty';
const pattern = new RegExp(`^${prefix}-(\\d+)-(\\d+)-(\\d+)-(\\w+)$`);

/** When a process began, in ticks since boot: a later process with the same number has another. */
export function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in brackets, may hold anything.
    return stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .at(19);
  } catch {
    return undefined;
  }
}

/** Process numbers mean nothing outside their own namespace. */
function processNamespace(): string {
  return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
}

/** A name for something that this process owns. The label is letters and digits; mkdtemp() adds them to an empty one. */
export function ownedName(label: string): string {
  return [prefix, process.pid, startOf(process.pid), processNamespace(), label].join('-');
}

/** Whether the name is one of ours and its owner lives; false when that is unknown. */
export function isAlive(name: string): boolean {
  const [, pid, start, namespace] = pattern.exec(name) ?? [];
  if (!pid || namespace !== processNamespace()) return false;
  return startOf(Number(pid)) === start;
}

/** Whether the name is one of ours and its owner is dead; false when that is unknown. */
export function isAbandoned(name: string): boolean {
  const [, pid, start, namespace] = pattern.exec(name) ?? [];
  if (!pid || namespace !== processNamespace()) return false;
  return startOf(Number(pid)) !== start;
}
