// What a migration looks like: live on a terminal, a line for each pass elsewhere, JSON Lines for programs.
import type { Meaning, Paint } from '../format/colours.js';
import { plural } from '../format/plural.js';
import { StatusLine } from '../format/status-line.js';
import { bytesText, timeText, waitText } from '../format/text.js';
import type { CallbackName } from '../migration/callbacks.js';
import type { Observation, PolicyEvaluation } from '../migration/decision.js';
import type { MigrationProgress } from '../migration/options.js';
import { type Pass, passName } from '../migration/pass.js';
import { entryLine, type RecordingEntry } from '../migration/recording.js';
import type { MigrationResult } from '../migration/result.js';
import { rangeText } from '../policy/forecast.js';
import { predict } from '../policy/prediction.js';
import { ProgressEstimator } from './migration-progress.js';
import { outputOptions, paintFor } from './output-options.js';

export interface Display {
  /** It wants progress between passes too. */
  readonly isLive: boolean;
  note(text: string): void;
  /** Nobody sees it any more: writes nothing from now on. */
  silence(): void;
  entry(entry: RecordingEntry): void;
  pass(pass: Pass, observation: Observation): void;
  progress(progress: MigrationProgress): void;
  evaluation(evaluation: PolicyEvaluation): void;
  end(result: MigrationResult): void;
}

type Output = NodeJS.WriteStream;

/** Lines of passes are so wide with everything in them; a narrower terminal gets what matters most. */
const fullWidth = 120;

function cell(text: string, width: number): string {
  return text.padStart(width);
}

export function passColumns(width = fullWidth): string {
  const isFull = width >= fullWidth;
  return (
    '  pass      time        sent' +
    (isFull ? '   link/s    sent pages' : '') +
    '   unchanged   still dirty  predicted end'
  );
}

function predictedEnd(observation: Observation, isFull: boolean): string {
  const goOn = predict(observation)?.predictions.find(({ choice }) => choice === 'go-on');
  if (!goOn) return '';
  const { low, expected, high } = goOn.totalMs;
  if (!Number.isFinite(expected)) return 'never, like this';
  return isFull ? rangeText({ low, expected, high }, timeText) : timeText(expected);
}

export function passLine(pass: Pass, observation: Observation, width = fullWidth): string {
  const { verdicts } = pass;
  const isFull = width >= fullWidth;
  const throttle = pass.throttlePercent > 0 ? `  guest slowed by ${pass.throttlePercent} %` : '';
  const phase = pass.phase === 'pre-copy' ? predictedEnd(observation, isFull) : pass.phase;
  const more =
    cell(bytesText(pass.linkBytesPerSecond), 10) +
    cell(String(pass.normalPages + pass.zeroPages), 13);
  return (
    cell(passName(pass), 6) +
    cell(timeText(pass.endMs), 10) +
    cell(bytesText(pass.sentBytes), 12) +
    (isFull ? more : '') +
    cell(verdicts ? String(verdicts.unchanged) : '-', 12) +
    cell(String(pass.dirtyPages), 14) +
    `  ${phase}${throttle}`
  );
}

export function guestText({ where, status, running }: MigrationResult['guest']): string {
  if (where === 'unknown') return 'Where the guest is, and whether it runs, is not known.';
  if (where === 'both') return 'The guest is in two parts and waits.';
  if (status === 'unknown') return `The guest is at the ${where}.`;
  return `The guest is at the ${where} and ${running ? 'runs' : `does not run (${status})`}.`;
}

const callbackText: Readonly<Record<CallbackName, string>> = {
  policy: 'The policy',
  record: 'The recording',
  journal: 'The journal',
  onPass: 'Showing passes',
  onProgress: 'Showing progress',
};

const outcomeMeaning: Readonly<Record<MigrationResult['outcome'], Meaning>> = {
  completed: 'good',
  cancelled: 'warning',
  interrupted: 'error',
  failed: 'error',
  unknown: 'error',
};

