// npm run bench:native: compares the fingerprints with their rivals on this machine.
import { runBenchmark } from './parts/benchmark.mjs';
import { runMain } from './run/command-line.mjs';

const usage = 'usage: npm run bench:native [-- options of fakedirty-bench; -- --help lists them]';

await runMain(usage, () => runBenchmark(process.argv.slice(2)));
