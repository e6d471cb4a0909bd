// A source and a destination on this machine, and the migration of a guest from one to the other.
// The destination stays paused afterwards, so that both memories can be compared.
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { QmpClosedError, QmpCommandError } from '../../qmp/errors.js';
import type { EventStream } from '../../qmp/event-stream.js';
import { compareMemory, type MemoryComparison } from './compare-memory.js';
import { assembleGuest, type GuestOptions, guestRamBytes, untilReady } from './guest.js';
import { type Accelerator, Machine, type MachineOptions } from './machine.js';
import { Workspace } from './workspace.js';

const migrationMs = 120_000;
const mebibyte = 1 << 20;
const passesPerSecond = 6;

export interface PairOptions {
  /** The QEMU of the source, and of the destination if that has no other. */
  readonly binary: string;
  readonly destinationBinary?: string;
  readonly accelerator: Accelerator;
  readonly guest: GuestOptions;
  /** At least what the guest needs. */
  readonly ramBytes?: number;
  readonly preallocate?: boolean;
  readonly sourceArguments?: readonly string[];
  readonly destinationArguments?: readonly string[];
}

export type Capabilities = Readonly<Record<string, boolean>>;
export type Parameters = Readonly<Record<string, unknown>>;

/** How to migrate. What is not said stays as QEMU has it. */
export interface MigrationMethod {
  /** Set on both sides. */
  readonly capabilities?: Capabilities;
  readonly parameters?: Parameters;
  /** Set on the source alone. */
  readonly sourceCapabilities?: Capabilities;
  readonly sourceParameters?: Parameters;
  /** Encrypts, with a key that both sides are given. */
  readonly tls?: boolean;
}

export interface MigrationPlan extends MigrationMethod {
  /**
   * How often memory is walked, at least, before the migration may end. Until then bandwidth is limited
   * so that a walk takes a while; then the downtime that the end may cost is raised, so that a guest
   * that writes too fast to converge arrives as well.
   */
  readonly passes?: number;
  /** After those passes, switch to post-copy instead of raising the downtime. */
  readonly postcopy?: boolean;
  /** The UNIX socket that the source connects to instead of the destination's own: a FaultyLink's. */
  readonly through?: string;
}

const counts = z.looseObject({
  status: z.string(),
  'error-desc': z.string().optional(),
  'total-time': z.number().optional(),
  downtime: z.number().optional(),
  ram: z
    .looseObject({
      transferred: z.number(),
      normal: z.number(),
      duplicate: z.number(),
      'dirty-sync-count': z.number(),
    })
    .optional(),
});

/** What query-migrate says on the source, what a patched QEMU adds included. */
export type MigrationCounts = z.infer<typeof counts>;

/** The migration came to another end than completion. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';

  constructor(
    readonly source: string,
    readonly destination: string,
    reason: string,
  ) {
    super(
      `The migration ended as ${source} on the source (destination: ${destination}): ${reason}`,
    );
  }
}

const finalStatuses = ['completed', 'failed', 'cancelled'];

async function setUp(machine: Machine, capabilities: Capabilities, parameters: Parameters) {
  const wanted = { events: true, ...capabilities };
  await machine.qmp.execute('migrate-set-capabilities', {
    capabilities: Object.entries(wanted).map(([capability, state]) => ({ capability, state })),
  });
  await machine.qmp.execute('migrate-set-parameters', parameters);
}

const tlsObject = 'migration-key';
const tlsUser = 'qemu';

async function removeTlsKey({ qmp }: Machine): Promise<void> {
  try {
    await qmp.execute('object-del', { id: tlsObject });
  } catch (error) {
    // There was none.
    if (!(error instanceof QmpCommandError)) throw error;
  }
}

/** Gives a machine the key in that directory, anew: an earlier attempt may have given it one. */
async function giveTlsKey(machine: Machine, endpoint: 'client' | 'server', dir: string) {
  await removeTlsKey(machine);
  const user = endpoint === 'client' ? { username: tlsUser } : {};
  const object = { 'qom-type': 'tls-creds-psk', id: tlsObject, endpoint, dir, ...user };
  await machine.qmp.execute('object-add', object);
}

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
  { binary, destinationBinary = binary, destinationArguments = [] }: PairOptions,
  common: Common,
  attempt: number,
): Promise<Machine> {
  return Machine.start({
    ...common,
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
    const needed = guestRamBytes(guest.pages);
    const ramBytes = options.ramBytes ?? Math.ceil(needed / mebibyte) * mebibyte;
    if (ramBytes < needed) {
      throw new RangeError(`ramBytes is ${ramBytes}; this guest needs at least ${needed}`);
    }
    const workspace = Workspace.create(2 * ramBytes + mebibyte);
    const machines: Machine[] = [];
    try {
      const firmware = await assembleGuest(workspace, guest);
      const common = { accelerator, workspace, ramBytes, firmware, preallocate };
      const { sourceArguments = [] } = options;
      const source = await Machine.start({
        ...common,
        name: 'source',
        binary,
        arguments: sourceArguments,
      });
      machines.push(source);
      const destination = await startDestination(options, common, 1);
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
    rmSync(this.#destination.ramFile);
    this.#destinations += 1;
    this.#destination = await startDestination(this.#options, this.#common, this.#destinations);
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
    const { capabilities = {}, sourceCapabilities, sourceParameters, tls = false } = plan;
    const parameters = { ...plan.parameters, ...(tls ? { 'tls-creds': tlsObject } : {}) };
    if (tls) await this.#giveTlsKeys();
    await setUp(this.destination, capabilities, parameters);
    // QEMU estimates bandwidth every 100 ms, and hands over what it can send in `downtime-limit` ms.
    const limits =
      plan.passes === undefined
        ? { 'max-bandwidth': 0 }
        : {
            'max-bandwidth': this.#options.guest.pages * 4096 * passesPerSecond,
            'downtime-limit': 1,
          };
    await setUp(
      this.source,
      { ...capabilities, ...sourceCapabilities },
      { ...limits, ...parameters, ...sourceParameters },
    );
  }

  /** Where this destination listens for a migration. */
  get incomingSocket(): string {
    return this.workspace.path(`${this.#destination.name}.migration`);
  }

  counts(): Promise<MigrationCounts> {
    return this.source.qmp.query(counts, 'query-migrate');
  }

  /** Compares the memories. Both guests must be at rest: after migrate() they are. */
  compare(): Promise<MemoryComparison> {
    return compareMemory(this.source.ramFile, this.destination.ramFile);
  }

  /** Ends both and leaves nothing behind. */
  async close(): Promise<void> {
    await Promise.all([this.source.kill(), this.destination.kill()]);
    this.workspace.remove();
  }

  async #giveTlsKeys(): Promise<void> {
    const key = randomBytes(32).toString('hex');
    const { directory } = this.workspace;
    await writeFile(this.workspace.path('keys.psk'), `${tlsUser}:${key}\n`, { mode: 0o600 });
    await giveTlsKey(this.destination, 'server', directory);
    await giveTlsKey(this.source, 'client', directory);
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
      .then(() =>
        postcopy
          ? this.source.qmp.execute('migrate-start-postcopy')
          : this.source.qmp.execute('migrate-set-parameters', { 'downtime-limit': 2_000_000 }),
      )
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
