// Migrates a VM: checks, prepares both sides, starts, and leaves the rest to its supervisor.
import { messageOf } from '../errors/message-of.js';
import { checkClient } from '../qmp/check-client.js';
import type { QmpClient } from '../qmp/client.js';
import { QmpCommandError, QmpError } from '../qmp/errors.js';
import type { LastingQmp } from '../qmp/lasting-qmp.js';
import { ProcessUsage } from '../qmp/process-usage.js';
import { unlessAborted } from '../system/deadline.js';
import { ownIdentity } from '../system/owner.js';
import { known } from './build-result.js';
import { type Connections, connectionsOver } from './connections.js';
import type { MigrationContext } from './decision.js';
import { MigrationRefusedError } from './errors.js';
import { Incoming } from './incoming.js';
import { journalFormat } from './journal.js';
import type { Migration } from './migration.js';
import { type CheckedOptions, type MigrateOptions, parseMigrateOptions } from './options.js';
import { planSettings, type SettingsPlan } from './plan-settings.js';
import { type QemuSetup, readQemuSetup } from './qemu-setup.js';
import { recordingFormat } from './recording.js';
import type { MigrationResult } from './result.js';
import { setSettings, settingsBefore, settingsToChange } from './settings.js';
import { type Supervision, Supervisor } from './supervise.js';
import { Undo } from './undo.js';

const defaultDowntimeLimitMs = 300;

/** The context of a migration of a QEMU that is set up like this. */
export function contextOf({ ramBytes, parameters, capabilities }: QemuSetup): MigrationContext {
  return {
    ramBytes,
    pageBytes: 4096,
    downtimeLimitMs: parameters['downtime-limit'] ?? defaultDowntimeLimitMs,
    bandwidthLimitBytesPerSecond: parameters['max-bandwidth'] ?? 0,
    postcopyPossible: capabilities.get('postcopy-ram') ?? false,
  };
}

/** The context once the settings are applied. */
function plannedContext(setup: QemuSetup, { source }: SettingsPlan): MigrationContext {
  const capabilities = new Map([...setup.capabilities, ...Object.entries(source.capabilities)]);
  const parameters = { ...setup.parameters, ...source.parameters };
  return contextOf({ ...setup, capabilities, parameters });
}

/** The options that are data: a recording can hold no functions and connections. */
function requestOf(options: CheckedOptions): Record<string, unknown> {
  const { to, policy } = options;
  const data = Object.entries(options).filter(
    ([name, value]) =>
      name !== 'journal' && typeof value !== 'function' && !(value instanceof AbortSignal),
  );
  return {
    ...Object.fromEntries(data),
    to: typeof to === 'string' ? to : to.listen,
    ...(policy ? { policy: policy.name } : {}),
  };
}

/** What QEMU refuses before the migration has begun is a problem of what was asked for. */
function asRefusal(error: unknown): unknown {
  if (!(error instanceof QmpCommandError)) return error;
  return new MigrationRefusedError([error.message]);
}

interface Prepared {
  readonly options: CheckedOptions;
  readonly supervision: Supervision;
  readonly setup: QemuSetup;
  readonly uri: string;
}

/** Checks everything, then sets up both sides. */
async function prepare(
  connections: Connections,
  options: CheckedOptions,
  undo: Undo,
): Promise<Prepared> {
  const { to, signal } = options;
  const { source, destination } = connections;
  const setup = await unlessAborted(readQemuSetup(source), signal);
  const theirSetup = destination && (await unlessAborted(readQemuSetup(destination), signal));
  const plan = planSettings(options, setup, theirSetup);
  if (plan.problems.length > 0) throw new MigrationRefusedError(plan.problems);
  const ours = settingsToChange(setup, plan.source);
  const theirs = theirSetup && settingsToChange(theirSetup, plan.destination);
  const context = plannedContext(setup, plan);
  const parametersBefore = setup.parameters;
  const before = settingsBefore(setup, ours);
  const theirBefore = theirSetup && theirs && settingsBefore(theirSetup, theirs);
  const usage = await ProcessUsage.begin(source);
  options.journal?.write({
    type: 'begin',
    format: journalFormat,
    atMs: Date.now(),
    controller: ownIdentity(),
    source: {
      ...known({ qmp: source.address, process: usage?.process }),
      running: setup.status.running,
      before: { ...before, parameters: { ...limitsOf(setup), ...before.parameters } },
    },
    destination: {
      uri: typeof to === 'string' ? to : to.listen,
      ...known({ qmp: destination?.address, before: theirBefore }),
    },
    method: options.method,
    holdAtDestination: options.holdAtDestination,
    destinationIsHeld: options.destinationIsHeld,
    onPolicyFailure: options.onPolicyFailure,
    ...known({ policy: options.journal.policy }),
    context,
  });
  const incoming = destination && new Incoming(destination);
  let uri = typeof to === 'string' ? to : to.listen;
  if (destination && theirs && theirBefore) {
    undo.add({ name: 'destination', qmp: destination, before: theirBefore });
    await setSettings(destination, theirs);
  }
  undo.add({ name: 'source', qmp: source, before });
  await setSettings(source, ours);
  if (typeof to !== 'string' && incoming) uri = await incoming.listen(to);
  const supervision: Supervision = {
    qmp: source,
    incoming,
    context,
    options,
    journal: options.journal?.write,
    usage,
    undo,
    wasRunning: setup.status.running,
    parametersBefore,
    release: () => connections.release(),
  };
  return { options, supervision, setup, uri };
}

