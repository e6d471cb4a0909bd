// Watches a migration that somebody else started, and changes nothing.
import { checkOptions, optionNames } from '../errors/check-options.js';
import { checkClient } from '../qmp/check-client.js';
import type { QmpClient } from '../qmp/client.js';
import { QmpError } from '../qmp/errors.js';
import { ProcessUsage } from '../qmp/process-usage.js';
import { buildResult } from './build-result.js';
import { Callbacks } from './callbacks.js';
import type { ConfirmedOutcome } from './confirm-outcome.js';
import type { MigrationEnd } from './controller.js';
import type { MigrationContext } from './decision.js';
import { WatchStoppedError } from './errors.js';
import { contextOf } from './migrate.js';
import { type Observed, Observer, type ObserverOptions } from './observer.js';
import type { MigrateOptions } from './options.js';
import type { Pass } from './pass.js';
import { readQemuSetup } from './qemu-setup.js';
import { recordingFormat } from './recording.js';
import type { MigrationResult } from './result.js';
import { endStatuses, isRunning } from './statuses.js';
import { type MigrationUpdate, UpdateLog } from './updates.js';

/** How to watch a migration. */
export interface WatchOptions extends Pick<MigrateOptions, 'record' | 'onPass' | 'onProgress'> {
  /** Is called once, when the migration begins or when one is found running. */
  readonly onBegin?: ((context: MigrationContext) => void) | undefined;
  /** Aborting it stops watching, with its reason. The migration goes on. */
  readonly signal?: AbortSignal | undefined;
}

const watchNames = optionNames<WatchOptions>({
  record: true,
  onPass: true,
  onProgress: true,
  onBegin: true,
  signal: true,
});

const arrivedText = 'All memory is at the destination.';

function reasonFor(status: string, said: string | undefined): string {
  switch (status) {
    case 'completed':
      return arrivedText;
    case 'cancelled':
      return 'It was cancelled.';
    case 'postcopy-paused':
      return 'The link broke in post-copy: each side has a part of the guest, which waits.';
    default:
      return said ?? 'It failed, and QEMU gives no reason.';
  }
}

