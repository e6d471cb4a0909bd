// What the commands for running VMs share: connections, what ends them early, the journal, the exit code.
import { messageOf } from '../errors/message-of.js';
import { OptionError } from '../errors/option-error.js';
import { CancelReason } from '../migration/cancel-reason.js';
import { JournalError, type JournalOptions } from '../migration/journal.js';
import {
  type FoundJournal,
  JournalDirectory,
  type JournalFile,
} from '../migration/journal-directory.js';
import type { MigrateOptions } from '../migration/options.js';
import type { MigrationResult } from '../migration/result.js';
import { QmpClient } from '../qmp/client.js';
import { formatAddress, type QmpAddress } from '../qmp/transport.js';
import { isAlive } from '../system/owner.js';
import { type EndingSignal, endGracefully } from '../system/signals.js';
import type { Display } from './display.js';
import { exitCodes } from './exit-codes.js';
import { whenOutputIsLost } from './lost-output.js';
import type { RecordingFile } from './recording-file.js';

const connectMs = 10_000;

/** Commands may take longer than that; a QEMU that greets does so at once. */
export function connect(address: QmpAddress): Promise<QmpClient> {
  return QmpClient.connect(address, { timeoutMs: connectMs });
}

/** What to do when nobody can see how a migration goes on: the terminal is gone, or a reader of the output. */
export const onDisconnectChoices = ['cancel', 'finish'] as const;
export type OnDisconnect = (typeof onDisconnectChoices)[number];

/** Told to end: how, and by what. */
interface Interruptible extends Disposable {
  /** Aborted then. */
  readonly signal: AbortSignal;
}

/** How work ends early. */
interface Ending {
  /** A signal came. False: it does not matter. */
  readonly onSignal: (name: EndingSignal) => boolean;
  /** Nobody reads the output any more. False: that does not matter. */
  readonly onLostOutput: () => boolean;
  /** What is said when a second signal ends this process at once; nothing if it is empty. */
  readonly abandoned: string;
}

/** Signals as people know them. */
const signalNames: Readonly<Record<EndingSignal, string>> = {
  SIGINT: 'Ctrl-C (SIGINT)',
  SIGTERM: 'SIGTERM',
  SIGHUP: 'SIGHUP (its terminal is gone)',
};

function abortable({ onSignal, onLostOutput, abandoned }: Ending): Interruptible {
  const controller = new AbortController();
  const abort = (why: string) => controller.abort(new CancelReason(why));
  const release = endGracefully({
    end: (name) => {
      const matters = onSignal(name);
      if (matters) abort(`It was cancelled by ${signalNames[name]}.`);
      return matters;
    },
    abandon: () => {
      if (abandoned) process.stderr.write(`${abandoned}\n`);
    },
  });
  const output = whenOutputIsLost((reason) => {
    if (onLostOutput()) abort(`It was cancelled because ${reason}.`);
  });
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      output[Symbol.dispose]();
      release();
    },
  };
}

/** What is said of a cancellation. */
interface CancelTexts {
  /** What is being cancelled. */
  readonly cancelling: string;
  /** What becomes of it when this process ends at once. */
  readonly abandoned: string;
}

const migrationTexts: CancelTexts = {
  cancelling: 'cancelling the migration',
  abandoned:
    'Exiting now. QEMU goes on cancelling the migration; query-migrate shows how far it is.',
};

/** A migration that is cancelled by Ctrl-C and its like; a second Ctrl-C ends this process at once. */
export function cancelAtSignal(
  display: Pick<Display, 'note' | 'silence'>,
  onDisconnect: OnDisconnect,
  { cancelling, abandoned }: CancelTexts = migrationTexts,
): Interruptible {
  return abortable({
    onSignal: (name) => {
      const matters = name !== 'SIGHUP' || onDisconnect === 'cancel';
      if (matters) {
        display.note(`${signalNames[name]}: ${cancelling}. Press Ctrl-C again to exit now.`);
      } else display.silence();
      return matters;
    },
    onLostOutput: () => {
      display.silence();
      return onDisconnect === 'cancel';
    },
    abandoned,
  });
}

