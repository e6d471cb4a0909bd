// Observes what a VM uses, period after period, without an agent in it.
import { setTimeout as delay } from 'node:timers/promises';
import { checkOptions, optionNames } from '../errors/check-options.js';
import { OptionError } from '../errors/option-error.js';
import { shown } from '../errors/shown.js';
import { checkClient } from '../qmp/check-client.js';
import type { QmpClient } from '../qmp/client.js';
import { QmpError } from '../qmp/errors.js';
import { CounterReader } from './counters.js';
import type { VmObservation, VmUse } from './observation.js';
import { smoothed, useBetween } from './vm-use.js';

/** How to observe. */
export interface ObserveOptions {
  /** The time between two readings, from 100 ms on; default: 1000. */
  readonly periodMs?: number | undefined;
  /** What the newest reading counts for beside the older ones: above 0, to 1, which smooths nothing; default: 1. */
  readonly smoothing?: number | undefined;
  /** Aborting it ends the observing, with its reason. */
  readonly signal?: AbortSignal | undefined;
}

const names = optionNames<ObserveOptions>({ periodMs: true, smoothing: true, signal: true });
const minPeriodMs = 100;

function checked(options: ObserveOptions): { readonly periodMs: number; readonly weight: number } {
  checkOptions(options, names);
  const { periodMs = 1000, smoothing: weight = 1 } = options;
  if (typeof periodMs !== 'number' || !(periodMs >= minPeriodMs && Number.isFinite(periodMs))) {
    const problem = `is ${shown(periodMs)}; expected milliseconds, from ${minPeriodMs} on`;
    throw new OptionError('periodMs', problem);
  }
  if (typeof weight !== 'number' || !(weight > 0 && weight <= 1)) {
    throw new OptionError('smoothing', `is ${shown(weight)}; expected above 0, to 1`);
  }
  return { periodMs, weight };
}

async function pauseUntil(clockMs: number, signal: AbortSignal | undefined): Promise<void> {
  const waitMs = Math.max(0, clockMs - performance.now());
  // Ended early, it ends with the reason of whoever ended it.
  await delay(waitMs, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
}

/**
 * Tells what a VM uses, once in each period: its processors, network cards, disks. A part that vanishes is named; when
 * the VM itself is gone, that is told, and it ends.
 */
export async function* observeVm(
  qmp: QmpClient,
  options: ObserveOptions = {},
): AsyncGenerator<VmObservation, void, undefined> {
  checkClient(qmp);
  const { periodMs, weight } = checked(options);
  const { signal } = options;
  signal?.throwIfAborted();
  try {
    const reader = await CounterReader.open(qmp);
    let before = await reader.read();
    let last: VmUse | undefined;
    for (let nextMs = before.clockMs + periodMs; ; ) {
      await pauseUntil(nextMs, signal);
      const now = await reader.read();
      const use = useBetween(before, now);
      if (use) {
        last = smoothed(last, use, weight);
        yield { type: 'use', atMs: Date.now(), use: last };
      }
      before = now;
      // Periods that a busy machine has missed are not made up for.
      nextMs += periodMs * Math.max(1, Math.ceil((now.clockMs - nextMs) / periodMs));
    }
  } catch (error) {
    if (!(error instanceof QmpError)) throw error;
    yield { type: 'gone', atMs: Date.now(), reason: error.message };
  }
}
