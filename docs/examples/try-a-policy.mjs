// A policy of one's own, tried on a recording before it is let near a guest.
// usage: node try-a-policy.mjs RECORDING
import { readFileSync } from 'node:fs';
import { foresee, parseRecording, replay } from 'fakedirty';

/** Stops when a pass has left no fewer dirty pages than the one before. */
const stopWhenStuck = ({ passes }) => {
  const [before, last] = passes.slice(-2).map(({ dirtyPages }) => dirtyPages);
  const stuck = last !== undefined && last >= before;
  return {
    choice: stuck ? 'stop-now' : 'go-on',
    because: stuck ? `${last} dirty pages are no fewer than ${before}.` : 'It gets less.',
    numbers: { dirtyPages: last ?? before ?? 0 },
  };
};

const recording = parseRecording(readFileSync(process.argv[2], 'utf8'));
for (const { elapsedMs, decision } of replay(recording, stopWhenStuck)) {
  console.log(`after ${Math.round(elapsedMs)} ms: ${decision.choice}: ${decision.because}`);
}
const { foreseen, happened } = foresee(recording);
console.log(`predicted after each of ${foreseen.length} passes`);
if (happened) console.log(`it took ${Math.round(happened.totalMs)} ms`);
