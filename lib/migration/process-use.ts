// CPU time and memory that a migration costs on the source, where its QEMU runs on this machine.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { QmpClient } from '../qmp/client.js';

const msPerTick = 10;
/** Reading takes longer than many a pass. */
const gapMs = 1000;

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

/** The process of the QEMU at the other end, found by a thread of its vCPUs; undefined if it is not here. */
async function localPid(qmp: QmpClient): Promise<number | undefined> {
  if (!qmp.isLocal) return undefined;
  try {
    const [vcpu] = await qmp.execute('query-cpus-fast');
    const status = readFileSync(`/proc/${vcpu?.['thread-id']}/status`, 'latin1');
    const pid = Number(/^Tgid:\s+(\d+)$/m.exec(status)?.[1]);
    return /qemu/i.test(readlinkSync(`/proc/${pid}/exe`)) ? pid : undefined;
  } catch {
    // Another machine, another namespace, or not ours to look at.
    return undefined;
  }
}

export class ProcessUse {
  readonly #pid: number;
  /** Threads that were there before, with their ticks: what the rest of the process uses is the migration's. */
  readonly #others = new Map<string, number>();
  readonly #ticksBefore: number;
  readonly #anonymousBefore: number;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #most = 0;
  #ticks = 0;

  private constructor(pid: number) {
    this.#pid = pid;
    for (const thread of readdirSync(`/proc/${pid}/task`)) this.#others.set(thread, 0);
    this.#anonymousBefore = anonymousBytes(pid);
    this.#ticksBefore = this.#newThreadsTicks();
  }

  /** From now on; undefined where it can't be known. */
  static async begin(qmp: QmpClient): Promise<ProcessUse | undefined> {
    const pid = await localPid(qmp);
    return pid === undefined ? undefined : new ProcessUse(pid);
  }

  /** Looks again, unless it has just looked. A process keeps the time of its threads that have ended. */
  look({ force = false } = {}): void {
    if (!force && performance.now() < this.#lookedMs + gapMs) return;
    this.#lookedMs = performance.now();
    try {
      this.#ticks = this.#newThreadsTicks() - this.#ticksBefore;
      this.#most = Math.max(this.#most, anonymousBytes(this.#pid) - this.#anonymousBefore);
    } catch {
      // It has ended; what was seen last stands.
    }
  }

  get migrationCpuMs(): number {
    return Math.max(0, this.#ticks) * msPerTick;
  }

  get extraMemoryBytes(): number {
    return this.#most;
  }

  #newThreadsTicks(): number {
    let ticks = ticksOf(`/proc/${this.#pid}/stat`);
    for (const [thread, last] of this.#others) {
      let own = last;
      try {
        own = ticksOf(`/proc/${this.#pid}/task/${thread}/stat`);
        this.#others.set(thread, own);
      } catch {
        // It has ended; what it had used when it was last seen stands.
      }
      ticks -= own;
    }
    return ticks;
  }
}
