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
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended; only its parent has not looked yet.
    return state === 'Z' || state === 'X' ? undefined : fields[18];
  } catch {
    return undefined;
  }
}

/** Process numbers mean nothing outside their own namespace. */
function processNamespace(): string {
  return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
}

/** A process that can be told from a later one with the same number. */
export interface ProcessIdentity {
  /** Its number. */
  readonly pid: number;
  /** When it began, in ticks since its machine was started. */
  readonly start: string;
  /** Where its number counts: the namespace of process numbers. */
  readonly namespace: string;
}

/** What identifies a process on this machine; undefined if there is none with that number. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const start = startOf(pid);
  return start === undefined ? undefined : { pid, start, namespace: processNamespace() };
}

/** What identifies this process. */
export function ownIdentity(): ProcessIdentity {
  const own = identityOf(process.pid);
  if (!own) throw new Error('/proc does not show this process.');
  return own;
}

/** Whether both are the same process. */
export function isSameProcess(one: ProcessIdentity, other: ProcessIdentity): boolean {
  return one.pid === other.pid && one.start === other.start && one.namespace === other.namespace;
}

/** Whether it still runs; undefined where that can't be known, because its number counts elsewhere. */
export function isAlive({ pid, start, namespace }: ProcessIdentity): boolean | undefined {
  return namespace === processNamespace() ? startOf(pid) === start : undefined;
}

/** A name for something that this process owns. The label is letters and digits; mkdtemp() adds them to an empty one. */
export function ownedName(label: string): string {
  return [prefix, process.pid, startOf(process.pid), processNamespace(), label].join('-');
}

/** The process that a name of ours says; undefined if the name is none of ours. */
function ownerOf(name: string): ProcessIdentity | undefined {
  const [, pid, start, namespace] = pattern.exec(name) ?? [];
  return pid && start && namespace ? { pid: Number(pid), start, namespace } : undefined;
}

/** Whether the name is one of ours and its owner lives; false when that is unknown. */
export function isOwned(name: string): boolean {
  const owner = ownerOf(name);
  return owner !== undefined && isAlive(owner) === true;
}

/** Whether the name is one of ours and its owner is dead; false when that is unknown. */
export function isAbandoned(name: string): boolean {
  const owner = ownerOf(name);
  return owner !== undefined && isAlive(owner) === false;
}
