// `fakedirty replay`: what a policy would have decided on a recorded migration.
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { Consultation } from '../migration/decision.js';
import { parseRecording, type Recording } from '../migration/recording.js';
import { bytesText, timeText } from '../policy/decide.js';
import { rangeText } from '../policy/forecast.js';
import { parsePolicies, policiesHelp } from '../policy/named.js';
import { type Comparison, consultationsOf, foresee, passesOf, replay } from '../policy/replay.js';
import { passColumns, passLine } from './display.js';
import { each } from './option-values.js';

interface ReplayFlags {
  policy: string[];
  json: boolean;
}

function decisionLine({ elapsedMs, decision: { choice, because } }: Consultation): string {
  return `         ${timeText(elapsedMs)}: ${choice}: ${because}`;
}

function comparisonLine({ passes, predicted, happened }: Comparison): string {
  const { choice, totalMs, downtimeMs, bytes } = predicted;
  const parts = [
    `total ${rangeText(totalMs, timeText)}, it was ${timeText(happened.totalMs)}`,
    ...(happened.downtimeMs === undefined
      ? []
      : [`downtime ${rangeText(downtimeMs, timeText)}, it was ${timeText(happened.downtimeMs)}`]),
    `${rangeText(bytes, bytesText)} more to send, it was ${bytesText(happened.bytes)}`,
  ];
  return `  after pass ${passes}, ${choice}: ${parts.join('; ')}`;
}

function printComparisons(comparisons: readonly Comparison[]): void {
  if (comparisons.length === 0) return;
  console.log('Predicted of what was done, and what happened:');
  for (const comparison of comparisons) console.log(comparisonLine(comparison));
  const held = comparisons.filter(
    ({ predicted: { totalMs }, happened }) =>
      totalMs.low <= happened.totalMs && happened.totalMs <= totalMs.high,
  );
  console.log(`The total time lay within the bars of ${held.length} of ${comparisons.length}.`);
}

function printReplay(recording: Recording, decisions: readonly Consultation[]): void {
  const passes = passesOf(recording);
  const { circumstances } = recording.start;
  const told = new Set<Consultation>();
  const tell = (upTo: number) => {
    for (const decision of decisions) {
      if (told.has(decision) || decision.passes > upTo) continue;
      told.add(decision);
      console.log(decisionLine(decision));
    }
  };
  console.log(passColumns());
  tell(0);
  passes.forEach((pass, index) => {
    const upTo = index + 1;
    const elapsedMs = pass.endMs;
    console.log(passLine(pass, { ...circumstances, elapsedMs, passes: passes.slice(0, upTo) }));
    tell(upTo);
  });
  const { happened, comparisons } = foresee(recording);
  if (happened) {
    const { totalMs, downtimeMs } = happened;
    const downtime = downtimeMs === undefined ? '' : `, with a downtime of ${timeText(downtimeMs)}`;
    console.log(`It ended after ${timeText(totalMs)}${downtime}.`);
  }
  printComparisons(comparisons);
}

function run(path: string, { policy: names, json }: ReplayFlags): void {
  const recording = parseRecording(readFileSync(path, 'utf8'));
  const decisions =
    names.length > 0 ? replay(recording, parsePolicies(names)) : consultationsOf(recording);
  if (json) console.log(JSON.stringify({ decisions, ...foresee(recording) }));
  else printReplay(recording, decisions);
}

export function addReplay(program: Command): void {
  program
    .command('replay')
    .description('Shows a recorded migration, and what a policy would have decided on it.')
    .argument('<file>', 'what --record has written')
    .option(
      '--policy <policy>',
      'which (below), several in order; default: as it was decided',
      each,
      [],
    )
    .option('--json', 'decisions and predictions as JSON, for programs', false)
    .addHelpText(
      'after',
      `${policiesHelp}

The policy is asked when one was asked then, else after each pass. Past a decision that differs from what was
done, the recording shows what happened, not what would have. At the end it shows what was predicted of what was
done (of going on where nobody intervened) beside what happened.

Example:
  fakedirty replay m.jsonl --policy intelligent-hybrid:watch=2`,
    )
    .action((path: string, flags: ReplayFlags) => run(path, flags));
}
