// Takes over a migration whose controller was killed: by its journal, and by what QEMU says now.
import { checkOptions, optionNames } from '../errors/check-options.js';
import { checkClient } from '../qmp/check-client.js';
import type { QmpClient } from '../qmp/client.js';
import { ProcessUsage } from '../qmp/process-usage.js';
import { isAlive, isSameProcess, ownIdentity } from '../system/owner.js';
import { type Connections, connectionsOver } from './connections.js';
import { Incoming } from './incoming.js';
import { isOpen, type Journal, JournalError, type JournalWriter } from './journal.js';
import type { Migration } from './migration.js';
import type { MigrateOptions } from './options.js';
import { readQemuSetup } from './qemu-setup.js';
import { recordingFormat } from './recording.js';
import { isRunning } from './statuses.js';
import { Supervisor } from './supervise.js';
import { Undo } from './undo.js';

/** QEMU's clock and ours differ by no more than that when it begins to migrate. */
const maxDelayMs = 10_000;

/** How to go on with a migration that is taken over. */
export interface TakeOverOptions
  extends Pick<MigrateOptions, 'policy' | 'signal' | 'record' | 'onPass' | 'onProgress'> {
  /** The destination's QMP, if the journal names one. */
  readonly destination?: QmpClient | undefined;
  /** Goes on with the journal. */
  readonly write: JournalWriter;
}

const takeOverNames = optionNames<TakeOverOptions>({
  policy: true,
  signal: true,
  record: true,
  onPass: true,
  onProgress: true,
  destination: true,
  write: true,
});

/** Throws unless the journal is of what this QEMU does, and nobody controls it. */
function check(
  { begin, controller, migrateAtMs, end }: Journal,
  usage: ProcessUsage | undefined,
  migration: { readonly status?: string | undefined; readonly 'total-time'?: number | undefined },
): void {
  if (!isOpen({ end })) {
    throw new JournalError('This migration has ended: there is nothing to take over.');
  }
  // One that has written an end controls nothing any more.
  if (!end && isAlive(controller) && !isSameProcess(controller, ownIdentity())) {
    throw new JournalError(
      `Process ${controller.pid} still controls this migration; end it first if it should not.`,
    );
  }
  const { process: qemu } = begin.source;
  if (qemu && usage?.process && !isSameProcess(qemu, usage.process)) {
    throw new JournalError(
      'The journal is of another QEMU, which had the same QMP address and has ended; its guest is not here.',
    );
  }
  const { status = 'none', 'total-time': totalMs } = migration;
  if (!isRunning(status)) return;
  const delayMs = totalMs === undefined ? 0 : Date.now() - totalMs - (migrateAtMs ?? begin.atMs);
  if (migrateAtMs === undefined || Math.abs(delayMs) > maxDelayMs) {
    throw new JournalError('Another program has begun the migration that this QEMU runs.');
  }
}

/**
 * Takes over a migration whose controller was killed, and resolves when it is supervised again. If it has ended in the
 * meantime, or never began, that is its result. Settings are put back at the end, as the journal has them. Throws
 * JournalError when the journal is not of this migration.
 */
export async function takeOver(
  qmp: QmpClient,
  journal: Journal,
  options: TakeOverOptions,
): Promise<Migration> {
  checkClient(qmp);
  checkOptions(options, takeOverNames);
  const { destination, ...rest } = options;
  return await takeOverWith(connectionsOver(qmp, destination), journal, rest);
}

/** What the journal has of the settings before. */
function undoOf({ source, destination }: Omit<Connections, 'release'>, { begin }: Journal): Undo {
  const undo = new Undo();
  if (destination && begin.destination.before) {
    undo.add({ name: 'destination', qmp: destination, before: begin.destination.before });
  }
  undo.add({ name: 'source', qmp: source, before: begin.source.before });
  return undo;
}

/**
 * Puts the settings back that a killed controller had changed for a migration which is over, or never began, and ends its
 * journal. Whoever calls it has seen that the guest is at the source.
 */
export async function putBack(
  connections: Omit<Connections, 'release'>,
  journal: Journal,
  write: JournalWriter,
): Promise<void> {
  const reason = `Nobody watched it.${await undoOf(connections, journal).run('cancelled')}`;
  const { status, running } = await connections.source.execute('query-status');
  const guest = { where: 'source', status, running } as const;
  write({ type: 'end', atMs: Date.now(), outcome: 'cancelled', reason, guest });
}

/** The same over connections that are there. */
export async function takeOverWith(
  connections: Connections,
  journal: Journal,
  { write, ...rest }: Omit<TakeOverOptions, 'destination'>,
): Promise<Migration> {
  const { begin } = journal;
  const { source, destination: target } = connections;
  try {
    const [setup, usage] = await Promise.all([readQemuSetup(source), ProcessUsage.begin(source)]);
    check(journal, usage, setup.migration);
    const { method, holdAtDestination, destinationIsHeld = false } = begin;
    const { onPolicyFailure, context } = begin;
    const supervisor = new Supervisor({
      qmp: source,
      incoming: target && new Incoming(target),
      context,
      options: { ...rest, method, holdAtDestination, destinationIsHeld, onPolicyFailure },
      journal: write,
      usage,
      undo: undoOf(connections, journal),
      wasRunning: begin.source.running,
      parametersBefore: begin.source.before.parameters,
      resumes: journal,
      release: () => connections.release(),
    });
    supervisor.record({
      type: 'start',
      format: recordingFormat,
      qemu: setup.version,
      startedAtMs: Date.now(),
      context,
      request: { takenOver: true, method, to: begin.destination.uri },
    });
    return supervisor.begin();
  } catch (error) {
    await connections.release();
    throw error;
  }
}
