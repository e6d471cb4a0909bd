// A policy of your own, tried on a recording before it controls a migration.
// usage: node try-a-policy.mjs RECORDING
import { readFileSync } from 'node:fs';
import { parseRecording } from 'fakedirty/migration';
import { evaluatePredictions, replay } from 'fakedirty/policy';

/** Stops when a pass has left no fewer dirty pages than the one before. */
const stopWhenStuck = ({ passes }) => {
  const [before, last] = passes.slice(-2).map(({ dirtyPages }) => dirtyPages);
  const stuck = last !== undefined && last >= before;
  return {
    choice: stuck ? 'stop-now' : 'go-on',
    policy: 'stop-when-stuck',
    reason: stuck ? `${last} dirty pages are no fewer than ${before}.` : 'Dirty pages decrease.',
    numbers: { dirtyPages: last ?? before ?? 0 },
  };
};

const recording = parseRecording(readFileSync(process.argv[2], 'utf8'));
for (const { elapsedMs, decision } of replay(recording, stopWhenStuck)) {
  console.log(`after ${Math.round(elapsedMs)} ms: ${decision.choice}: ${decision.reason}`);
}
const { predictions, actual } = evaluatePredictions(recording);
console.log(`predicted after each of ${predictions.length} passes`);
if (actual) console.log(`it took ${Math.round(actual.totalMs)} ms`);