async function outcomeOf(qmp: QmpClient, status: string): Promise<ConfirmedOutcome> {
  const [{ status: state, running }, { 'error-desc': said }] = await Promise.all([
    qmp.execute('query-status'),
    qmp.execute('query-migrate'),
  ]);
  const reason = reasonFor(status, said);
  if (status === 'completed') {
    // Only the destination knows the guest's state.
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
async function outcomeOrGone(qmp: QmpClient, status: string): Promise<ConfirmedOutcome> {
  try {
    return await outcomeOf(qmp, status);
  } catch (error) {
    if (!(error instanceof QmpError) || status !== 'completed') throw error;
    const guest = { where: 'destination', status: 'unknown', running: true } as const;
    return { outcome: 'completed', reason: arrivedText, guest };
  }
}

/** Ends the wait of an observer when a signal is aborted. */
function interruptOnAbort(observer: Observer, signal: AbortSignal): Disposable {
  const onAbort = () => observer.interrupt();
  signal.addEventListener('abort', onAbort);
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', onAbort) };
}

interface Watching {
  readonly qmp: QmpClient;
  readonly options: WatchOptions;
  readonly updates: UpdateLog;
  /** Aborted to stop watching. */
  readonly signal: AbortSignal;
}

type ObserverBasics = Pick<ObserverOptions, 'qmp' | 'eventsOn' | 'sawBeginning'>;

/** Waits until a migration runs, or until one has run: a short one may end between two queries. */
async function waitForBegin(
  basics: ObserverBasics,
  { signal }: Watching,
  statusBefore: string,
): Promise<void> {
  using events = basics.qmp.events();
  const unrecorded = { record: undefined, onProgress: undefined, wantsProgress: () => false };
  const observer = new Observer({ ...basics, ...unrecorded, events });
  using _ = interruptOnAbort(observer, signal);
  let status = statusBefore;
  while (!isRunning(status) && status === statusBefore) {
    signal.throwIfAborted();
    ({ status } = await observer.next());
  }
}

interface Followed extends Pick<WatchOptions, 'record' | 'onPass'> {
  readonly observer: Observer;
  readonly context: MigrationContext;
  readonly usage: ProcessUsage | undefined;
}

/** Follows a running migration to its end. */
async function follow(
  { observer, context, usage, record, onPass }: Followed,
  { updates, signal }: Watching,
): Promise<MigrationEnd> {
  const passes: Pass[] = [];
  using _ = interruptOnAbort(observer, signal);
  let observed: Observed = await observer.query();
  for (;;) {
    signal.throwIfAborted();
    const { pass, status, elapsedMs } = observed;
    if (pass) {
      passes.push(pass);
      usage?.sample();
      record?.({ type: 'pass', pass });
      updates.add({ type: 'pass', pass });
      onPass?.(pass, { ...context, elapsedMs, passes: [...passes] });
    }
    if (endStatuses.includes(status)) {
      const untouched = { stoppedByUs: false, cancelledByUs: false, destinationHeld: false };
      const result = { status, reason: undefined, passes, policyEvaluations: [] };
      return { ...result, ...untouched, mayRunTwice: false };
    }
    observed = await nextOrGone(observer);
  }
}

/** The last figures of a QEMU that was ended as soon as it had said that all has arrived are those of the last look. */
async function nextOrGone(observer: Observer): Promise<Observed> {
  try {
    return await observer.next();
  } catch (error) {
    const { status, elapsedMs } = observer;
    if (!(error instanceof QmpError) || status !== 'completed') throw error;
    return { status, elapsedMs, pass: undefined, isGuestStopped: true };
  }
}

async function watchToEnd(
  watching: Watching,
  setInterrupt: (interrupt: () => void) => void,
): Promise<MigrationResult> {
  const { qmp, options, updates, signal } = watching;
  let elapsedMs = () => 0;
  const callbacks = new Callbacks(() => elapsedMs());
  const record = callbacks.guard('record', options.record);
  const onProgress = callbacks.guard('onProgress', options.onProgress);
  const onPass = callbacks.guard('onPass', options.onPass);
  signal.throwIfAborted();
  const setup = await readQemuSetup(qmp);
  const { status = 'none' } = setup.migration;
  const eventsOn = setup.capabilities.get('events') ?? false;
  const basics = { qmp, eventsOn, sawBeginning: !isRunning(status) };
  await waitForBegin(basics, watching, status);
  using events = qmp.events();
  const usage = await ProcessUsage.begin(qmp);
  const context = contextOf(await readQemuSetup(qmp));
  options.onBegin?.(context);
  updates.add({ type: 'begin', context });
  record?.({
    type: 'start',
    format: recordingFormat,
    qemu: setup.version,
    startedAtMs: Date.now(),
    context,
    request: { startedBy: 'another program' },
  });
  const observer = new Observer({
    ...basics,
    events,
    record,
    onProgress: (progress) => {
      onProgress?.(progress);
      updates.setProgress(progress);
    },
    wantsProgress: () => onProgress !== undefined || updates.hasReaders,
  });
  elapsedMs = () => observer.elapsedMs;
  setInterrupt(() => observer.interrupt());
  const end = await follow({ observer, context, usage, record, onPass }, watching);
  usage?.sample({ force: true });
  const confirmed = await outcomeOrGone(qmp, end.status);
  const result = () =>
    buildResult({ end, confirmed, observer, usage, callbackFailures: callbacks.failures });
  record?.({ type: 'end', result: result() });
  // Once more: the recording may have failed with its last entry.
  return result();
}

/**
 * A migration that is being watched, or waited for. Iterate over it for passes and progress; `result` is how it ends.
 * With `await using`, leaving the block stops watching. The migration itself is never touched.
 */
export class MigrationWatch implements AsyncIterable<MigrationUpdate>, AsyncDisposable {
  /** How the migration ended, once it has; rejects if watching was stopped before, or the connection broke. */
  readonly result: Promise<MigrationResult>;
  readonly #updates: UpdateLog;
  readonly #stop: AbortController;

  /** @internal */
  constructor(updates: UpdateLog, stop: AbortController, result: Promise<MigrationResult>) {
    this.#updates = updates;
    this.#stop = stop;
    this.result = result;
  }

  /** Stops watching; resolves when nothing is asked of QEMU any more. `result` rejects with WatchStoppedError. */
  async stop(): Promise<void> {
    this.#stop.abort(new WatchStoppedError('The migration is no longer watched.'));
    await this.result.catch(() => {});
  }

  /** The updates from the beginning on, each once; of progress that was not read in time, only the newest. */
  [Symbol.asyncIterator](): AsyncIterator<MigrationUpdate, void, undefined> {
    return this.#updates[Symbol.asyncIterator]();
  }

  /** Stops watching. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Waits for a migration, if none runs, and watches it to its end. */
export function startWatching(qmp: QmpClient, options: WatchOptions = {}): MigrationWatch {
  checkClient(qmp);
  checkOptions(options, watchNames);
  const stop = new AbortController();
  const onAbort = () => stop.abort(options.signal?.reason);
  if (options.signal?.aborted) onAbort();
  options.signal?.addEventListener('abort', onAbort);
  let interrupt = () => {};
  const updates = new UpdateLog(() => interrupt());
  const watching = { qmp, options, updates, signal: stop.signal };
  const result = watchToEnd(watching, (ofObserver) => {
    interrupt = ofObserver;
  }).finally(() => options.signal?.removeEventListener('abort', onAbort));
  result.then(
    () => updates.end(),
    // Whoever stopped watching need not be told so.
    (error) => updates.end(error instanceof WatchStoppedError ? {} : { error }),
  );
  return new MigrationWatch(updates, stop, result);
}

/** Waits for a migration, if none runs, and watches it to its end. The signal only stops watching. */
export async function watchMigration(
  qmp: QmpClient,
  options: WatchOptions = {},
): Promise<MigrationResult> {
  return await startWatching(qmp, options).result;
}
