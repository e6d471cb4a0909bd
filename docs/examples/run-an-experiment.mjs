// Runs or resumes an experiment, and prints how much less each method sends: node run-an-experiment.mjs EXPERIMENT.yaml
import { metrics, runExperiment, valuesOf } from 'fakedirty/lab';

const [file = 'experiments/first.yaml'] = process.argv.slice(2);
const { results, report, failed } = await runExperiment({
  experiment: file,
  onEvent: (event) => {
    if (event.type === 'run-started') console.log(`${event.done + 1} of ${event.total}`);
    if (event.type === 'attempt-failed') console.log(`failed: ${event.message}`);
  },
});

for (const { title, cells } of results?.groups ?? []) {
  const medians = cells.map((cell) => valuesOf(cell, metrics.sent)?.median ?? Number.NaN);
  cells.forEach(({ cell }, at) => {
    console.log(`${title}, ${cell.method}: ${(medians[at] / medians[0]).toFixed(2)} of the bytes`);
  });
}
console.log(`${report?.page}, ${failed.length} runs failed`);
