// Migrates a VM: checks, prepares both sides, starts, follows it to its end, and puts settings back.
import type { QmpClient } from '../qmp/client.js';
import { QmpCommandError, QmpError } from '../qmp/errors.js';
import type { EventStream } from '../qmp/event-stream.js';
import { ProcessUsage } from '../qmp/process-usage.js';
import { buildResult } from './build-result.js';
import { confirmOutcome } from './confirm-outcome.js';
import { Controller } from './controller.js';
import type { MigrationContext } from './decision.js';
import { MigrationRefusedError } from './errors.js';
import { Incoming } from './incoming.js';
import { Migration } from './migration.js';
import { Observer } from './observer.js';
import { type CheckedOptions, type MigrateOptions, parseMigrateOptions } from './options.js';
import { planSettings, type SettingsPlan } from './plan-settings.js';
import { type QemuSetup, readQemuSetup } from './qemu-setup.js';
import { recordingFormat } from './recording.js';
import type { MigrationResult } from './result.js';
import { applySettings } from './settings.js';
import { UpdateLog } from './updates.js';

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
    ([, value]) => typeof value !== 'function' && !(value instanceof AbortSignal),
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

/** What is to be undone when a migration is over, newest first. */
class Undo {
  readonly #steps: (() => unknown)[] = [];

  add(step: () => unknown): void {
    this.#steps.push(step);
  }

  async run(): Promise<void> {
    for (const step of this.#steps.reverse()) {
      try {
        await step();
      } catch (error) {
        // A QEMU that is gone, or that refuses because its guest is elsewhere now, has nothing to put back.
        if (!(error instanceof QmpError)) throw error;
      }
    }
  }
}

interface Prepared {
  readonly qmp: QmpClient;
  readonly options: CheckedOptions;
  readonly setup: QemuSetup;
  readonly context: MigrationContext;
  readonly events: EventStream;
  readonly incoming: Incoming | undefined;
  readonly undo: Undo;
  readonly uri: string;
}

/** Checks everything, then sets up both sides. */
async function prepare(qmp: QmpClient, options: CheckedOptions, undo: Undo): Promise<Prepared> {
  const { to } = options;
  const destination = typeof to === 'string' ? undefined : to;
  const setup = await readQemuSetup(qmp);
  const theirSetup = destination && (await readQemuSetup(destination.qmp));
  const plan = planSettings(options, setup, theirSetup);
  if (plan.problems.length > 0) throw new MigrationRefusedError(plan.problems);
  const events = qmp.events();
  undo.add(() => events.close());
  const incoming = destination && new Incoming(destination.qmp);
  undo.add(() => incoming?.[Symbol.dispose]());
  let uri = typeof to === 'string' ? to : to.listen;
  if (destination && theirSetup) {
    undo.add(await applySettings(destination.qmp, theirSetup, plan.destination));
  }
  undo.add(await applySettings(qmp, setup, plan.source));
  if (destination && incoming) uri = await incoming.listen(destination);
  const context = plannedContext(setup, plan);
  return { qmp, options, setup, context, events, incoming, undo, uri };
}

/** Puts back the parameters that were changed while the migration ran. */
async function putBackParameters(qmp: QmpClient, setup: QemuSetup, names: ReadonlySet<string>) {
  const before = [...names].map((name) => [name, setup.parameters[name]] as const);
  const known = before.filter(([, value]) => value !== undefined);
  if (known.length === 0) return;
  await qmp.execute('migrate-set-parameters', Object.fromEntries(known));
}

/** A policy or callback threw: nobody controls the migration any more, so it must not go on. */
async function abandon(qmp: QmpClient, { status }: Observer): Promise<void> {
  if (status.startsWith('postcopy') || status === 'device') return;
  await qmp.execute('migrate_cancel').catch(() => {});
}

interface Running extends Prepared {
  readonly observer: Observer;
  readonly controller: Controller;
  readonly usage: ProcessUsage | undefined;
}

async function runToEnd(running: Running): Promise<MigrationResult> {
  const { qmp, options, setup, incoming, observer, controller, usage } = running;
  try {
    const end = await controller.runToEnd();
    const confirmed = await confirmOutcome(qmp, end, incoming, setup, options);
    usage?.sample({ force: true });
    const result = buildResult({ end, confirmed, observer, usage });
    options.record?.({ type: 'end', result });
    return result;
  } catch (error) {
    if (!(error instanceof QmpError)) await abandon(qmp, observer);
    throw error;
  }
}

/** Everything that watches the migration, and then the migration itself. */
async function begin(prepared: Prepared, updates: UpdateLog): Promise<Running> {
  const { qmp, options, setup, context, events, undo, uri } = prepared;
  const { record, onProgress, signal } = options;
  record?.({
    type: 'start',
    format: recordingFormat,
    qemu: setup.version,
    startedAtMs: Date.now(),
    context,
    request: requestOf(options),
  });
  const usage = await ProcessUsage.begin(qmp);
  const observer = new Observer({
    qmp,
    events,
    sawBeginning: true,
    eventsOn: true,
    record,
    onProgress: (progress) => {
      onProgress?.(progress);
      updates.setProgress(progress);
    },
    wantsProgress: () => onProgress !== undefined || updates.hasReaders,
  });
  const onPass: CheckedOptions['onPass'] = (pass, observation) => {
    usage?.sample();
    options.onPass?.(pass, observation);
  };
  const controller = new Controller({ ...options, qmp, observer, context, updates, onPass });
  undo.add(() => putBackParameters(qmp, setup, controller.changedParameters));
  await qmp.execute('migrate', { uri });
  updates.add({ type: 'begin', context });
  const onAbort = () => {
    const reason: unknown = signal?.reason;
    const text = reason instanceof Error ? reason.message : String(reason);
    controller.requestCancel(`The caller cancelled it: ${text}`);
  };
  signal?.addEventListener('abort', onAbort);
  undo.add(() => signal?.removeEventListener('abort', onAbort));
  if (signal?.aborted) onAbort();
  return { ...prepared, observer, controller, usage };
}

/**
 * Starts to migrate the VM at the other end of that QMP, and resolves when QEMU has begun. Throws MigrationRefusedError,
 * with nothing changed, when what is asked for is not possible. Settings that were changed are put back at the end.
 */
export async function startMigration(qmp: QmpClient, options: MigrateOptions): Promise<Migration> {
  const checked = parseMigrateOptions(options);
  checked.signal?.throwIfAborted();
  const undo = new Undo();
  let interrupt = () => {};
  const updates = new UpdateLog(() => interrupt());
  let running: Running;
  try {
    running = await begin(await prepare(qmp, checked, undo), updates);
  } catch (error) {
    await undo.run();
    throw asRefusal(error);
  }
  // Whoever begins to iterate wants progress now, not after the next event.
  interrupt = () => running.observer.interrupt();
  const result = runToEnd(running).finally(() => undo.run());
  result.then(
    () => updates.end(),
    (error) => updates.end({ error }),
  );
  return new Migration(running.controller, updates, result);
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
