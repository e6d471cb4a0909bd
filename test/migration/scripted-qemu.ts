// A QEMU whose migration goes on until a script ends it.
import type { FakeQemu, Request } from '../qmp/fake-qemu.js';

/** A migration that goes on until the script ends it. */
export class ScriptedQemu {
  status: string | undefined;
  state = 'running';
  syncs = 1;
  readonly asked: string[] = [];
  /** How many queries after the end it answers before it says how long the migration took. */
  queriesWithoutTimes = 0;
  /** Is called with each command; true: it has answered the command itself. */
  on: (request: Request) => boolean | undefined = () => undefined;

  constructor(readonly qemu: FakeQemu) {
    qemu.onRequest = (request) => {
      const { execute = '', id } = request;
      if (!/^(query-|qom-get)/.test(execute)) this.asked.push(execute);
      if (!this.on(request)) qemu.say({ return: this.#answer(execute), id });
    };
  }

  become(status: string): void {
    this.status = status;
    this.qemu.event('MIGRATION', { status });
  }

  /** Begins at once, is cancelled at once, and does nothing by itself. */
  obey(): void {
    this.on = ({ execute }) => {
      if (execute === 'migrate') setImmediate(() => this.become('active'));
      if (execute === 'migrate_cancel') setImmediate(() => this.become('cancelled'));
      if (execute === 'migrate-start-postcopy') this.become('postcopy-active');
      return undefined;
    };
  }

  /** Has sent everything. */
  complete(): void {
    this.state = 'postmigrate';
    this.become('completed');
  }

  /** Runs, and has ended a pass, once `migrate` has been answered. */
  beginSoon(): void {
    setImmediate(() => this.become('active'));
    setImmediate(() => this.pass());
  }

  pass(): void {
    this.syncs += 1;
    this.qemu.event('MIGRATION_PASS', { pass: this.syncs });
  }

  #answer(command: string): unknown {
    switch (command) {
      case 'query-status':
        return { running: this.state === 'running', status: this.state };
      case 'query-migrate':
        return this.#migration();
      case 'query-migrate-capabilities':
        return ['events', 'postcopy-ram'].map((capability) => ({ capability, state: false }));
      case 'query-migrate-parameters':
        return { 'downtime-limit': 300 };
      case 'query-qmp-schema':
        return [];
      case 'query-memory-size-summary':
        return { 'base-memory': 1 << 20 };
      case 'query-cpus-fast':
        return [];
      default:
        return {};
    }
  }

  #migration() {
    if (this.status === undefined) return {};
    if (['failed', 'cancelled'].includes(this.status)) return { status: this.status };
    const counters = { duplicate: 0, normal: 0, 'normal-bytes': 0, 'dirty-pages-rate': 0, mbps: 0 };
    const rest = { 'postcopy-requests': 0, 'multifd-bytes': 0, 'pages-per-second': 0 };
    const ram = { transferred: 4096 * this.syncs, remaining: 40_960, total: 1 << 20 };
    const sizes = { 'dirty-sync-count': this.syncs, 'page-size': 4096 };
    const isFinal = this.status === 'completed' && this.queriesWithoutTimes-- <= 0;
    const times = { 'total-time': isFinal ? 1234 : 0, ...(isFinal ? { downtime: 56 } : {}) };
    return { status: this.status, ...times, ram: { ...ram, ...counters, ...rest, ...sizes } };
  }
}
