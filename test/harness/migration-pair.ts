// A source and a destination on this machine, and the migration of a guest from one to the other.
// The destination stays paused afterwards, so that both memories can be compared.

import { rmSync } from 'node:fs';
import { mebibyte } from '../../lib/format/bytes.js';
import { compareMemory, type MemoryComparison } from '../../lib/qemu/machine/compare-memory.js';
import {
  assembleGuest,
  type GuestOptions,
  guestRamBytes,
  untilReady,
} from '../../lib/qemu/machine/guest.js';
import { type Accelerator, Machine, type MachineOptions } from '../../lib/qemu/machine/machine.js';
import type { MemoryKind } from '../../lib/qemu/machine/memory.js';
import { QmpClosedError } from '../../lib/qmp/errors.js';
import type { EventStream } from '../../lib/qmp/event-stream.js';
import { Workspace } from '../../lib/system/workspace.js';
import { type MigrationCounts, MigrationError, migrationCounts } from './migration-outcome.js';
import { type MigrationPlan, prepareMigration } from './migration-plan.js';

const migrationMs = 120_000;

export interface PairOptions {
  /** The QEMU of the source, and of the destination if that has no other. */
  readonly binary: string;
  readonly destinationBinary?: string;
  readonly accelerator: Accelerator;
  /** One that QEMU 7.2 and 8.1 both have when not given. */
  readonly machineType?: string | undefined;
  readonly guest: GuestOptions;
  /** At least what the guest needs. */
  readonly ramBytes?: number;
  readonly preallocate?: boolean;
  readonly memory?: MemoryKind;
  /** Both have the same file as memory, for a migration that leaves shared memory alone. */
  readonly sharesMemory?: boolean;
  readonly acceleratorOptions?: string;
  readonly sourceArguments?: readonly string[];
  readonly destinationArguments?: readonly string[];
}

const finalStatuses = ['completed', 'failed', 'cancelled'];

/** Until the migration has reached one of its ends on this side; answers which. */
async function untilEnd(events: EventStream): Promise<string> {
  const { data } = await events.until(({ data: { status } }) =>
    finalStatuses.includes(String(status)),
  );
  const { status } = data;
  return String(status);
}

/** What both machines have in common. */
type Common = Omit<MachineOptions, 'name' | 'binary'>;

function startDestination(
  { binary, destinationBinary = binary, destinationArguments = [], sharesMemory }: PairOptions,
  common: Common,
  source: Machine,
  attempt: number,
): Promise<Machine> {
  return Machine.start({
    ...common,
    ...(sharesMemory ? { ramFile: source.ramFile } : {}),
    name: attempt === 1 ? 'destination' : `destination-${attempt}`,
    binary: destinationBinary,
    incoming: true,
    arguments: destinationArguments,
  });
}

export class MigrationPair {
  readonly #options: PairOptions;
  readonly #common: Common;
  readonly source: Machine;
  #destination: Machine;
  #destinations = 1;

  private constructor(options: PairOptions, common: Common, source: Machine, destination: Machine) {
    this.#options = options;
    this.#common = common;
    this.source = source;
    this.#destination = destination;
  }

  /** Starts both; the guest runs on the source, has filled its working set, and writes. */
  static async start(options: PairOptions): Promise<MigrationPair> {
    const { binary, accelerator, guest, preallocate = false } = options;
    const needed = guestRamBytes(guest);
    const ramBytes = options.ramBytes ?? Math.ceil(needed / mebibyte) * mebibyte;
    if (ramBytes < needed) {
      throw new RangeError(`ramBytes is ${ramBytes}; this guest needs at least ${needed}`);
    }
    const workspace = Workspace.create(2 * ramBytes + mebibyte);
    const machines: Machine[] = [];
    try {
      const firmware = await assembleGuest(workspace, guest);
      const { sourceArguments = [], memory = 'file', acceleratorOptions = '' } = options;
      const { machineType } = options;
      const how = { machineType, accelerator, acceleratorOptions, memory, preallocate };
      const common = { ...how, workspace, ramBytes, firmware };
      const source = await Machine.start({
        ...common,
        name: 'source',
        binary,
        arguments: sourceArguments,
      });
      machines.push(source);
      const destination = await startDestination(options, common, source, 1);
      machines.push(destination);
      await source.qmp.execute('cont');
      await untilReady(source.serial);
      return new MigrationPair(options, common, source, destination);
    } catch (error) {
      await Promise.all(machines.map((machine) => machine.kill()));
      workspace.remove();
      throw error;
    }
  }

  get destination(): Machine {
    return this.#destination;
  }

  get workspace(): Workspace {
    return this.#common.workspace;
  }

