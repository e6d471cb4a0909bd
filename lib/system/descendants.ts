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

/** The processes of a group, and all that descend from them. */
function groupAndDescendants(group: number): Set<number> {
  const all = allProcesses();
  const found = new Set(all.filter((entry) => entry.group === group).map(({ pid }) => pid));
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
 * Remembers what a group has under it. The function returned kills what still lives of that: once the head of the group has
 * ended, nothing else tells which processes of other groups were its own.
 */
export function rememberDescendants(group: number): () => void {
  const starts = [...groupAndDescendants(group)].map((pid) => [pid, startOf(pid)] as const);
  return () => {
    for (const [pid, start] of starts) {
      if (start !== undefined && startOf(pid) === start) send(pid, 'SIGKILL');
    }
  };
}

/** Kills a group and everything under it. All are stopped first: none can start another one unseen. */
export function killWithDescendants(group: number): void {
  const stopped = new Set<number>();
  for (;;) {
    const more = [...groupAndDescendants(group)].filter((pid) => !stopped.has(pid));
    if (more.length === 0) break;
    for (const pid of more) {
      send(pid, 'SIGSTOP');
      stopped.add(pid);
    }
  }
  for (const pid of stopped) send(pid, 'SIGKILL');
}
