// Cancels a pre-copy migration without ever leaving two running guests.
//
// QEMU lets a migration be cancelled until the source has heard that the destination has everything. But by then the
// destination may run the guest, and the source, told to cancel, runs it as well. So the destination is kept from
// running it first, where its QMP is at hand. Elsewhere the switchover is put off, and whoever comes between all the
// same is found out afterwards.
import { setTimeout as pause } from 'node:timers/promises';
import type { QmpSession } from '../qmp/client.js';
import { QmpCommandError, QmpError } from '../qmp/errors.js';
import type { Incoming } from './incoming.js';

/** What cancelling needs. */
export interface CancelOptions {
  /** The source's QMP. */
  readonly qmp: QmpSession;
  /** The destination, if its QMP is at hand. */
  readonly incoming: Incoming | undefined;
  /** Whether the guest ran when the migration began: one that did not is run by nobody. */
  readonly wasRunning: boolean;
  /** Another process had begun to cancel, and may have held the destination. */
  readonly heldBefore: boolean;
  /** It runs the guest only when its owner says so. */
  readonly destinationIsHeld: boolean;
  /** Sets parameters that are put back at the end. */
  readonly setParameters: (parameters: Record<string, number>) => Promise<void>;
}

/** QEMU reckons ten times a second what fits into the downtime limit. */
const reckonedMs = 250;
const lookMs = 50;

/** Keeps the destination from running the guest when it arrives; false if it has arrived. */
async function holdDestination({ qmp }: Incoming): Promise<boolean> {
  const isWaiting = async () => (await qmp.execute('query-status')).status === 'inmigrate';
  if (!(await isWaiting())) return false;
  // To a QEMU that waits for a migration this says: don't run the guest by yourself.
  await qmp.execute('stop');
  if (await isWaiting()) return true;
  // It arrived between the two, and was stopped.
  await qmp.execute('cont');
  return false;
}

/** How far the switchover is: `stands` says that nobody runs the guest by itself, here or there. */
async function switchoverState(qmp: QmpSession): Promise<'runs' | 'stands' | 'switching'> {
  const { running, status } = await qmp.execute('query-status');
  if (running) return 'runs';
  // Somebody has stopped the guest, and the destination will not run it either.
  if (status === 'paused') return 'stands';
  const { status: migration } = await qmp.execute('query-migrate');
  // QEMU waits for "migrate-continue" before it sends the rest.
  return migration === 'pre-switchover' ? 'stands' : 'switching';
}

/** Puts the switchover off, and waits until that is sure; false if it has begun. */
async function putOffSwitchover({ qmp, setParameters }: CancelOptions): Promise<boolean> {
  const before = await switchoverState(qmp);
  if (before !== 'runs') return before === 'stands';
  await setParameters({ 'downtime-limit': 0 });
  const until = performance.now() + reckonedMs;
  do {
    await pause(lookMs);
    const now = await switchoverState(qmp);
    if (now !== 'runs') return now === 'stands';
  } while (performance.now() < until);
  return true;
}

/** Cancels one migration. */
export class Cancellation implements Disposable {
  readonly #options: CancelOptions;
  readonly #stops;
  #isDestinationHeld: boolean;

  constructor(options: CancelOptions) {
    this.#options = options;
    this.#isDestinationHeld = options.heldBefore || options.destinationIsHeld;
    this.#stops = options.qmp.events('STOP');
  }

  /** The destination was told not to run the guest by itself. */
  get isDestinationHeld(): boolean {
    return this.#isDestinationHeld;
  }

  /** Cancels; false if it is too late: the destination may run the guest by then, or the migration has ended. */
  async send(): Promise<boolean> {
    const { qmp, incoming, wasRunning } = this.#options;
    if (wasRunning && !(await this.#isSafe(incoming))) return false;
    // Only what happens from here on comes between.
    this.#stops.take();
    try {
      await qmp.execute('migrate_cancel');
      return true;
    } catch (error) {
      if (error instanceof QmpCommandError) return false;
      throw error;
    }
  }

  /** The guest was stopped for the switchover after all: nobody knows whether the destination runs it. */
  get hasRaced(): boolean {
    const { wasRunning } = this.#options;
    return wasRunning && !this.#isDestinationHeld && this.#stops.take().length > 0;
  }

  [Symbol.dispose](): void {
    this.#stops.close();
  }

  async #isSafe(incoming: Incoming | undefined): Promise<boolean> {
    if (this.#options.destinationIsHeld) return true;
    if (!incoming) return await putOffSwitchover(this.#options);
    try {
      const isHeld = await holdDestination(incoming);
      this.#isDestinationHeld ||= isHeld;
      return isHeld;
    } catch (error) {
      if (!(error instanceof QmpError)) throw error;
      // Nobody can keep it from running the guest.
      return await putOffSwitchover(this.#options);
    }
  }
}