  /** A new destination for another attempt: one that has seen a migration fail is of no more use. */
  async replaceDestination(): Promise<void> {
    await this.#destination.kill();
    const { memory = 'file' } = this.#common;
    if (!this.#options.sharesMemory && memory === 'file') {
      rmSync(this.#destination.ramFile, { force: true });
    }
    this.#destinations += 1;
    const attempt = this.#destinations;
    const { source } = this;
    this.#destination = await startDestination(this.#options, this.#common, source, attempt);
  }

  /** Migrates, and waits until both sides say that it is completed. */
  async migrate(plan: MigrationPlan): Promise<MigrationCounts> {
    const { source, destination } = this;
    await this.prepare(plan);
    const arrived = destination.qmp.events('MIGRATION');
    const sent = source.qmp.events('MIGRATION');
    const passes = source.qmp.events('MIGRATION_PASS');
    try {
      await destination.qmp.execute('migrate-incoming', { uri: `unix:${this.incomingSocket}` });
      if (plan.passes !== undefined) this.#endAfter(plan.passes, plan.postcopy ?? false, passes);
      await source.qmp.execute('migrate', { uri: `unix:${plan.through ?? this.incomingSocket}` });
      return await this.#inTime(this.#untilArrived(sent, arrived));
    } catch (error) {
      throw error instanceof QmpClosedError ? await this.#explain(error) : error;
    } finally {
      for (const events of [arrived, sent, passes]) events.close();
    }
  }

  /** Sets capabilities and parameters on both sides. */
  async prepare(plan: MigrationPlan): Promise<void> {
    const { source, destination, workspace } = this;
    const { pages } = this.#options.guest;
    await prepareMigration({ source, destination, workspace, pages }, plan);
  }

  /** Where this destination listens for a migration. */
  get incomingSocket(): string {
    return this.workspace.path(`${this.#destination.name}.migration`);
  }

  counts(): Promise<MigrationCounts> {
    return this.source.qmp.query('query-migrate', { schema: migrationCounts });
  }

  /** Has a running migration end at its next opportunity, whatever downtime that costs. */
  async end(): Promise<void> {
    await this.source.qmp.execute('migrate-set-parameters', { 'downtime-limit': 2_000_000 });
  }

  /** Compares the memories. Both guests must be at rest: after migrate() they are. */
  compare(): Promise<MemoryComparison> {
    const { source, destination } = this;
    const { memory = 'file', ramBytes } = this.#common;
    return memory === 'file'
      ? compareMemory(source.ramFile, destination.ramFile)
      : this.compareRange(0, ramBytes);
  }

  /** The same for a stretch of guest physical memory, whatever holds it. */
  async compareRange(firstByte: number, bytes: number): Promise<MemoryComparison> {
    const files = [this.source, this.destination].map(async ({ name, qmp }) => {
      const filename = this.workspace.path(`${name}.dump`);
      await qmp.execute('pmemsave', { val: firstByte, size: bytes, filename });
      return filename;
    });
    const [one = '', other = ''] = await Promise.all(files);
    try {
      return await compareMemory(one, other);
    } finally {
      for (const file of [one, other]) rmSync(file);
    }
  }

  /** Ends both and leaves nothing behind. */
  async close(): Promise<void> {
    await Promise.all([this.source.kill(), this.destination.kill()]);
    this.workspace.remove();
  }

  async #untilArrived(sent: EventStream, arrived: EventStream): Promise<MigrationCounts> {
    const end = await untilEnd(sent);
    const result = await this.counts();
    // A source that does not complete says so; its destination may say nothing at all.
    const destinationEnd = end === 'completed' ? await untilEnd(arrived) : 'not asked';
    if (destinationEnd === 'completed') return result;
    throw new MigrationError(end, destinationEnd, result['error-desc'] ?? 'QEMU gives no reason');
  }

  #endAfter(wanted: number, postcopy: boolean, passes: EventStream): void {
    passes
      .until(({ data: { pass } }) => Number(pass) > wanted)
      .then(async () => {
        if (postcopy) await this.source.qmp.execute('migrate-start-postcopy');
        else await this.end();
      })
      // Closed because the migration ended before: nothing is left to do. Other failures of this
      // connection reach migrate() as well.
      .catch(() => {});
  }

  async #inTime<T>(work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(async () => {
        const now = await this.counts().then(JSON.stringify, String);
        reject(new Error(`The migration did not end within ${migrationMs} ms. Source: ${now}`));
      }, migrationMs);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** A closed connection is no reason: a QEMU that has ended is. */
  async #explain(error: QmpClosedError): Promise<Error> {
    const ended = [this.source, this.destination].map((machine) => machine.explainEnd());
    let timer: NodeJS.Timeout | undefined;
    const fallback = new Promise<Error>((resolve) => {
      timer = setTimeout(() => resolve(error), 1000);
    });
    const reason = await Promise.race([...ended, fallback]);
    clearTimeout(timer);
    return reason;
  }
}
