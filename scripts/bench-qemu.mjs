// npm run bench:qemu: what the filter costs a migration in QEMU, and what it is worth.
import { runCost } from './parts/qemu-cost.mjs';
import { runMain } from './run/command-line.mjs';

const usage = 'usage: npm run bench:qemu [-- options; -- --help lists them]';

await runMain(usage, () => runCost(process.argv.slice(2)));
