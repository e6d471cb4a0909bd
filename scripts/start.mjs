// npm start: until there is a lab, the quick native benchmark.
import { runBenchmark } from './parts/benchmark.mjs';
import { runMain } from './run/command-line.mjs';

const usage = 'usage: npm start [-- options of fakedirty-bench; -- --help lists them]';

await runMain(usage, () => runBenchmark(['--quick', ...process.argv.slice(2)]));
