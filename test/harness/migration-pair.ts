// A source and a destination on this machine, and the migration of a guest from one to the other.
// The destination stays paused afterwards, so that both memories can be compared.

import { rmSync } from 'node:fs';
import { z } from 'zod';
import { mebibyte } from '../../lib/format/bytes.js';
import { startMigration } from '../../lib/migration/migrate.js';
import type { Migration } from '../../lib/migration/migration.js';
import type { RecordingEntry } from '../../lib/migration/recording.js';
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
import { type MigrationInfo, migrationInfo } from '../../lib/qmp/schema/migration.js';
import { within } from '../../lib/system/deadline.js';
import { Workspace } from '../../lib/system/workspace.js';
import { MigrationError } from './migration-error.js';
import { type MigrationPlan, optionsOf } from './migration-plan.js';
import { giveTlsKeys, tlsKey } from './tls-keys.js';

/** Only what hangs takes as long. */
const migrationMs = 480_000;
/** A QEMU that has closed its connections has ended by then. */
const endMs = 30_000;
/** The longest that QEMU accepts: whatever is left may be sent in it. */
const maxDowntimeLimitMs = 2_000_000;

export interface PairOptions {
  /** The QEMU of the source, and of the destination if that has no other. */
  readonly binary: string;
  readonly destinationBinary?: string;
  readonly accelerator: Accelerator;
  /** One that QEMU 7.2 and 8.1 both have when not given. */
  readonly machineType?: string | undefined;
  readonly guest: GuestOptions;
  /** What the guest needs when not given. */
  readonly ramBytes?: number;
  readonly preallocate?: boolean;
  readonly memory?: MemoryKind;
  /** Both have the same file as memory, for a migration that leaves shared memory alone. */
  readonly sharesMemory?: boolean;
  readonly acceleratorOptions?: string;
  readonly sourceArguments?: readonly string[];
  readonly destinationArguments?: readonly string[];
  /** The guest runs at the destination as soon as it has arrived: memories can't be compared then. */
  readonly destinationRuns?: boolean;
}

const yankInstances = z.array(z.looseObject({ type: z.string() }));

/** QEMU tells how a migration ended a little before it can begin another, and no event says when. */
async function untilSettled({ qmp }: Machine): Promise<void> {
  for (let busy = true; busy; ) {
    const instances = await qmp.query('query-yank', { schema: yankInstances });
    busy = instances.some(({ type }) => type === 'migration');
  }
}

/** Starts a QEMU that sends events of migrations: tests listen for longer than migrate() does, which turns them on. */
async function startMachine(options: MachineOptions): Promise<Machine> {
  const machine = await Machine.start(options);
  await machine.qmp.execute('migrate-set-capabilities', {
    capabilities: [{ capability: 'events', state: true }],
  });
  return machine;
}

/** Keeps the last answer of the source to query-migrate, which tells how the migration ended. */
class LastAnswer {
  #info: MigrationInfo = {};

  readonly record = (entry: RecordingEntry): void => {
    if (entry.type === 'sample') this.#info = migrationInfo.parse(entry.info);
  };

  get info(): MigrationInfo {
    return this.#info;
  }
}

/** What both machines have in common. */
type Common = Omit<MachineOptions, 'name' | 'binary'>;

function startDestination(
  options: PairOptions,
  common: Common,
  source: Machine,
  attempt: number,
): Promise<Machine> {
  const { binary, destinationBinary = binary, destinationArguments = [] } = options;
  const { sharesMemory, destinationRuns = false } = options;
  return startMachine({
    ...common,
    ...(sharesMemory ? { ramFile: source.ramFile } : {}),
    name: attempt === 1 ? 'destination' : `destination-${attempt}`,
    binary: destinationBinary,
    incoming: true,
    runs: destinationRuns,
    arguments: destinationArguments,
  });
}

export class MigrationPair {
  readonly #options: PairOptions;
  readonly #common: Common;
  readonly source: Machine;
  #destination: Machine;
  #destinations = 1;
  #migration: Promise<Migration> | undefined;

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
      const { vcpus = 1 } = guest;
      const common = { ...how, workspace, ramBytes, vcpus, firmware };
      const source = await startMachine({
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

  /** Starts a new destination for another attempt: one that has seen a migration fail can't be used again. */
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

  /** Migrates; returns the last answer of the source to query-migrate, with what a patched QEMU adds. */
  async migrate(plan: MigrationPlan): Promise<MigrationInfo> {
    const { source, destination, incomingSocket } = this;
    await this.#prepare(plan);
    const last = new LastAnswer();
    const listen = `unix:${incomingSocket}`;
    this.#migration = startMigration(source.qmp, {
      ...optionsOf(plan, this.#options.guest.pages),
      to: { qmp: destination.qmp, listen, connect: plan.through ? `unix:${plan.through}` : listen },
      record: last.record,
    });
    const migrating = this.#migration.then((migration) => migration.result);
    try {
      const result = await within(migrationMs, migrating, () => this.#failLate());
      if (result.outcome === 'completed') return last.info;
      throw new MigrationError(last.info.status ?? 'none', result);
    } catch (error) {
      throw error instanceof QmpClosedError ? await this.#explain(error) : error;
    }
  }

  /** Where this destination listens for a migration. */
  get incomingSocket(): string {
    return this.workspace.path(`${this.#destination.name}.migration`);
  }

  counts(): Promise<MigrationInfo> {
    return this.source.qmp.execute('query-migrate');
  }

  /** Has a running migration end at its next opportunity, whatever downtime that costs. */
  async end(): Promise<void> {
    const migration = await this.#migration;
    await migration?.setLimits({ downtimeLimitMs: maxDowntimeLimitMs });
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

  /** What migrate() leaves to its caller: it creates no keys, and sets parameters on the source alone. */
  async #prepare({ tls = false }: MigrationPlan): Promise<void> {
    const { source, destination, workspace } = this;
    await untilSettled(source);
    if (!tls) return;
    await giveTlsKeys(source, destination, workspace);
    await destination.qmp.execute('migrate-set-parameters', { 'tls-creds': tlsKey });
  }

  async #failLate(): Promise<never> {
    const now = await this.counts().then(JSON.stringify, String);
    throw new Error(`The migration did not end within ${migrationMs} ms. Source: ${now}`);
  }

  /** A closed connection is no reason: a QEMU that has ended is. */
  #explain(error: QmpClosedError): Promise<Error> {
    const ended = [this.source, this.destination].map((machine) => machine.explainEnd());
    return within(endMs, Promise.race(ended), () => error);
  }
}
