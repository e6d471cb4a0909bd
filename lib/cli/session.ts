// What the commands for running VMs share: the connection, the recording, Ctrl-C, the exit code.
import { closeSync, openSync, writeSync } from 'node:fs';
import { entryLine, type Recorder } from '../migration/recording.js';
import type { MigrationResult } from '../migration/result.js';
import { QmpClient } from '../qmp/client.js';
import type { QmpAddress } from '../qmp/transport.js';
import { endGracefully } from '../system/signals.js';
import type { Display } from './display.js';
import { exitCodes } from './exit-codes.js';

const connectMs = 10_000;

/** Commands may take longer than that; a QEMU that greets does so at once. */
export function connect(address: QmpAddress): Promise<QmpClient> {
  return QmpClient.connect(address, { timeoutMs: connectMs });
}

/** Writes entries as they happen: a recording is useful even if this process is killed. */
export class RecordingFile implements Disposable {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'w');
  }

  readonly record: Recorder = (entry) => {
    writeSync(this.#file, entryLine(entry));
  };

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}

interface Interruptible extends Disposable {
  readonly signal: AbortSignal;
}

/** A signal that is aborted by Ctrl-C and its like; a second one ends this process at once, saying what is left. */
export function interruptible(
  display: Pick<Display, 'note'>,
  first: string,
  second: string,
): Interruptible {
  const controller = new AbortController();
  const release = endGracefully({
    end: (name) => {
      display.note(first);
      controller.abort(new Error(`This process was told to end by ${name}.`));
    },
    abandon: () => {
      if (second) process.stderr.write(`${second}\n`);
    },
  });
  return { signal: controller.signal, [Symbol.dispose]: release };
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
