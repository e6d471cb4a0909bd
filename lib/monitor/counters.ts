// What a VM has used so far: as the kernel counts it for a QEMU on this machine, and as QEMU counts it for its disks.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { QmpSession } from '../qmp/client.js';
import { processOf } from '../qmp/process-usage.js';

/** What one vCPU has used. */
export interface VcpuCounter {
  readonly name: string;
  /** For how long it had a processor. */
  readonly busyMs: number;
}

/** What went through one network card of a VM, as the VM sees it. */
export interface InterfaceCounter {
  /** The name of the host's end. */
  readonly name: string;
  readonly transmittedBytes: number;
  readonly receivedBytes: number;
}

/** What one disk of a VM has read and written. */
export interface DiskCounter {
  readonly name: string;
  readonly readBytes: number;
  readonly writtenBytes: number;
}

/** What a VM has used so far. */
export interface VmCounters {
  /** When it was read, by a clock that only goes forward. */
  readonly clockMs: number;
  /** Undefined where QEMU is not on this machine, or may not be inspected. */
  readonly vcpus: readonly VcpuCounter[] | undefined;
  /** Taps are counted, with vhost or without; undefined where nothing can be seen of them. */
  readonly interfaces: readonly InterfaceCounter[] | undefined;
  readonly disks: readonly DiskCounter[];
}

/** A card that was plugged in is seen after so many readings at the latest. */
const readingsPerSearch = 10;
const nsPerMs = 1e6;

/** The lines of /proc/net/dev: what each interface has received and transmitted, as the host sees it. */
export function parseNetDev(text: string): Map<string, { received: number; transmitted: number }> {
  const found = new Map<string, { received: number; transmitted: number }>();
  for (const line of text.split('\n')) {
    const [, name, numbers = ''] = /^\s*([^\s:]+(?::\d+)?):\s*(.*)$/.exec(line) ?? [];
    const fields = numbers.split(/\s+/).map(Number);
    const [received, transmitted] = [fields[0], fields[8]];
    if (name === undefined || received === undefined || transmitted === undefined) continue;
    if (Number.isFinite(received) && Number.isFinite(transmitted)) {
      found.set(name, { received, transmitted });
    }
  }
  return found;
}

/** The host's ends of its cards: each tap that it has open says its name. */
function tapsOf(pid: number): string[] {
  const names = new Set<string>();
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    try {
      if (readlinkSync(`/proc/${pid}/fd/${fd}`) !== '/dev/net/tun') continue;
      const info = readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1');
      const [, name] = /^iff:\s*(\S+)$/m.exec(info) ?? [];
      if (name !== undefined) names.add(name);
    } catch {
      // It has been closed meanwhile.
    }
  }
  return [...names].sort();
}

/** For how long a thread has run. */
function busyMsOf(pid: number, thread: number): number {
  const text = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1');
  return Number(text.split(' ')[0]) / nsPerMs;
}

interface Vcpu {
  readonly name: string;
  readonly thread: number;
}

/** Reads the counters of one VM, again and again. */
export class CounterReader {
  readonly #qmp: QmpSession;
  readonly #pid: number | undefined;
  #vcpus: readonly Vcpu[] = [];
  #taps: readonly string[] | undefined;
  #readings = 0;

  private constructor(qmp: QmpSession, pid: number | undefined) {
    this.#qmp = qmp;
    this.#pid = pid;
  }

  static async open(qmp: QmpSession): Promise<CounterReader> {
    const reader = new CounterReader(qmp, (await processOf(qmp))?.pid);
    await reader.#findVcpus();
    return reader;
  }

  /** Throws QmpError where the VM is gone. */
  async read(): Promise<VmCounters> {
    const disks = await this.#readDisks();
    if (this.#readings % readingsPerSearch === 0) this.#findTaps();
    this.#readings += 1;
    return {
      clockMs: performance.now(),
      vcpus: await this.#readVcpus(),
      interfaces: this.#readInterfaces(),
      disks,
    };
  }

  async #readDisks(): Promise<DiskCounter[]> {
    const all = await this.#qmp.execute('query-blockstats');
    return all.map(({ device, qdev, 'node-name': node, stats }, at) => {
      const name = device || qdev || node || `disk ${at}`;
      return { name, readBytes: stats.rd_bytes, writtenBytes: stats.wr_bytes };
    });
  }

  async #findVcpus(): Promise<void> {
    const found = await this.#qmp.execute('query-cpus-fast');
    // Where one thread emulates all of them, it is counted once.
    const byThread = new Map(
      found.map((vcpu) => [vcpu['thread-id'], `vCPU ${vcpu['cpu-index']}`] as const),
    );
    this.#vcpus = [...byThread].map(([thread, name]) => ({ name, thread }));
  }

  #findTaps(): void {
    if (this.#pid === undefined) return;
    try {
      this.#taps = tapsOf(this.#pid);
    } catch {
      // It belongs to another user.
      this.#taps = undefined;
    }
  }

  async #readVcpus(): Promise<VcpuCounter[] | undefined> {
    const pid = this.#pid;
    if (pid === undefined) return undefined;
    const read = () =>
      this.#vcpus.map(({ name, thread }) => ({ name, busyMs: busyMsOf(pid, thread) }));
    try {
      return read();
    } catch {
      // One was unplugged.
      await this.#findVcpus();
    }
    try {
      return read();
    } catch {
      return undefined;
    }
  }

  #readInterfaces(): InterfaceCounter[] | undefined {
    if (this.#pid === undefined || !this.#taps) return undefined;
    try {
      // In QEMU's own network namespace.
      const counted = parseNetDev(readFileSync(`/proc/${this.#pid}/net/dev`, 'latin1'));
      return this.#taps.flatMap((name) => {
        const counter = counted.get(name);
        // What its tap receives, the VM has sent.
        return counter
          ? [{ name, transmittedBytes: counter.received, receivedBytes: counter.transmitted }]
          : [];
      });
    } catch {
      return undefined;
    }
  }
}
