// What an experiment looks like while it is carried out: each run and what it came to; on a terminal, how far
// its migration is.
import { describeCell } from '../lab/plan/planned-runs.js';
import { outcomeText } from '../lab/report/comparison-text.js';
import type { MeasureOptions } from '../lab/run/measure-run.js';
import type { Progress } from '../lab/run/measure-runs.js';
import { type Display, displayFor } from './display.js';

const msPerMinute = 60_000;

function headline({ run, done, total, leftMs }: Progress): string {
  const { cell, round, warmUp } = run;
  const left = leftMs === undefined ? '' : `, ${Math.ceil(leftMs / msPerMinute)} min left`;
  const which = warmUp ? 'warm-up' : `round ${round}`;
  return `${done + 1}/${total}${left}: ${describeCell(cell)}, ${which}`;
}

export class LabDisplay {
  readonly #output: NodeJS.WriteStream;
  readonly #showsPasses: boolean;
  #migration: Display;

  constructor(output: NodeJS.WriteStream, showsPasses: boolean) {
    this.#output = output;
    this.#showsPasses = showsPasses;
    this.#migration = displayFor(output, false);
  }

  note(text: string): void {
    this.#migration.note(text);
  }

  /** What a migration tells of itself in its course. */
  get watcher(): NonNullable<MeasureOptions['watcher']> {
    return {
      ...(this.#showsPasses
        ? { onPass: (pass, observation) => this.#migration.pass(pass, observation) }
        : {}),
      ...(this.#migration.isLive
        ? { onProgress: (progress) => this.#migration.progress(progress) }
        : {}),
    };
  }

  run(progress: Progress): void {
    const { what, message, measurement } = progress;
    switch (what) {
      case 'starts':
        this.#migration = displayFor(this.#output, false);
        this.note(headline(progress));
        break;
      case 'done':
        if (measurement) this.note(`  ${outcomeText(measurement)}`);
        break;
      case 'fails':
        this.note(`  failed: ${message}`);
        break;
      case 'gives up':
        this.note('  given up: no attempt worked');
        break;
    }
  }
}