/** The limits that a controller changes while a migration runs. */
function limitsOf({ parameters }: QemuSetup): Record<string, unknown> {
  const names = ['max-bandwidth', 'downtime-limit'];
  return Object.fromEntries(
    names
      .map((name) => [name, parameters[name]] as const)
      .filter(([, value]) => value !== undefined),
  );
}

/**
 * Tells QEMU to migrate; if the connection breaks while it does, asks whether it has begun. Where nobody answers any more,
 * it may have: that is for its supervisor to find out.
 */
async function tellToMigrate({ supervision: { qmp }, setup, uri }: Prepared): Promise<void> {
  try {
    await qmp.execute('migrate', { uri });
  } catch (error) {
    if (!(error instanceof QmpError) || error instanceof QmpCommandError) throw error;
    const status = await statusNow(qmp);
    if (status === undefined || status === setup.migration.status) throw error;
  }
}

/** The status of a migration; `unknown` where QEMU does not answer any more, undefined where there has been none. */
async function statusNow(qmp: LastingQmp): Promise<string | undefined> {
  try {
    return (await qmp.execute('query-migrate')).status;
  } catch (error) {
    if (error instanceof QmpError) return 'unknown';
    throw error;
  }
}

async function begin(prepared: Prepared): Promise<Migration> {
  const { options, supervision, setup, uri } = prepared;
  options.signal?.throwIfAborted();
  const supervisor = new Supervisor(supervision);
  supervisor.record({
    type: 'start',
    format: recordingFormat,
    qemu: setup.version,
    startedAtMs: Date.now(),
    context: supervision.context,
    request: requestOf(options),
  });
  supervision.journal?.({ type: 'migrate', atMs: Date.now(), uri });
  await tellToMigrate(prepared);
  return supervisor.begin();
}

/**
 * Starts to migrate the VM at the other end of that QMP, and resolves when QEMU has begun. Throws MigrationRefusedError,
 * with nothing changed, when what is asked for is not possible, and the reason of a signal that is aborted before QEMU is
 * told to migrate. Settings that were changed are put back at the end. If a QMP connection breaks, it is made again.
 */
export async function startMigration(qmp: QmpClient, options: MigrateOptions): Promise<Migration> {
  checkClient(qmp);
  const checked = parseMigrateOptions(options);
  checked.signal?.throwIfAborted();
  const { to } = checked;
  const destination = typeof to === 'string' ? undefined : to.qmp;
  return await startOver(connectionsOver(qmp, destination), checked);
}

/** The same over connections that are there, with options that were checked. */
export async function startOver(
  connections: Connections,
  checked: CheckedOptions,
): Promise<Migration> {
  const undo = new Undo();
  try {
    return await begin(await prepare(connections, checked, undo));
  } catch (error) {
    await undo.run();
    await connections.release();
    endJournal(checked, error);
    throw asRefusal(error);
  }
}

/** It never began: nobody need take it over. */
function endJournal({ journal, signal }: CheckedOptions, error: unknown): void {
  const outcome = signal?.aborted ? 'cancelled' : 'failed';
  const reason = messageOf(error);
  const guest = { where: 'source', status: 'unknown', running: true } as const;
  try {
    journal?.write({ type: 'end', atMs: Date.now(), outcome, reason, guest });
  } catch {
    // What keeps it from beginning is what matters, and is thrown.
  }
}

/**
 * Migrates the VM at the other end of that QMP, and resolves when the migration is over. Throws MigrationRefusedError,
 * with nothing changed, when what is asked for is not possible. A migration that has begun always has a result,
 * whether the guest arrived or not.
 */
export async function migrate(qmp: QmpClient, options: MigrateOptions): Promise<MigrationResult> {
  const migration = await startMigration(qmp, options);
  return await migration.result;
}
