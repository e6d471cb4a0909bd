// What a migration looks like: live on a terminal, a line for each pass elsewhere, JSON Lines for programs.
import { plural } from '../format/plural.js';
import { StatusLine } from '../format/status-line.js';
import { bytesText, timeText } from '../format/text.js';
import type { Observation, PolicyEvaluation } from '../migration/decision.js';
import type { MigrationProgress } from '../migration/options.js';
import { type Pass, passName } from '../migration/pass.js';
import { entryLine, type RecordingEntry } from '../migration/recording.js';
import type { MigrationResult } from '../migration/result.js';
import { predict } from '../policy/prediction.js';

export interface Display {
  /** It wants progress between passes too. */
  readonly isLive: boolean;
  note(text: string): void;
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
  return timeText(expected) + (isFull ? ` (${timeText(low)} to ${timeText(high)})` : '');
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
  if (where === 'both') return 'The guest is in two parts and waits.';
  if (status === 'unknown') return `The guest is at the ${where}.`;
  return `The guest is at the ${where} and ${running ? 'runs' : `does not run (${status})`}.`;
}

function summary({ outcome, reason, guest, ...figures }: MigrationResult): string[] {
  const { totalMs, downtimeMs, bytes, filter, migrationCpuMs } = figures;
  const downtime = downtimeMs === undefined ? '' : `, downtime ${timeText(downtimeMs)}`;
  const cpu = migrationCpuMs === undefined ? '' : `, ${timeText(migrationCpuMs)} of CPU`;
  const lines = [
    `${outcome} after ${timeText(totalMs)}${downtime}: ${bytesText(bytes.total)} sent, ` +
      `${bytesText(bytes.retransferred)} of them again${cpu}.`,
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
  return lines;
}

class Lines implements Display {
  readonly isLive: boolean;
  readonly #output: Output;
  readonly #line: StatusLine;
  #begun = false;

  constructor(output: Output) {
    this.#output = output;
    this.#line = new StatusLine(output);
    this.isLive = this.#line.isLive;
  }

  note(text: string): void {
    this.#line.print(text);
  }

  entry(): void {}

  pass(pass: Pass, observation: Observation): void {
    const width = this.isLive ? this.#output.columns : undefined;
    if (!this.#begun) this.#line.print(passColumns(width));
    this.#begun = true;
    this.#line.print(passLine(pass, observation, width));
  }

  progress({
    elapsedMs,
    status,
    sentBytes,
    remainingBytes,
    linkBytesPerSecond,
  }: MigrationProgress) {
    const sent = `${bytesText(sentBytes)} sent, ${bytesText(remainingBytes)} remain`;
    this.#line.show(
      `${status}, ${timeText(elapsedMs)}: ${sent}, ${bytesText(linkBytesPerSecond)}/s`,
    );
  }

  evaluation({ decision: { choice, reason } }: PolicyEvaluation): void {
    if (choice !== 'go-on') this.#line.print(`${choice}: ${reason}`);
  }

  end(result: MigrationResult): void {
    for (const line of summary(result)) this.#line.print(line);
  }
}

class JsonLines implements Display {
  readonly isLive = false;
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
  }

  note(): void {}
  pass(): void {}
  progress(): void {}
  evaluation(): void {}
  end(): void {}

  entry(entry: RecordingEntry): void {
    if (entry.type !== 'sample') this.#output.write(entryLine(entry));
  }
}

export function displayFor(output: Output, json: boolean): Display {
  return json ? new JsonLines(output) : new Lines(output);
}
