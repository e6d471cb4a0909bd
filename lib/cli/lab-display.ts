// What a running experiment looks like: each run and its outcome; on a terminal, the progress of its migration.
import type { Paint } from '../format/colours.js';
import { plural } from '../format/plural.js';
import {
  describeCell,
  type ExperimentEvent,
  type ExperimentOptions,
  outcomeText,
  type PlannedRun,
} from '../lab/index.js';
import { type Display, displayFor } from './display.js';
import { LabProgress } from './lab-progress.js';
import { outputOptions, paintFor } from './output-options.js';

function runText({ cell, round, warmUp }: PlannedRun): string {
  return `${describeCell(cell)}, ${warmUp ? 'warm-up' : `round ${round}`}`;
}

type Started = Extract<ExperimentEvent, { type: 'experiment-started' }>;

/** How many runs there are, and with what they are made. */
function startText({ runs, qemu, accelerators: { linux, bare } }: Started): string {
  const chosen = [
    ...(linux ? [`${linux} for Linux guests`] : []),
    ...(bare ? [`${bare} for bare guests`] : []),
  ];
  return [`${plural(runs, 'run')} with ${qemu}`, ...chosen].join(', ');
}

/** Shows a running experiment. */
export class LabDisplay {
  readonly #output: NodeJS.WriteStream;
  readonly #showsPasses: boolean;
  readonly #paint: Paint;
  readonly #progress = new LabProgress();
  #migration: Display;

  constructor(output: NodeJS.WriteStream, showsPasses: boolean) {
    this.#output = output;
    this.#showsPasses = showsPasses;
    this.#migration = displayFor(output, outputOptions().json);
    this.#paint = paintFor(output);
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
    if (outputOptions().json) {
      console.log(JSON.stringify(event));
      return;
    }
    switch (event.type) {
      case 'experiment-started':
        this.note(startText(event));
        break;
      case 'disturbed':
        this.note(`warning: ${event.warning}`);
        break;
      case 'run-started':
        this.#migration = displayFor(this.#output, outputOptions().json);
        this.note(`${this.#progress.text(event)}: ${runText(event.run)}`);
        break;
      case 'run-measured':
        this.note(`  ${outcomeText(event.measurement)}`);
        break;
      case 'attempt-failed':
        this.note(`  ${this.#paint('failed', 'error')}: ${event.message}`);
        break;
      case 'run-failed':
        this.note(`  ${this.#paint('giving up', 'error')}: every attempt failed`);
        break;
    }
  }
}
