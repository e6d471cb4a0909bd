// Supervises a running migration until it has a result, even if callbacks, connections or policies fail.
import type { LastingQmp } from '../qmp/lasting-qmp.js';
import type { ProcessUsage } from '../qmp/process-usage.js';
import { buildResult } from './build-result.js';
import { Callbacks } from './callbacks.js';
import { callersReason } from './cancel-reason.js';
import { confirmOutcome } from './confirm-outcome.js';
import { Controller } from './controller.js';
import type { MigrationContext } from './decision.js';
import type { Incoming } from './incoming.js';
import type { Journal, JournalEntry } from './journal.js';
import { Migration } from './migration.js';
import { Observer } from './observer.js';
import type { CheckedOptions } from './options.js';
import type { RecordingEntry } from './recording.js';
import type { MigrationResult } from './result.js';
import type { Undo } from './undo.js';
import { UpdateLog } from './updates.js';

/** What both a new migration and one that is taken over are supervised with. */
export interface Supervision {
  readonly qmp: LastingQmp;
  readonly incoming: Incoming | undefined;
  readonly context: MigrationContext;
  readonly options: Pick<
    CheckedOptions,
    | 'method'
    | 'policy'
    | 'onPolicyFailure'
    | 'holdAtDestination'
    | 'destinationIsHeld'
    | 'signal'
    | 'record'
    | 'onPass'
    | 'onProgress'
  >;
  readonly journal: ((entry: JournalEntry) => void) | undefined;
  readonly usage: ProcessUsage | undefined;
  readonly undo: Undo;
  /** Whether the guest ran before. */
  readonly wasRunning: boolean;
  /** What source parameters were before, for those that are changed while the migration runs. */
  readonly parametersBefore: Readonly<Record<string, unknown>>;
  /** What another process had begun, which was killed. */
  readonly resumes?: Journal | undefined;
  /** Is called when all is over. */
  readonly release: () => Promise<void>;
}

/** Everything that watches and controls a migration. Make it before the migration begins, so that nothing is missed. */
export class Supervisor {
  readonly #supervision: Supervision;
  readonly #callbacks: Callbacks;
  readonly #updates: UpdateLog;
  readonly #observer: Observer;
  readonly #controller: Controller;
  readonly #record: CheckedOptions['record'];
  readonly #journal: Supervision['journal'];

  constructor(supervision: Supervision) {
    const { qmp, options, context, journal, usage, resumes } = supervision;
    const callbacks = new Callbacks(() => this.#observer.elapsedMs);
    const updates = new UpdateLog(() => this.#observer.interrupt());
    const record = callbacks.guard('record', options.record);
    const onProgress = callbacks.guard('onProgress', options.onProgress);
    const onPass = callbacks.guard('onPass', options.onPass);
    this.#supervision = supervision;
    this.#callbacks = callbacks;
    this.#updates = updates;
    this.#record = record;
    this.#journal = callbacks.guard('journal', journal);
    this.#observer = new Observer({
      qmp,
      events: qmp.events(),
      // Of one that is taken over, the process before did.
      sawBeginning: true,
      earlier: resumes?.passes,
      eventsOn: true,
      record,
      onProgress: (progress) => {
        onProgress?.(progress);
        updates.setProgress(progress);
      },
      wantsProgress: () => onProgress !== undefined || updates.hasReaders,
    });
    qmp.onReconnect = () => this.#observer.catchUp();
    this.#controller = new Controller({
      ...options,
      qmp,
      observer: this.#observer,
      context,
      updates,
      callbacks,
      incoming: supervision.incoming,
      wasRunning: supervision.wasRunning,
      journal: this.#journal,
      resumes,
      record,
      onPass: (pass, observation) => {
        usage?.sample();
        onPass?.(pass, observation);
      },
    });
  }

  /** Records an entry, if anybody records. */
  record(entry: RecordingEntry): void {
    this.#record?.(entry);
  }

  /** The migration has begun: follows it from now on. */
  begin(): Migration {
    const { context, options } = this.#supervision;
    const { signal } = options;
    this.#updates.add({ type: 'begin', context });
    const onAbort = () => this.#controller.requestCancel(callersReason(signal?.reason));
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) onAbort();
    const result = this.#toResult().finally(async () => {
      signal?.removeEventListener('abort', onAbort);
      await this.#supervision.release();
    });
    result.then(
      () => this.#updates.end(),
      (error) => this.#updates.end({ error }),
    );
    return new Migration(this.#controller, this.#updates, result);
  }

  async #toResult(): Promise<MigrationResult> {
    const { qmp, incoming, options, usage, undo, wasRunning } = this.#supervision;
    const end = await this.#controller.runToEnd();
    const { holdAtDestination, destinationIsHeld } = options;
    const expected = { wasRunning, hold: holdAtDestination, destinationIsHeld };
    const confirmed = await confirmOutcome(qmp, end, incoming, expected);
    const { outcome, guest } = confirmed;
    this.#undoLimits();
    const reason = confirmed.reason + (await undo.run(outcome));
    usage?.sample({ force: true });
    this.#journal?.({ type: 'end', atMs: Date.now(), outcome, reason, guest });
    const result = () =>
      buildResult({
        end,
        confirmed: { ...confirmed, reason },
        observer: this.#observer,
        usage,
        callbackFailures: this.#callbacks.failures,
      });
    this.#record?.({ type: 'end', result: result() });
    // Once more: the recording may have failed with its last entry.
    return result();
  }

  /** Limits that were changed while the migration ran. */
  #undoLimits(): void {
    const { qmp, undo, parametersBefore } = this.#supervision;
    const names = [...this.#controller.changedParameters];
    const known = names
      .map((name) => [name, parametersBefore[name]] as const)
      .filter(([, value]) => value !== undefined);
    if (known.length === 0) return;
    const before = { capabilities: {}, parameters: Object.fromEntries(known) };
    undo.add({ name: 'source', qmp, before });
  }
}