function summary({ outcome, reason, guest, ...figures }: MigrationResult, paint: Paint): string[] {
  const { totalMs, downtimeMs, bytes, filter, migrationCpuMs, callbackFailures = [] } = figures;
  const downtime = downtimeMs === undefined ? '' : `, downtime ${timeText(downtimeMs)}`;
  // Within the first pass, nothing is sent again.
  const again =
    bytes.retransferred === undefined ? '' : `, ${bytesText(bytes.retransferred)} of it again`;
  const cpu = migrationCpuMs === undefined ? '' : `, ${timeText(migrationCpuMs)} of CPU`;
  const lines = [
    `${paint(outcome, outcomeMeaning[outcome])} after ${timeText(totalMs)}${downtime}: ${bytesText(bytes.total)} sent` +
      `${again}${cpu}.`,
    reason,
    guestText(guest),
  ];
  if (filter) {
    const { hash, unchanged, savedBytes } = filter;
    lines.splice(
      1,
      0,
      `${hash} found ${plural(unchanged, 'page')} unchanged: ${bytesText(savedBytes)} not sent.`,
    );
  }
  for (const { callback, message, elapsedMs } of callbackFailures) {
    const what = `${callbackText[callback]} failed after ${timeText(elapsedMs)}`;
    lines.push(`${paint(what, 'warning')}: ${message}`);
  }
  return lines;
}

class Lines implements Display {
  readonly isLive: boolean;
  readonly #output: Output;
  readonly #line: StatusLine;
  readonly #paint: Paint;
  readonly #isQuiet: boolean;
  readonly #isVerbose: boolean;
  readonly #progress = new ProgressEstimator();
  #begun = false;

  constructor(output: Output) {
    const { quiet, verbose } = outputOptions();
    this.#output = output;
    this.#line = new StatusLine(output);
    this.#paint = paintFor(output);
    this.#isQuiet = quiet;
    this.#isVerbose = verbose;
    this.isLive = this.#line.isLive && !quiet;
  }

  note(text: string): void {
    if (text && !this.#isQuiet) this.#line.print(text);
  }

  silence(): void {
    this.#line.silence();
  }

  entry(entry: RecordingEntry): void {
    if (entry.type === 'start') this.#progress.begin(entry.context);
    if (entry.type === 'policy-evaluation') this.#progress.decided(entry.evaluation);
    if (!this.#isVerbose || entry.type !== 'event') return;
    const data = Object.keys(entry.data).length > 0 ? ` ${JSON.stringify(entry.data)}` : '';
    this.#line.print(this.#paint(`QEMU: ${entry.name}${data}`, 'aside'));
  }

  pass(pass: Pass, observation: Observation): void {
    this.#progress.pass(observation);
    if (this.#isQuiet) return;
    const width = this.isLive ? this.#output.columns : undefined;
    if (!this.#begun) this.#line.print(this.#paint(passColumns(width), 'aside'));
    this.#begun = true;
    this.#line.print(passLine(pass, observation, width));
  }

  progress(progress: MigrationProgress) {
    const { elapsedMs, status, sentBytes, remainingBytes, linkBytesPerSecond } = progress;
    const { percent, leftMs } = this.#progress.estimate(progress);
    const done = percent === undefined ? '' : `${percent} %, `;
    const left = leftMs === undefined ? '' : `, ${waitText(leftMs)} left`;
    const sent = `${bytesText(sentBytes)} sent, ${bytesText(remainingBytes)} remain in this pass`;
    this.#line.show(
      `${done}${status}, ${timeText(elapsedMs)}${left}: ${sent}, ${bytesText(linkBytesPerSecond)}/s`,
    );
  }

  evaluation({ decision: { choice, reason } }: PolicyEvaluation): void {
    if (this.#isQuiet) return;
    if (choice !== 'go-on') this.#line.print(`${this.#paint(choice, 'emphasis')}: ${reason}`);
    else if (this.#isVerbose) this.#line.print(this.#paint(`${choice}: ${reason}`, 'aside'));
  }

  end(result: MigrationResult): void {
    for (const line of summary(result, this.#paint)) this.#line.print(line);
  }
}

class JsonLines implements Display {
  readonly isLive = false;
  #isSilent = false;
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
  }

  note(): void {}

  silence(): void {
    this.#isSilent = true;
  }

  pass(): void {}
  progress(): void {}
  evaluation(): void {}
  end(): void {}

  entry(entry: RecordingEntry): void {
    if (entry.type !== 'sample' && !this.#isSilent) this.#output.write(entryLine(entry));
  }
}

export function displayFor(output: Output, json: boolean): Display {
  return json ? new JsonLines(output) : new Lines(output);
}
