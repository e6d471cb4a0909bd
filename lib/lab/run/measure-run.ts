// Makes one run of an experiment with real VMs: boots the guest, lets its workload run, migrates it, compares both
// memories, and has the workload check its data at the destination.
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../errors/message-of.js';
import type { Policy } from '../../migration/decision.js';
import { migrate } from '../../migration/migrate.js';
import type { MigrateOptions } from '../../migration/options.js';
import type { MigrationResult } from '../../migration/result.js';
import { chain } from '../../policy/limits.js';
import { compareMemory } from '../../qemu/machine/compare-memory.js';
import type { Accelerator, Machine } from '../../qemu/machine/machine.js';
import type { Catalogue } from '../catalogue/catalogue.js';
import type { Experiment } from '../model/experiment.js';
import { linkBytesPerSecond } from '../model/link.js';
import type { Measurement, PlannedRun } from '../model/run.js';
import type { WorkloadRun } from '../workloads/workload-run.js';
import { AttemptError } from './errors.js';
import type { MeasureRun } from './measure-runs.js';
import { timeLimit } from './time-limit.js';
import { Trial } from './trial.js';

/** How long a workload is watched after the migration. */
const afterwardsMs = 1500;
/** Long enough for an emulated processor that others use as well, and a network that has to recover its rate. */
const silenceMs = 30_000;
const discard = 'exec:cat >/dev/null';

/** What runs are made with. */
export interface MeasureOptions {
  /** The QEMU program. */
  readonly binary: string;
  readonly accelerator: Accelerator;
  readonly experiment: Experiment;
  readonly catalogue: Catalogue;
  /** Called during each migration. */
  readonly watch?: Pick<MigrateOptions, 'onPass' | 'onProgress'>;
}

interface Departure extends MeasureOptions {
  readonly run: PlannedRun;
  readonly trial: Trial;
  readonly source: Machine;
  readonly workload: WorkloadRun;
  readonly signal: AbortSignal;
}

/** How a guest is migrated, once that is known. */
interface Ready extends Pick<Measurement, 'choice'> {
  readonly postcopy: boolean;
  readonly policy: Policy | undefined;
  readonly options: Partial<MigrateOptions>;
}

interface Migrated extends Pick<Measurement, 'choice'> {
  readonly migrateOptions: Measurement['migrateOptions'];
  readonly result: MigrationResult;
  /** By the clock of the workload's reports. */
  readonly beganMs: number;
  readonly endedMs: number;
}

interface Arrival extends Migrated, Pick<Measurement, 'memory' | 'memoryNotCompared'> {}

function bytesPerSecondOf({ experiment, run, trial }: Departure): number {
  return experiment.sink ? linkBytesPerSecond(run.cell.link) : trial.hosts.qemuBytesPerSecond;
}

/** Has a method choose, if it does so. */
async function ready(departure: Departure): Promise<Ready> {
  const { experiment, run, trial, source, signal, catalogue } = departure;
  const method = catalogue.method(run.cell.method);
  const options = method.options(trial.memoryBytes);
  if (!method.choose) return { options, postcopy: method.postcopy, policy: method.policy?.() };
  const beganMs = performance.now();
  const chosen = await method.choose({
    ...{ qmp: source.qmp, signal, downtimeLimitMs: experiment.downtimeLimitMs },
    // Where the link itself is shaped, QEMU is told no limit.
    linkBytesPerSecond: linkBytesPerSecond(run.cell.link),
  });
  const { postcopy, policy, reason } = chosen;
  const choice = { method: chosen.method, reason, tookMs: performance.now() - beganMs };
  return { options: { ...options, ...chosen.options }, postcopy, policy, choice };
}

async function migrateTo(
  to: MigrateOptions['to'],
  departure: Departure,
  { options, postcopy, policy, choice }: Ready,
): Promise<Migrated> {
  const { experiment, trial, source, workload, signal } = departure;
  const bytesPerSecond = bytesPerSecondOf(departure);
  const policies = [
    ...(policy ? [policy] : []),
    // Post-copy ends by itself.
    ...(postcopy ? [] : [timeLimit(experiment.convergeSeconds * 1000)]),
  ];
  const migrateOptions = {
    ...options,
    bandwidthBytesPerSecond: Math.round(bytesPerSecond),
    postcopyBandwidthBytesPerSecond: Math.round(bytesPerSecond),
    downtimeLimitMs: experiment.downtimeLimitMs,
    holdAtDestination: true,
  };
  const beganMs = workload.elapsedMs;
  const result = await migrate(source.qmp, {
    ...migrateOptions,
    ...departure.watch,
    ...(policies.length > 0 ? { policy: chain(...policies) } : {}),
    signal,
    to,
  });
  const { outcome, reason } = result;
  if (outcome !== 'completed') {
    throw new AttemptError(`The migration ended as ${outcome}: ${reason}`, trial.consoles);
  }
  const chosen = choice ? { choice } : {};
  return { ...chosen, migrateOptions, result, beganMs, endedMs: workload.elapsedMs };
}

