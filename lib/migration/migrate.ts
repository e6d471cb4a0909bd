// Migrates a VM: checks, prepares both sides, starts, follows it to its end, and puts settings back.
import type { QmpClient } from '../qmp/client.js';
import { QmpCommandError, QmpError } from '../qmp/errors.js';
import { conclude } from './conclude.js';
import { Controller } from './controller.js';
import type { Circumstances } from './decision.js';
import { MigrationRefusedError } from './errors.js';
import { type Facts, readFacts } from './facts.js';
import { Incoming } from './incoming.js';
import { Observer } from './observer.js';
import { type CheckedOptions, type MigrateOptions, parseMigrateOptions } from './options.js';
import { type Plan, plan } from './plan.js';
import { ProcessUse } from './process-use.js';
import type { MigrationResult } from './result.js';
import { applySettings } from './settings.js';
import { settle } from './settle.js';

const defaultDowntimeMs = 300;

interface Prepared {
  readonly options: CheckedOptions;
  readonly facts: Facts;
  readonly plan: Plan;
  readonly uri: string;
  readonly incoming: Incoming | undefined;
}

export function circumstancesOf({ ramBytes, parameters, capabilities }: Facts): Circumstances {
  return {
    ramBytes,
    pageBytes: 4096,
    downtimeLimitMs: parameters['downtime-limit'] ?? defaultDowntimeMs,
    bandwidthLimitBytesPerSecond: parameters['max-bandwidth'] ?? 0,
    postcopyPossible: capabilities.get('postcopy-ram') ?? false,
  };
}

/** The circumstances once the plan has been carried out. */
function planned(facts: Facts, { source }: Plan): Circumstances {
  const capabilities = new Map([...facts.capabilities, ...Object.entries(source.capabilities)]);
  const parameters = { ...facts.parameters, ...source.parameters };
  return circumstancesOf({ ...facts, capabilities, parameters });
}

/** What was asked for, as far as it is data. */
function askedOf(options: CheckedOptions): Record<string, unknown> {
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

async function begin(qmp: QmpClient, uri: string): Promise<void> {
  try {
    await qmp.execute('migrate', { uri });
  } catch (error) {
    throw asRefusal(error);
  }
}

async function run(qmp: QmpClient, prepared: Prepared): Promise<MigrationResult> {
  const { options, facts, incoming } = prepared;
  const { record, onProgress, signal } = options;
  const circumstances = planned(facts, prepared.plan);
  record?.({
    type: 'start',
    format: 1,
    qemu: facts.version,
    startedAtMs: Date.now(),
    circumstances,
    asked: askedOf(options),
  });
  const events = qmp.events();
  try {
    const use = await ProcessUse.begin(qmp);
    const following = { qmp, events, eventsOn: true, sawBeginning: true };
    const observer = new Observer({ ...following, record, onProgress, signal });
    await begin(qmp, prepared.uri);
    const onPass: CheckedOptions['onPass'] = (pass, observation) => {
      use?.look();
      options.onPass?.(pass, observation);
    };
    const controlled = { ...options, onPass };
    const ending = await new Controller(qmp, observer, controlled, circumstances).untilEnd();
    const settled = await settle(qmp, ending, incoming, facts, options);
    use?.look({ force: true });
    const result = conclude({ ending, settled, observer, use });
    record?.({ type: 'end', result });
    return result;
  } finally {
    events.close();
  }
}

/** A refusal of QEMU before anything has begun is a problem of what was asked for. */
function asRefusal(error: unknown): unknown {
  if (!(error instanceof QmpCommandError)) return error;
  return new MigrationRefusedError([error.message]);
}

async function putAllBack(undo: readonly (() => Promise<void>)[]): Promise<void> {
  for (const one of [...undo].reverse()) {
    try {
      await one();
    } catch (error) {
      // A QEMU that is gone, or that has the guest now and refuses, has nothing to put back.
      if (!(error instanceof QmpError)) throw error;
    }
  }
}

/**
 * Migrates the VM at the other end of that QMP. Throws MigrationRefusedError, with nothing changed, when what is
 * asked for can't be had. A migration that began always has a result, whether it arrived or not.
 */
export async function migrate(qmp: QmpClient, input: MigrateOptions): Promise<MigrationResult> {
  const options = parseMigrateOptions(input);
  options.signal?.throwIfAborted();
  const { to } = options;
  const target = typeof to === 'string' ? undefined : to;
  const facts = await readFacts(qmp);
  const theirs = target && (await readFacts(target.qmp));
  const made = plan(options, facts, theirs);
  if (made.problems.length > 0) throw new MigrationRefusedError(made.problems);
  const incoming = target && new Incoming(target.qmp);
  const undo: (() => Promise<void>)[] = [];
  try {
    let uri = typeof to === 'string' ? to : to.listen;
    try {
      if (target && incoming && theirs) {
        undo.push(await applySettings(target.qmp, theirs, made.destination));
      }
      undo.push(await applySettings(qmp, facts, made.source));
      // What a policy raises in order to end the migration is put back too.
      undo.push(async () => {
        const limit = facts.parameters['downtime-limit'];
        if (limit === undefined || !options.policy) return;
        await qmp.execute('migrate-set-parameters', { 'downtime-limit': limit });
      });
      if (target && incoming) uri = await incoming.listen(target);
    } catch (error) {
      throw asRefusal(error);
    }
    return await run(qmp, { options, facts, plan: made, uri, incoming });
  } finally {
    incoming?.close();
    await putAllBack(undo);
  }
}
