// Makes one run of an experiment with real VMs: boots the guest, lets its workload work, migrates it, compares
// both memories, and has the workload check itself where it arrived.
import { setTimeout as delay } from 'node:timers/promises';
import { migrate } from '../../migration/migrate.js';
import type { MigrateOptions } from '../../migration/options.js';
import type { MigrationResult } from '../../migration/result.js';
import { chain } from '../../policy/limits.js';
import { compareMemory } from '../../qemu/machine/compare-memory.js';
import type { Accelerator, Machine } from '../../qemu/machine/machine.js';
import type { Catalogue } from '../catalogue/catalogue.js';
import type { Experiment } from '../model/experiment.js';
import { linkBytesPerSecond } from '../model/link.js';
import type { Measurement } from '../model/run.js';
import type { PlannedRun } from '../plan/planned-runs.js';
import type { WorkloadAtWork } from '../workloads/workload-run.js';
import { AttemptError, type Measure } from './measure-runs.js';
import { stopAfter } from './time-limit.js';
import { Trial } from './trial.js';

/** How long a workload is watched where it arrived. */
const afterwardsMs = 1500;
/** On an emulated processor that others want as well, with a network that has to find its pace again. */
const silenceMs = 30_000;
const nowhere = 'exec:cat >/dev/null';

export interface MeasureOptions {
  /** Told how far a migration is. */
  readonly watcher?: Pick<MigrateOptions, 'onPass' | 'onProgress'>;
  readonly binary: string;
  readonly accelerator: Accelerator;
  readonly experiment: Experiment;
  readonly catalogue: Catalogue;
}

interface Departure extends MeasureOptions {
  readonly run: PlannedRun;
  readonly trial: Trial;
  readonly source: Machine;
  readonly workload: WorkloadAtWork;
  readonly signal: AbortSignal;
}

interface Migrated {
  readonly asked: Measurement['asked'];
  readonly result: MigrationResult;
  /** By the clock of the workload's reports. */
  readonly beganMs: number;
  readonly endedMs: number;
}

interface Arrival extends Migrated, Pick<Measurement, 'memory' | 'memoryNotCompared'> {}

async function migrated(departure: Departure, to: MigrateOptions['to']): Promise<Migrated> {
  const { experiment, run, trial, source, workload, signal, catalogue } = departure;
  const method = catalogue.method(run.cell.method);
  const limit = experiment.sink
    ? linkBytesPerSecond(run.cell.link)
    : trial.hosts.qemuBytesPerSecond;
  const policies = [
    ...(method.policy ? [method.policy()] : []),
    // Post-copy ends by itself.
    ...(method.postcopy ? [] : [stopAfter(experiment.convergeSeconds * 1000)]),
  ];
  const asked = {
    ...method.options(trial.memoryBytes),
    bandwidthBytesPerSecond: Math.round(limit),
    postcopyBandwidthBytesPerSecond: Math.round(limit),
    downtimeLimitMs: experiment.downtimeLimitMs,
    holdAtDestination: true,
  };
  const beganMs = workload.elapsedMs;
  const result = await migrate(source.qmp, {
    ...asked,
    ...departure.watcher,
    ...(policies.length > 0 ? { policy: chain(...policies) } : {}),
    signal,
    to,
  });
  const { outcome, reason } = result;
  if (outcome !== 'completed') throw new Error(`The migration ended as ${outcome}: ${reason}`);
  return { asked, result, beganMs, endedMs: workload.elapsedMs };
}

/** For counting alone: the guest goes on where it was. */
async function moveNowhere(departure: Departure): Promise<Arrival> {
  const moved = await migrated(departure, nowhere);
  await departure.source.qmp.execute('cont');
  return { ...moved, memory: null, memoryNotCompared: 'the stream went nowhere' };
}

async function move(departure: Departure): Promise<Arrival> {
  const { run, trial, source, workload, catalogue } = departure;
  const { postcopy } = catalogue.method(run.cell.method);
  const { host, machine } = await trial.startDestination();
  // In post-copy it begins to run by itself; else it is held, so that the memories can be compared.
  if (postcopy) await machine.qmp.execute('cont');
  const moved = await migrated(departure, {
    qmp: machine.qmp,
    listen: trial.hosts.migrationUri(host),
  });
  if (postcopy) {
    const memoryNotCompared = 'in post-copy the guest goes on while its memory arrives';
    return { ...moved, memory: null, memoryNotCompared };
  }
  // That it is held is our doing, not the migration's.
  workload.hold();
  const { firstDifferent, ...counts } = await compareMemory(source.ramFile, machine.ramFile);
  const memory = counts.differentPages > 0 ? { ...counts, firstDifferent } : counts;
  await machine.qmp.execute('cont');
  workload.goOn();
  return { ...moved, memory };
}

async function carryOut(
  options: MeasureOptions,
  run: PlannedRun,
  trial: Trial,
  signal: AbortSignal,
) {
  const { experiment, accelerator, catalogue } = options;
  const source = await trial.startSource();
  const workload = await trial.startWorkload();
  await delay(experiment.settleSeconds * 1000, undefined, { signal });
  const departure = { ...options, run, trial, source, workload, signal };
  const arrival = await (experiment.sink ? moveNowhere : move)(departure);
  await delay(afterwardsMs, undefined, { signal });
  // What was still under way when it moved has come by now: more than that comes from a guest that lives.
  const { idles = false, operation } = catalogue.workload(run.cell.workload.name);
  await workload.untilItGoesOn(idles ? 'reporting' : 'working', { leastMs: silenceMs, signal });
  const checks = await workload.stop();
  const { asked, result, beganMs, endedMs, memory, memoryNotCompared } = arrival;
  const { qemu, package: packaged } = source.qmp.greeting.version;
  return {
    hosts: experiment.sink ? 'one host; the stream goes nowhere' : trial.hosts.description,
    accelerator,
    qemu: `${qemu.major}.${qemu.minor}.${qemu.micro} ${packaged}`.trim(),
    kernel: trial.kernelVersion,
    commandLines: trial.commandLines,
    asked,
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

/** What runExperiment() needs to measure with real VMs. */
export function measureWith(options: MeasureOptions): Measure {
  return async (run, signal) => {
    signal.throwIfAborted();
    const trial = await Trial.create({ ...options, run });
    const stop = () => {
      // Whoever waits for one of its parts hears that it has ended, and closes it below.
      trial.stop().catch(() => {});
    };
    signal.addEventListener('abort', stop);
    try {
      return await carryOut(options, run, trial, signal);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new AttemptError(message, trial.consoles, { cause: error });
    } finally {
      signal.removeEventListener('abort', stop);
      await trial.close();
    }
  };
}