/** Sends the stream nowhere, for counting pages; the guest then continues at the source. */
async function moveNowhere(departure: Departure): Promise<Arrival> {
  const migrated = await migrateTo(discard, departure, await ready(departure));
  await departure.source.qmp.execute('cont');
  return { ...migrated, memory: null, memoryNotCompared: 'the stream was discarded' };
}

async function move(departure: Departure): Promise<Arrival> {
  const { trial, source, workload } = departure;
  const how = await ready(departure);
  const { postcopy } = how;
  const { host, machine } = await trial.startDestination();
  // In post-copy the guest runs as soon as it can; otherwise it is kept paused, so that the memories can be compared.
  if (postcopy) await machine.qmp.execute('cont');
  const to = { qmp: machine.qmp, listen: trial.hosts.migrationUri(host) };
  const migrated = await migrateTo(to, departure, how);
  if (postcopy) {
    const memoryNotCompared = 'in post-copy the guest runs while its memory arrives';
    return { ...migrated, memory: null, memoryNotCompared };
  }
  // The lab keeps it paused, not the migration.
  workload.pauseClock();
  const { firstDifferent, ...counts } = await compareMemory(source.ramFile, machine.ramFile);
  const memory = counts.differentPages > 0 ? { ...counts, firstDifferent } : counts;
  await machine.qmp.execute('cont');
  workload.resumeClock();
  return { ...migrated, memory };
}

async function measure(
  options: MeasureOptions,
  run: PlannedRun,
  trial: Trial,
  signal: AbortSignal,
): Promise<Measurement> {
  const { experiment, accelerator, catalogue } = options;
  const source = await trial.startSource();
  const workload = await trial.startWorkload();
  await delay(experiment.settleSeconds * 1000, undefined, { signal });
  const departure = { ...options, run, trial, source, workload, signal };
  const arrival = await (experiment.sink ? moveNowhere : move)(departure);
  await delay(afterwardsMs, undefined, { signal });
  // Reports that were under way during the migration have arrived by now: any later one proves that the guest works.
  const { idles = false, operation } = catalogue.workload(run.cell.workload.name);
  await workload.untilProgress(idles ? 'reports' : 'operations', { minMs: silenceMs, signal });
  const checks = await workload.stop();
  const { choice, migrateOptions, result, beganMs, endedMs, memory, memoryNotCompared } = arrival;
  const { qemu, package: packaged } = source.qmp.greeting.version;
  return {
    hosts: experiment.sink ? 'one host; the stream was discarded' : trial.hosts.description,
    accelerator,
    qemu: `${qemu.major}.${qemu.minor}.${qemu.micro} ${packaged}`.trim(),
    kernel: trial.kernelVersion,
    commandLines: trial.commandLines,
    ...(choice ? { choice } : {}),
    migrateOptions,
    migration: result,
    workload: {
      operation,
      migrationBeganMs: beganMs,
      migrationEndedMs: endedMs,
      reports: workload.reports,
      checks,
    },
    memory,
    ...(memoryNotCompared === undefined ? {} : { memoryNotCompared }),
    consoles: trial.consoles,
  };
}

/** Makes runs with real VMs, for measureRuns(). */
export function measureWith(options: MeasureOptions): MeasureRun {
  return async (run, signal) => {
    signal.throwIfAborted();
    const trial = await Trial.create({ ...options, run });
    const stop = () => {
      // Whoever waits for a part of it gets an error, and closes it below.
      trial.stop().catch(() => {});
    };
    signal.addEventListener('abort', stop);
    try {
      return await measure(options, run, trial, signal);
    } catch (error) {
      if (error instanceof AttemptError) throw error;
      const message = messageOf(error);
      throw new AttemptError(message, trial.consoles, { cause: error });
    } finally {
      signal.removeEventListener('abort', stop);
      await trial.close();
    }
  };
}
