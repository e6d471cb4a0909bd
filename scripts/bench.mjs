// npm run bench: compares the hashes that a TypeScript user could use, on this machine.
import { runComparison } from './parts/hash-comparison.mjs';
import { runMain } from './run/command-line.mjs';

const usage = 'usage: npm run bench [-- options; -- --help lists them]';
const args = process.argv.slice(2);

// With --json, standard output is for the results alone.
if (args.includes('--json')) console.log = console.error;

await runMain(usage, () => runComparison(args));
