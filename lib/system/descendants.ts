// All descendants of a process group. A process of the group may have started process groups of its own, which a signal to the
// outer group does not reach.
import { readdirSync, readFileSync } from 'node:fs';
import { startOf } from './owner.js';

interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
}

/** Undefined: it has ended in the meantime. */
function entryOf(pid: number): ProcessEntry | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in brackets, may hold anything.
    const [, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { pid, parent: Number(parent), group: Number(group) };
  } catch {
    return undefined;
  }
}

function allProcesses(): ProcessEntry[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => entryOf(Number(name)) ?? []);
  } catch {
    return [];
  }
}

/** The processes of these groups and these others, and all that descend from them. */
function withDescendants(groups: ReadonlySet<number>, others: readonly number[] = []): Set<number> {
  const all = allProcesses();
  const ofGroups = all.filter((entry) => groups.has(entry.group)).map(({ pid }) => pid);
  const found = new Set([...others, ...ofGroups]);
  // Iterating over a set reaches what is added meanwhile.
  for (const pid of found) {
    for (const entry of all) if (entry.parent === pid) found.add(entry.pid);
  }
  return found;
}

function send(pid: number, signal: 'SIGSTOP' | 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended in the meantime.
  }
}

/**
 * Remembers what a group has under it. The function returned kills what still lives of that, and everything under it: once
 * the head of the group has ended, nothing else tells which processes of other groups were its own. What those have
 * started since is found as well, by their groups.
 */
export function rememberDescendants(group: number): () => void {
  const pids = withDescendants(new Set([group]));
  const starts = [...pids].map((pid) => [pid, startOf(pid)] as const);
  const groups = new Set([group]);
  for (const entry of allProcesses()) if (pids.has(entry.pid)) groups.add(entry.group);
  return () => {
    // Another process may have the number by now.
    const living = starts.filter(([pid, start]) => start !== undefined && startOf(pid) === start);
    killAll(
      groups,
      living.map(([pid]) => pid),
    );
  };
}

/** Kills a group and everything under it. */
export function killWithDescendants(group: number): void {
  killAll(new Set([group]));
}

/** All are stopped first: none can start another one unseen. */
function killAll(groups: ReadonlySet<number>, others: readonly number[] = []): void {
  const stopped = new Set<number>();
  for (;;) {
    const more = [...withDescendants(groups, others)].filter((pid) => !stopped.has(pid));
    if (more.length === 0) break;
    for (const pid of more) {
      send(pid, 'SIGSTOP');
      stopped.add(pid);
    }
  }
  for (const pid of stopped) send(pid, 'SIGKILL');
}
