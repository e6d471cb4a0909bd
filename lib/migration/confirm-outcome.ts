// After a migration has ended: finds out where the guest is, and makes sure that it runs there if it ran before.
import type { QmpClient } from '../qmp/client.js';
import { QmpError } from '../qmp/errors.js';
import type { StatusInfo } from '../qmp/schema/vm.js';
import type { MigrationEnd } from './controller.js';
import type { Incoming } from './incoming.js';
import type { CheckedOptions } from './options.js';
import type { QemuSetup } from './qemu-setup.js';
import type { MigrationResult } from './result.js';

/** QEMU says that a migration failed before it has ended its threads, and sends no event when that is done. */
const threadsEndMs = 100;
const pollMs = 10;
const maxWaitMs = 10_000;

/** How a migration ended, and where the guest is. */
export interface ConfirmedOutcome {
  readonly outcome: MigrationResult['outcome'];
  readonly reason: string;
  readonly guest: MigrationResult['guest'];
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits for a run state; returns another one when it does not come for long. */
async function waitForState(
  qmp: QmpClient,
  accepts: (status: StatusInfo) => boolean,
): Promise<StatusInfo> {
  const giveUpAt = Date.now() + maxWaitMs;
  for (;;) {
    const status = await qmp.execute('query-status');
    if (accepts(status) || Date.now() > giveUpAt) return status;
    await pause(pollMs);
  }
}

function guestAt(where: ConfirmedOutcome['guest']['where'], { status, running }: StatusInfo) {
  return { where, status, running };
}

/** The guest is at the source, and is continued there if it ran before. */
async function backOnSource(
  qmp: QmpClient,
  { stoppedByUs }: MigrationEnd,
  wasRunning: boolean,
): Promise<ConfirmedOutcome['guest']> {
  await pause(threadsEndMs);
  const now = await waitForState(qmp, ({ status }) => status !== 'finish-migrate');
  if (now.running || !wasRunning) return guestAt('source', now);
  if (stoppedByUs || now.status === 'postmigrate') await qmp.execute('cont');
  return guestAt('source', await qmp.execute('query-status'));
}

async function arrived(
  qmp: QmpClient,
  end: MigrationEnd,
  incoming: Incoming | undefined,
  wasRunning: boolean,
  hold: boolean,
): Promise<ConfirmedOutcome> {
  // Until then QEMU's threads are still ending, and nothing may be set.
  const source = await waitForState(qmp, ({ status }) => status === 'postmigrate');
  const reason = end.reason ?? 'All memory is at the destination.';
  const completed = { outcome: 'completed', reason } as const;
  if (!incoming && end.stoppedByUs && wasRunning) {
    const how = 'The guest had to be stopped for that: "cont" continues it at the destination.';
    const guest = { where: 'destination', status: 'paused', running: false } as const;
    return { outcome: 'completed', reason: `${reason} ${how}`, guest };
  }
  if (!incoming) {
    const guest = { where: 'destination', status: 'unknown', running: wasRunning } as const;
    return { ...completed, guest };
  }
  const destination = await incoming.untilEnd();
  if (destination === 'completed') {
    if (end.stoppedByUs && wasRunning && !hold) await incoming.qmp.execute('cont');
    const there = await incoming.qmp.execute('query-status');
    return { ...completed, guest: guestAt('destination', there) };
  }
  if (destination === 'failed') {
    const guest = await backOnSource(qmp, end, wasRunning);
    return { outcome: 'failed', reason: 'The destination could not load the guest.', guest };
  }
  const guest = guestAt('source', source);
  const what =
    destination === 'gone' ? 'closed its QMP connection' : 'does not say that it has the guest';
  return {
    outcome: 'failed',
    reason:
      `The source has sent everything, but the destination ${what}. Make sure that the guest ` +
      'does not run there; then "cont" continues it at the source.',
    guest,
  };
}

/** Resolves once the guest is where it belongs, as far as that can be known. */
export async function confirmOutcome(
  qmp: QmpClient,
  end: MigrationEnd,
  incoming: Incoming | undefined,
  { status: { running: wasRunning } }: QemuSetup,
  { holdAtDestination: hold }: Pick<CheckedOptions, 'holdAtDestination'>,
): Promise<ConfirmedOutcome> {
  const { status, reason } = end;
  if (status === 'completed') return await arrived(qmp, end, incoming, wasRunning, hold);
  if (status === 'postcopy-paused') {
    return {
      outcome: 'interrupted',
      reason:
        'The link broke in post-copy. Each side has a part of the guest, which waits: ' +
        '"migrate-recover" on the destination, then "migrate" with "resume" on the source.',
      guest: { where: 'both', status, running: false },
    };
  }
  const guest = await backOnSource(qmp, end, wasRunning);
  // With a return path, QEMU closes it before it reports the cancellation, and may take what follows for a failed
  // link.
  if (status === 'cancelled' || end.cancelledByUs) {
    return { outcome: 'cancelled', reason: reason ?? 'Somebody else cancelled it.', guest };
  }
  const { 'error-desc': said } = await qmp.execute('query-migrate');
  return { outcome: 'failed', reason: said ?? (await unexplained(incoming)), guest };
}

/** QEMU gives no reason for some failures: a destination that is gone is one. */
async function unexplained(incoming: Incoming | undefined): Promise<string> {
  try {
    await incoming?.qmp.execute('query-status');
    return 'QEMU gives no reason; the log of the destination may have one.';
  } catch (error) {
    if (!(error instanceof QmpError)) throw error;
    return 'The destination has ended; its log says why.';
  }
}
