// CPU time and memory that a QEMU on this machine uses for what is asked of it: a migration, a measurement.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { identityOf, type ProcessIdentity } from '../system/owner.js';
import type { QmpSession } from './client.js';

const msPerTick = 10;
/** Reading /proc takes longer than some passes do, so it is not read for each of them. */
const minGapMs = 1000;

/** Ticks of user and system time; fields 14 and 15, counted behind the name, which may hold anything. */
function ticksOf(path: string): number {
  const stat = readFileSync(path, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

function anonymousBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

/** The QEMU at the other end, found by one of its vCPU threads; undefined if it is not on this machine. */
async function localPid(qmp: QmpSession): Promise<number | undefined> {
  if (!qmp.isLocal) return undefined;
  try {
    const [vcpu] = await qmp.execute('query-cpus-fast');
    const status = readFileSync(`/proc/${vcpu?.['thread-id']}/status`, 'latin1');
    const pid = Number(/^Tgid:\s+(\d+)$/m.exec(status)?.[1]);
    return /qemu/i.test(readlinkSync(`/proc/${pid}/exe`)) ? pid : undefined;
  } catch {
    // Another machine, another namespace, or no permission to read it.
    return undefined;
  }
}

/** What identifies the QEMU at the other end on this machine; undefined if it is elsewhere, or can't be inspected. */
export async function processOf(qmp: QmpSession): Promise<ProcessIdentity | undefined> {
  const pid = await localPid(qmp);
  return pid === undefined ? undefined : identityOf(pid);
}

/** What one QEMU uses beyond what it used before: CPU time of new threads, and anonymous memory. */
export class ProcessUsage {
  readonly #pid: number;
  /** Threads that existed before, with their ticks: what the rest of the process uses is counted. */
  readonly #others = new Map<string, number>();
  readonly #ticksBefore: number;
  readonly #anonymousBefore: number;
  #sampledAtMs = Number.NEGATIVE_INFINITY;
  #maxExtraBytes = 0;
  #ticks = 0;

  /** What identifies that QEMU on this machine. */
  get process(): ProcessIdentity | undefined {
    return identityOf(this.#pid);
  }

  private constructor(pid: number) {
    this.#pid = pid;
    for (const thread of readdirSync(`/proc/${pid}/task`)) this.#others.set(thread, 0);
    this.#anonymousBefore = anonymousBytes(pid);
    this.#ticksBefore = this.#newThreadsTicks();
  }

  /** Measures from now on; undefined where QEMU does not run on this machine, or can't be inspected. */
  static async begin(qmp: QmpSession): Promise<ProcessUsage | undefined> {
    const pid = await localPid(qmp);
    return pid === undefined ? undefined : new ProcessUsage(pid);
  }

  /** Reads both again, unless that was just done. A process keeps the time of its threads that have ended. */
  sample({ force = false } = {}): void {
    if (!force && performance.now() < this.#sampledAtMs + minGapMs) return;
    this.#sampledAtMs = performance.now();
    try {
      this.#ticks = this.#newThreadsTicks() - this.#ticksBefore;
      this.#maxExtraBytes = Math.max(
        this.#maxExtraBytes,
        anonymousBytes(this.#pid) - this.#anonymousBefore,
      );
    } catch {
      // QEMU has ended: the last sample stands.
    }
  }

  /** CPU time of the threads that QEMU started since. */
  get cpuMs(): number {
    return Math.max(0, this.#ticks) * msPerTick;
  }

  /** By how much QEMU's anonymous memory grew at most. */
  get extraMemoryBytes(): number {
    return this.#maxExtraBytes;
  }

  #newThreadsTicks(): number {
    let ticks = ticksOf(`/proc/${this.#pid}/stat`);
    for (const [thread, last] of this.#others) {
      let own = last;
      try {
        own = ticksOf(`/proc/${this.#pid}/task/${thread}/stat`);
        this.#others.set(thread, own);
      } catch {
        // The thread has ended: its last sample stands.
      }
      ticks -= own;
    }
    return ticks;
  }
}
