// `fakedirty replay`: what a policy would have decided on a recorded migration.
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { bytesText, timeText } from '../format/text.js';
import type { PolicyEvaluation } from '../migration/decision.js';
import { parseRecording, type Recording } from '../migration/recording.js';
import { rangeText } from '../policy/forecast.js';
import { parsePolicies, policiesHelp } from '../policy/named.js';
import {
  evaluatePredictions,
  type PredictionComparison,
  passesOf,
  policyEvaluationsOf,
  replay,
} from '../policy/replay.js';
import { passColumns, passLine } from './display.js';
import { each } from './option-values.js';

interface ReplayFlags {
  policy: string[];
  json: boolean;
}

function decisionLine({ elapsedMs, decision: { choice, reason } }: PolicyEvaluation): string {
  return `         ${timeText(elapsedMs)}: ${choice}: ${reason}`;
}

function comparisonLine({ endedPasses, predicted, actual }: PredictionComparison): string {
  const { choice, totalMs, downtimeMs, bytes } = predicted;
  const parts = [
    `total ${rangeText(totalMs, timeText)}, it was ${timeText(actual.totalMs)}`,
    ...(actual.downtimeMs === undefined
      ? []
      : [`downtime ${rangeText(downtimeMs, timeText)}, it was ${timeText(actual.downtimeMs)}`]),
    `${rangeText(bytes, bytesText)} more to send, it was ${bytesText(actual.bytes)}`,
  ];
  return `  after pass ${endedPasses}, ${choice}: ${parts.join('; ')}`;
}

function printComparisons(comparisons: readonly PredictionComparison[]): void {
  if (comparisons.length === 0) return;
  console.log('Predictions of what was done, and what happened:');
  for (const comparison of comparisons) console.log(comparisonLine(comparison));
  const held = comparisons.filter(
    ({ predicted: { totalMs }, actual }) =>
      totalMs.low <= actual.totalMs && actual.totalMs <= totalMs.high,
  );
  console.log(`The total time lay within the bars of ${held.length} of ${comparisons.length}.`);
}

function printReplay(recording: Recording, decisions: readonly PolicyEvaluation[]): void {
  const passes = passesOf(recording);
  const { context } = recording.start;
  const told = new Set<PolicyEvaluation>();
  const tell = (upTo: number) => {
    for (const decision of decisions) {
      if (told.has(decision) || decision.endedPasses > upTo) continue;
      told.add(decision);
      console.log(decisionLine(decision));
    }
  };
  console.log(passColumns());
  tell(0);
  passes.forEach((pass, index) => {
    const upTo = index + 1;
    const elapsedMs = pass.endMs;
    console.log(passLine(pass, { ...context, elapsedMs, passes: passes.slice(0, upTo) }));
    tell(upTo);
  });
  const { actual, comparisons } = evaluatePredictions(recording);
  if (actual) {
    const { totalMs, downtimeMs } = actual;
    const downtime = downtimeMs === undefined ? '' : `, with a downtime of ${timeText(downtimeMs)}`;
    console.log(`It ended after ${timeText(totalMs)}${downtime}.`);
  } else {
    console.log('The recording ends before the migration does.');
  }
  printComparisons(comparisons);
}

function run(path: string, { policy: names, json }: ReplayFlags): void {
  const recording = parseRecording(readFileSync(path, 'utf8'));
  const decisions =
    names.length > 0 ? replay(recording, parsePolicies(names)) : policyEvaluationsOf(recording);
  if (json) console.log(JSON.stringify({ decisions, ...evaluatePredictions(recording) }));
  else printReplay(recording, decisions);
}

export function addReplay(program: Command): void {
  program
    .command('replay')
    .description('Shows a recorded migration, and what a policy would have decided.')
    .argument('<file>', 'a file that --record wrote')
    .option(
      '--policy <policy>',
      'a policy (below), or several in order; default: what was decided then',
      each,
      [],
    )
    .option('--json', 'print decisions and predictions as JSON', false)
    .addHelpText(
      'after',
      `${policiesHelp}

The policy is evaluated at the times at which one was evaluated then, or else after each pass. After a decision
that differs from what was done, the recording still shows what happened, not what would have happened. At the
end, predictions of what was done are compared with what happened.

Example:
  fakedirty replay m.jsonl --policy intelligent-hybrid:watch=2`,
    )
    .action((path: string, flags: ReplayFlags) => run(path, flags));
}
