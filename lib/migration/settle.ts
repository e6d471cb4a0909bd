// After the end of a migration: where the guest is, and that it runs there.
import type { QmpClient } from '../qmp/client.js';
import { QmpError } from '../qmp/errors.js';
import type { StatusInfo } from '../qmp/schema/vm.js';
import type { Ending } from './controller.js';
import type { Facts } from './facts.js';
import type { Incoming } from './incoming.js';
import type { CheckedOptions } from './options.js';
import type { MigrationResult } from './result.js';

/** QEMU says that it failed before it has ended its threads, and says to nobody when that is done. */
const threadsEndMs = 100;
const lookMs = 10;
const patienceMs = 10_000;

export interface Settled {
  readonly outcome: MigrationResult['outcome'];
  readonly reason: string;
  readonly guest: MigrationResult['guest'];
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Looks until the run state is one of these, or for as long as is reasonable. */
async function untilState(
  qmp: QmpClient,
  accepts: (status: StatusInfo) => boolean,
): Promise<StatusInfo> {
  const giveUpAt = Date.now() + patienceMs;
  for (;;) {
    const status = await qmp.execute('query-status');
    if (accepts(status) || Date.now() > giveUpAt) return status;
    await pause(lookMs);
  }
}

function guestAt(where: Settled['guest']['where'], { status, running }: StatusInfo) {
  return { where, status, running };
}

/** The guest is on the source: it must run there if it ran before. */
async function backOnSource(
  qmp: QmpClient,
  { stoppedByUs }: Ending,
  wasRunning: boolean,
): Promise<Settled['guest']> {
  await pause(threadsEndMs);
  const now = await untilState(qmp, ({ status }) => status !== 'finish-migrate');
  if (now.running || !wasRunning) return guestAt('source', now);
  if (stoppedByUs || now.status === 'postmigrate') await qmp.execute('cont');
  return guestAt('source', await qmp.execute('query-status'));
}

async function arrived(
  qmp: QmpClient,
  ending: Ending,
  incoming: Incoming | undefined,
  wasRunning: boolean,
  hold: boolean,
): Promise<Settled> {
  // QEMU's threads are on their way out when it says this; before, nothing may be set.
  const source = await untilState(qmp, ({ status }) => status === 'postmigrate');
  const reason = ending.reason ?? 'All memory is at the destination.';
  const completed = { outcome: 'completed', reason } as const;
  if (!incoming && ending.stoppedByUs && wasRunning) {
    const how = 'The guest had to be stopped for that: "cont" lets it go on at the destination.';
    const guest = { where: 'destination', status: 'paused', running: false } as const;
    return { outcome: 'completed', reason: `${reason} ${how}`, guest };
  }
  if (!incoming) {
    const guest = { where: 'destination', status: 'unknown', running: wasRunning } as const;
    return { ...completed, guest };
  }
  const end = await incoming.untilEnd();
  if (end === 'completed') {
    if (ending.stoppedByUs && wasRunning && !hold) await incoming.qmp.execute('cont');
    const there = await incoming.qmp.execute('query-status');
    return { ...completed, guest: guestAt('destination', there) };
  }
  if (end === 'failed') {
    const guest = await backOnSource(qmp, ending, wasRunning);
    return { outcome: 'failed', reason: 'The destination could not load the guest.', guest };
  }
  const guest = guestAt('source', source);
  const what = end === 'gone' ? 'closed its QMP connection' : 'does not say that it has the guest';
  return {
    outcome: 'failed',
    reason:
      `The source has sent everything, but the destination ${what}. Make sure that the guest ` +
      'does not run there; then "cont" lets it go on at the source.',
    guest,
  };
}

export async function settle(
  qmp: QmpClient,
  ending: Ending,
  incoming: Incoming | undefined,
  { status: { running: wasRunning } }: Facts,
  { holdAtDestination: hold }: Pick<CheckedOptions, 'holdAtDestination'>,
): Promise<Settled> {
  const { status, reason } = ending;
  if (status === 'completed') return await arrived(qmp, ending, incoming, wasRunning, hold);
  if (status === 'postcopy-paused') {
    return {
      outcome: 'interrupted',
      reason:
        'The link broke in post-copy. Each side has a part of the guest, which waits: ' +
        '"migrate-recover" on the destination, then "migrate" with "resume" on the source.',
      guest: { where: 'both', status, running: false },
    };
  }
  const guest = await backOnSource(qmp, ending, wasRunning);
  // With a return path, QEMU closes that before it says that it is being cancelled, and may take what follows for
  // a failure of the link.
  if (status === 'cancelled' || ending.cancelledByUs) {
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
