// After a migration: finds out where the guest is, and makes sure that it runs there if it was running before.
import type { QmpSession } from '../qmp/client.js';
import { QmpCommandError, QmpError } from '../qmp/errors.js';
import type { StatusInfo } from '../qmp/schema/vm.js';
import type { MigrationEnd } from './controller.js';
import type { Incoming } from './incoming.js';
import type { MigrationResult } from './result.js';

/** QEMU says that a migration failed before it has ended its threads, and sends no event when that is done. */
const threadsEndMs = 100;
const pollMs = 10;
const maxWaitMs = 10_000;
/** A destination whose source has ended has noticed that by then. */
const unreachableMs = 5000;

/** How a migration ended, and where the guest is. */
export interface ConfirmedOutcome {
  readonly outcome: MigrationResult['outcome'];
  readonly reason: string;
  readonly guest: MigrationResult['guest'];
}

/** What the guest did before, and what is to become of it. */
export interface Expected {
  readonly wasRunning: boolean;
  /** Leave it stopped at the destination if it had to be stopped. */
  readonly hold: boolean;
  /** Its owner runs it at the destination, and nobody else. */
  readonly destinationIsHeld: boolean;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits for a run state; returns another one when it does not come for long. */
async function waitForState(
  qmp: QmpSession,
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

/** Continues the guest; says why QEMU refused, if it did. */
async function continueGuest(qmp: QmpSession): Promise<string> {
  try {
    await qmp.execute('cont');
    return '';
  } catch (error) {
    if (!(error instanceof QmpCommandError)) throw error;
    return ` The guest does not run: ${error.message}`;
  }
}

/** The guest is at the source, and is continued there if it ran before. */
async function backOnSource(
  qmp: QmpSession,
  { stoppedByUs }: MigrationEnd,
  { wasRunning, destinationIsHeld }: Expected,
): Promise<{ guest: ConfirmedOutcome['guest']; problem: string }> {
  await pause(threadsEndMs);
  const now = await waitForState(qmp, ({ status }) => status !== 'finish-migrate');
  if (now.running || !wasRunning) return { guest: guestAt('source', now), problem: '' };
  const hasLeft = now.status === 'postmigrate';
  // Whoever alone runs it at the destination may have done so: after post-copy QEMU says "failed" with the guest there.
  const isOurs = hasLeft ? !destinationIsHeld : stoppedByUs;
  const problem = isOurs ? await continueGuest(qmp) : '';
  return { guest: guestAt('source', await qmp.execute('query-status')), problem };
}

/** The guest has arrived, and is continued there if we stopped it. */
async function takenOver(
  { qmp }: Incoming,
  { stoppedByUs, destinationHeld }: MigrationEnd,
  { wasRunning, hold, destinationIsHeld }: Expected,
): Promise<{ guest: ConfirmedOutcome['guest']; problem: string }> {
  const isOurs = (stoppedByUs || destinationHeld) && !destinationIsHeld;
  const waits = isOurs && wasRunning && !hold;
  const problem = waits ? await continueGuest(qmp) : '';
  return { guest: guestAt('destination', await qmp.execute('query-status')), problem };
}

const arrivedText = 'All memory is at the destination.';

function arrivedUnseen(
  { stoppedByUs, reason = arrivedText }: MigrationEnd,
  { wasRunning, destinationIsHeld }: Expected,
) {
  if (destinationIsHeld) {
    const guest = { where: 'destination', status: 'unknown', running: false } as const;
    return { outcome: 'completed', reason, guest } as const;
  }
  if (stoppedByUs && wasRunning) {
    const how = 'The guest had to be stopped for that: "cont" continues it at the destination.';
    const guest = { where: 'destination', status: 'paused', running: false } as const;
    return { outcome: 'completed', reason: `${reason} ${how}`, guest } as const;
  }
  const guest = { where: 'destination', status: 'unknown', running: wasRunning } as const;
  return { outcome: 'completed', reason, guest } as const;
}

async function arrived(
  qmp: QmpSession,
  end: MigrationEnd,
  incoming: Incoming | undefined,
  expected: Expected,
): Promise<ConfirmedOutcome> {
  // Until then QEMU's threads are still ending, and nothing may be set.
  const source = await waitForState(qmp, ({ status }) => status === 'postmigrate');
  if (!incoming) return arrivedUnseen(end, expected);
  const destination = await incoming.untilEnd();
  if (destination === 'completed') {
    const { guest, problem } = await takenOver(incoming, end, expected);
    return { outcome: 'completed', reason: `${end.reason ?? arrivedText}${problem}`, guest };
  }
  if (destination === 'failed') {
    const { guest, problem } = await backOnSource(qmp, end, expected);
    const reason = `The destination could not load the guest.${problem}`;
    return { outcome: 'failed', reason, guest };
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

/** It was cancelled while it was handed over. A guest that stands still harms nothing; one that runs twice does. */
async function stoppedBeforeTwice(qmp: QmpSession): Promise<ConfirmedOutcome> {
  await qmp.execute('stop');
  const reason =
    'It was cancelled at the very moment of the switchover, and the destination may run the guest: it was stopped ' +
    'at the source. If it does not run at the destination, "cont" continues it at the source.';
  return {
    outcome: 'unknown',
    reason,
    guest: { where: 'unknown', status: 'paused', running: false },
  };
}

const copyText =
  ' The destination has a copy of the guest, which stands still and must not be continued: end its QEMU.';

async function hasCopy({ qmp }: Incoming): Promise<boolean> {
  try {
    return (await qmp.execute('query-migrate')).status === 'completed';
  } catch (error) {
    // It has ended, as a destination does that gets no guest.
    if (error instanceof QmpError) return false;
    throw error;
  }
}

const interruptedText =
  'The link broke in post-copy. Each side has a part of the guest, which waits: ' +
  '"migrate-recover" on the destination, then "migrate" with "resume" on the source.';

async function fromSource(
  qmp: QmpSession,
  end: MigrationEnd,
  incoming: Incoming | undefined,
  expected: Expected,
): Promise<ConfirmedOutcome> {
  const { status, reason } = end;
  if (status === 'completed') return await arrived(qmp, end, incoming, expected);
  if (status === 'postcopy-paused') {
    const guest = { where: 'both', status, running: false } as const;
    return { outcome: 'interrupted', reason: interruptedText, guest };
  }
  if (end.mayRunTwice) return await stoppedBeforeTwice(qmp);
  const { guest, problem } = await backOnSource(qmp, end, expected);
  // With a return path, QEMU closes it before it reports the cancellation, and may take what follows for a failed
  // link.
  if (['cancelled', 'none'].includes(status) || end.cancelledByUs) {
    const otherwise = status === 'none' ? 'It never began.' : 'Somebody else cancelled it.';
    const copy = incoming && (await hasCopy(incoming)) ? copyText : '';
    return { outcome: 'cancelled', reason: `${reason ?? otherwise}${problem}${copy}`, guest };
  }
  const { 'error-desc': said } = await qmp.execute('query-migrate');
  const why = said ?? (await unexplained(incoming));
  return { outcome: 'failed', reason: `${why}${problem}`, guest };
}

/** The source can't be reached any more: only the destination can tell. */
async function fromDestination(
  why: string,
  end: MigrationEnd,
  incoming: Incoming | undefined,
  expected: Expected,
): Promise<ConfirmedOutcome> {
  if (!incoming && end.status === 'completed') return arrivedUnseen(end, expected);
  const arrival = await incoming?.untilEnd(unreachableMs);
  if (incoming && arrival === 'completed') {
    const { guest, problem } = await takenOver(incoming, end, expected);
    return { outcome: 'completed', reason: `${end.reason ?? arrivedText}${problem}`, guest };
  }
  if (arrival === 'interrupted') {
    const guest = { where: 'both', status: 'postcopy-paused', running: false } as const;
    return { outcome: 'interrupted', reason: `${why} ${interruptedText}`, guest };
  }
  const there =
    arrival === undefined
      ? 'Look at both sides before you start the guest anywhere.'
      : arrival === 'failed'
        ? 'The destination does not have the guest: if the QEMU of the source has ended, so has the guest.'
        : 'The destination does not say that it has the guest. Look at both sides before you start it anywhere.';
  const guest = { where: 'unknown', status: 'unknown', running: false } as const;
  return { outcome: 'unknown', reason: `${why} ${there}`, guest };
}

/** Resolves once the guest is where it belongs, as far as that can be known. */
export async function confirmOutcome(
  qmp: QmpSession,
  end: MigrationEnd,
  incoming: Incoming | undefined,
  expected: Expected,
): Promise<ConfirmedOutcome> {
  let why = end.reason ?? 'The QEMU of the source can not be reached any more.';
  if (end.status !== 'unknown') {
    try {
      return await fromSource(qmp, end, incoming, expected);
    } catch (error) {
      if (!(error instanceof QmpError)) throw error;
      why = `The QEMU of the source can not be reached any more: ${error.message}`;
    }
  }
  try {
    return await fromDestination(why, end, incoming, expected);
  } catch (error) {
    if (!(error instanceof QmpError)) throw error;
    return await fromDestination(why, end, undefined, expected);
  }
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
