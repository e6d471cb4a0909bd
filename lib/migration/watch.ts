// Watches a migration that somebody else started, and touches nothing.
import type { QmpClient } from '../qmp/client.js';
import { QmpError } from '../qmp/errors.js';
import { conclude } from './conclude.js';
import type { Ending } from './controller.js';
import type { Circumstances } from './decision.js';
import { readFacts } from './facts.js';
import { circumstancesOf } from './migrate.js';
import { endStatuses, Observer } from './observer.js';
import type { MigrateOptions } from './options.js';
import type { Pass } from './pass.js';
import { ProcessUse } from './process-use.js';
import type { MigrationResult } from './result.js';
import type { Settled } from './settle.js';

export interface WatchOptions
  extends Pick<MigrateOptions, 'record' | 'onPass' | 'onProgress' | 'signal'> {
  /** Told once what does not change while it runs. */
  readonly onBegin?: ((circumstances: Circumstances) => void) | undefined;
}

const arrived = 'All memory is at the destination.';

function sentence(status: string, said: string | undefined): string {
  switch (status) {
    case 'completed':
      return arrived;
    case 'cancelled':
      return 'It was cancelled.';
    case 'postcopy-paused':
      return 'The link broke in post-copy: each side has a part of the guest, which waits.';
    default:
      return said ?? 'It failed, and QEMU gives no reason.';
  }
}

async function settledAs(qmp: QmpClient, status: string): Promise<Settled> {
  const [{ status: state, running }, { 'error-desc': said }] = await Promise.all([
    qmp.execute('query-status'),
    qmp.execute('query-migrate'),
  ]);
  const reason = sentence(status, said);
  if (status === 'completed') {
    // Only the destination knows how the guest is.
    return {
      outcome: 'completed',
      reason,
      guest: { where: 'destination', status: 'unknown', running: true },
    };
  }
  const interrupted = status === 'postcopy-paused';
  const outcome = interrupted ? 'interrupted' : status === 'cancelled' ? 'cancelled' : 'failed';
  const where = interrupted ? 'both' : 'source';
  return { outcome, reason, guest: { where, status: state, running } };
}

/** libvirt ends the QEMU that it has migrated away from as soon as it can. */
async function settledOrGone(qmp: QmpClient, status: string): Promise<Settled> {
  try {
    return await settledAs(qmp, status);
  } catch (error) {
    if (!(error instanceof QmpError) || status !== 'completed') throw error;
    const guest = { where: 'destination', status: 'unknown', running: true } as const;
    return { outcome: 'completed', reason: arrived, guest };
  }
}

function runs(status: string): boolean {
  return status !== 'none' && !endStatuses.includes(status);
}

type Following = Omit<ConstructorParameters<typeof Observer>[0], 'events'>;

/** Waits until a migration runs, or until one has run: a short one may end between two looks. */
async function untilBegun(following: Following, status: string): Promise<void> {
  const events = following.qmp.events();
  try {
    const observer = new Observer({ ...following, events });
    let now = status;
    while (!runs(now) && now === status) {
      ({ status: now } = await observer.next(Number.POSITIVE_INFINITY, true));
      following.signal?.throwIfAborted();
    }
  } finally {
    events.close();
  }
}

interface Watched {
  readonly observer: Observer;
  readonly circumstances: Circumstances;
  readonly use: ProcessUse | undefined;
  readonly options: WatchOptions;
}

/** Follows a migration that runs; answers how it ended. */
async function follow({ observer, circumstances, use, options }: Watched): Promise<Ending> {
  const { record, onPass, signal } = options;
  const passes: Pass[] = [];
  let seen = await observer.ask();
  for (;;) {
    signal?.throwIfAborted();
    const { pass, status, elapsedMs } = seen;
    if (pass) {
      passes.push(pass);
      use?.look();
      record?.({ type: 'pass', pass });
      onPass?.(pass, { ...circumstances, elapsedMs, passes: [...passes] });
    }
    if (endStatuses.includes(status)) {
      const untouched = { consultations: [], stoppedByUs: false, cancelledByUs: false };
      return { status, reason: undefined, passes, ...untouched };
    }
    seen = await observer.next(Number.POSITIVE_INFINITY, true);
  }
}

/** Waits for a migration, if none runs, and follows it to its end. The signal ends the watching alone. */
export async function watchMigration(
  qmp: QmpClient,
  options: WatchOptions = {},
): Promise<MigrationResult> {
  const { record, onProgress, onBegin, signal } = options;
  signal?.throwIfAborted();
  const facts = await readFacts(qmp);
  const { status = 'none' } = facts.migration;
  const eventsOn = facts.capabilities.get('events') ?? false;
  const following = { qmp, eventsOn, sawBeginning: !runs(status), signal };
  await untilBegun({ ...following, record: undefined, onProgress: undefined }, status);
  const events = qmp.events();
  try {
    const use = await ProcessUse.begin(qmp);
    const circumstances = circumstancesOf(await readFacts(qmp));
    onBegin?.(circumstances);
    record?.({
      type: 'start',
      format: 1,
      qemu: facts.version,
      startedAtMs: Date.now(),
      circumstances,
      asked: { by: 'somebody else' },
    });
    const observer = new Observer({ ...following, events, record, onProgress });
    const ending = await follow({ observer, circumstances, use, options });
    use?.look({ force: true });
    const settled = await settledOrGone(qmp, ending.status);
    const result = conclude({ ending, settled, observer, use });
    record?.({ type: 'end', result });
    return result;
  } finally {
    events.close();
  }
}