/** Work without a guest at stake that is ended by Ctrl-C and its like, and by an output that nobody reads any more. */
export function interruptible(
  display: Pick<Display, 'note'>,
  first: string,
  second: string,
): Interruptible {
  return abortable({
    onSignal: () => {
      display.note(first);
      return true;
    },
    onLostOutput: () => true,
    abandoned: second,
  });
}

/** What a migration calls to be shown and recorded. */
export function shownOn(
  display: Display,
  file: RecordingFile | undefined,
): Pick<MigrateOptions, 'onPass' | 'onProgress' | 'record'> {
  return {
    onPass: (pass, observation) => display.pass(pass, observation),
    ...(display.isLive ? { onProgress: (progress) => display.progress(progress) } : {}),
    record: (entry) => {
      file?.record(entry);
      display.entry(entry);
      if (entry.type === 'policy-evaluation') display.evaluation(entry.evaluation);
    },
  };
}

/** Shows how a migration ended, and has this process exit accordingly. */
export function end(
  result: MigrationResult,
  display: Display,
  file: RecordingFile | undefined,
  interrupted: boolean,
): void {
  display.end(result);
  if (file?.problem) console.error(`warning: ${file.problem}`);
  process.exitCode = exitCodeOf(result, interrupted);
}

/** A journal that is kept, if it can be. */
export interface KeptJournal extends Disposable {
  readonly options: JournalOptions | undefined;
}

/**
 * Begins a journal: in that folder, in the usual one (true), or none (false). Where the usual one can't be written the
 * migration is worth more than the journal.
 */
export function keepJournal(where: string | boolean, policy: readonly string[]): KeptJournal {
  if (where === false) return { options: undefined, [Symbol.dispose]: () => {} };
  const isUsual = where === true;
  const directory = new JournalDirectory(isUsual ? undefined : where);
  let file: JournalFile | undefined;
  const fail = (error: unknown) => {
    const reason = messageOf(error);
    if (!isUsual) throw new OptionError('--journal', `can't be written: ${reason}`);
    console.error(
      `warning: no journal is kept (${reason}): if this process is killed, nobody can take the migration over. ` +
        'Name another folder with --journal, or none with --no-journal.',
    );
    file?.[Symbol.dispose]();
    file = undefined;
  };
  try {
    file = directory.create();
  } catch (error) {
    fail(error);
  }
  return {
    options: {
      policy,
      write: (entry) => {
        try {
          file?.write(entry);
        } catch (error) {
          fail(error);
        }
      },
    },
    [Symbol.dispose]: () => file?.[Symbol.dispose](),
  };
}

/** A folder that can't be read is no reason not to migrate: who keeps the journal says what is wrong with it. */
function findUnended(path: string | undefined, address: string): FoundJournal | undefined {
  try {
    return new JournalDirectory(path).unended(address);
  } catch (error) {
    if (error instanceof JournalError) return undefined;
    throw error;
  }
}

/** Says that an earlier process was killed before the migration of this VM had ended, if one was. */
export function warnOfAbandoned(where: string | boolean, qmp: QmpAddress): void {
  const path = typeof where === 'string' ? where : undefined;
  const address = formatAddress(qmp);
  const found = findUnended(path, address);
  if (!found) return;
  const { controller, end } = found.journal;
  // One that has written an end controls nothing any more, alive or not.
  if (!end && isAlive(controller) !== false) return;
  const { process: source } = found.journal.begin.source;
  // Its QEMU has ended, and left the address to another one.
  if (source && isAlive(source) === false) return;
  const folder = path === undefined ? '' : ` --journal ${path}`;
  console.error(
    `warning: a process that migrated this VM ${end ? 'lost sight of it' : 'was killed'}. Its settings may still be in force, or its migration may run: ` +
      `"fakedirty watch --qmp ${address} --take-over${folder}" goes on with it.`,
  );
}

export function exitCodeOf({ outcome }: MigrationResult, interrupted: boolean): number {
  switch (outcome) {
    case 'completed':
      return exitCodes.ok;
    case 'cancelled':
      return interrupted ? exitCodes.interrupted : exitCodes.cancelled;
    case 'interrupted':
      return exitCodes['post-copy-interrupted'];
    case 'failed':
      return exitCodes['migration-failed'];
    case 'unknown':
      return exitCodes['guest-unknown'];
  }
}
