// What virsh says of a domain and its job: pure. The job is asked for first: a state that is seen after it was seen that
// no job runs is not one that a job has just left behind.

import type { MoveFigures } from '../../journal/entries.js';
import type { MoveProgress } from '../driver.js';

/** The job of a domain. */
export type DomainJob =
  | 'none'
  /** It leaves. */
  | 'outgoing'
  /** It arrives. */
  | 'incoming'
  /** Something that moves nobody, such as a snapshot. */
  | 'other';

/** What libvirt says of a domain. */
export interface DomainAnswers {
  /** As `virsh domstate` names it. */
  readonly state: string;
  /** Why it is in that state, as `virsh domstate --reason` names it. */
  readonly reason: string;
  readonly job: DomainJob;
  /** How the job goes; undefined where none is. */
  readonly progress: MoveProgress | undefined;
}

/** What can't be asked: there is no such domain, or nobody answers. */
export type NoDomain = 'absent' | 'unknown';

/** What the line of the state begins with. virsh's echo ends no line. */
const separator = 'state=';

/** The commands by which a domain is looked at, for one virsh. */
export function lookWords(domain: string): string[] {
  const commands = [
    `domjobinfo ${domain} --rawstats`,
    `echo ${separator}`,
    `domstate ${domain} --reason`,
  ];
  return [commands.join('; ')];
}

/** As libvirt numbers them. */
const operations: Readonly<Record<string, DomainJob>> = { '4': 'incoming', '5': 'outgoing' };

/** It keeps the figures of a migration to itself until the guest has arrived. */
const onlyAtSource = 'available only on the source host';

function fieldsOf(lines: readonly string[]): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of lines) {
    const [, name = '', value = ''] = /^([^:]+):\s*(\S+)/.exec(line) ?? [];
    if (name) fields.set(name, value);
  }
  return fields;
}

function numberOf(fields: ReadonlyMap<string, string>, name: string): number {
  return Number(fields.get(name) ?? 0);
}

function jobOf(fields: ReadonlyMap<string, string>, problem: string): DomainJob | undefined {
  const type = fields.get('Job type');
  if (type === undefined) return problem.includes(onlyAtSource) ? 'incoming' : undefined;
  if (type === '0') return 'none';
  return operations[fields.get('operation') ?? ''] ?? 'other';
}

function progressOf(fields: ReadonlyMap<string, string>): MoveProgress {
  return {
    elapsedMs: numberOf(fields, 'time_elapsed'),
    status: 'active',
    sentBytes: numberOf(fields, 'memory_processed'),
    remainingBytes: numberOf(fields, 'memory_remaining'),
    linkBytesPerSecond: numberOf(fields, 'memory_bps'),
    // It counts the pass that is being made.
    passes: Math.max(0, numberOf(fields, 'memory_iteration') - 1),
  };
}

/** What the commands of `lookWords` wrote; undefined: that there is such a domain is not among it. */
export function parseLook(lines: readonly string[], problem: string): DomainAnswers | undefined {
  const at = lines.findIndex((line) => line.startsWith(separator));
  const [, state, reason] = /^state=(.+?) \(([^()]*)\)$/.exec(lines[at] ?? '') ?? [];
  if (at < 0 || state === undefined || reason === undefined) return undefined;
  const fields = fieldsOf(lines.slice(0, at));
  // A domain without a QEMU has no job, and none can be asked for.
  const job = state === 'shut off' ? 'none' : jobOf(fields, problem);
  if (job === undefined) return undefined;
  return { state, reason, job, progress: job === 'outgoing' ? progressOf(fields) : undefined };
}

/** What a migration cost, from `virsh domjobinfo --completed --rawstats`; undefined where it says nothing of one. */
export function parseFigures(lines: readonly string[]): MoveFigures | undefined {
  const fields = fieldsOf(lines);
  const isCompleted = fields.get('Job type') === '3';
  const { [fields.get('operation') ?? '']: job } = operations;
  if (!isCompleted || job === undefined) return undefined;
  return {
    timeMs: numberOf(fields, 'time_elapsed'),
    bytes: numberOf(fields, 'memory_processed'),
    passes: numberOf(fields, 'memory_iteration'),
    ...(fields.has('downtime') ? { downtimeMs: numberOf(fields, 'downtime') } : {}),
  };
}
