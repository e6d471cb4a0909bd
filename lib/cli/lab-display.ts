// What a running experiment looks like: each run and its outcome; on a terminal, the progress of its migration.
import { plural } from '../format/plural.js';
import {
  describeCell,
  type ExperimentEvent,
  type ExperimentOptions,
  outcomeText,
} from '../lab/index.js';
import { type Display, displayFor } from './display.js';

const msPerMinute = 60_000;

function headline({ run, done, total, remainingMs }: Extract<ExperimentEvent, { done: number }>) {
  const { cell, round, warmUp } = run;
  const remaining =
    remainingMs === undefined ? '' : `, ${Math.ceil(remainingMs / msPerMinute)} min left`;
  const which = warmUp ? 'warm-up' : `round ${round}`;
  return `${done + 1}/${total}${remaining}: ${describeCell(cell)}, ${which}`;
}

/** Shows a running experiment. */
export class LabDisplay {
  readonly #output: NodeJS.WriteStream;
  readonly #showsPasses: boolean;
  #migration: Display;

  constructor(output: NodeJS.WriteStream, showsPasses: boolean) {
    this.#output = output;
    this.#showsPasses = showsPasses;
    this.#migration = displayFor(output, false);
  }

  /** Shows a line. */
  note(text: string): void {
    this.#migration.note(text);
  }

  /** What the experiment has to call. Progress between passes only on a terminal: asking for it costs QEMU time. */
  get callbacks(): Pick<ExperimentOptions, 'onEvent' | 'onPass' | 'onMigrationProgress'> {
    return {
      onEvent: (event) => this.#show(event),
      ...(this.#showsPasses && {
        onPass: (pass, observation) => this.#migration.pass(pass, observation),
      }),
      ...(this.#migration.isLive && {
        onMigrationProgress: (progress) => this.#migration.progress(progress),
      }),
    };
  }

  #show(event: ExperimentEvent): void {
    switch (event.type) {
      case 'experiment-started':
        this.note(`${plural(event.runs, 'run')} with ${event.qemu}, ${event.accelerator}`);
        break;
      case 'disturbed':
        this.note(`warning: ${event.warning}`);
        break;
      case 'run-started':
        this.#migration = displayFor(this.#output, false);
        this.note(headline(event));
        break;
      case 'run-measured':
        this.note(`  ${outcomeText(event.measurement)}`);
        break;
      case 'attempt-failed':
        this.note(`  failed: ${event.message}`);
        break;
      case 'run-failed':
        this.note('  giving up: every attempt failed');
        break;
    }
  }
}
