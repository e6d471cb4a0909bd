// The command line of a script: its options, its help, and a clear end when something is wrong.
import { parseArgs } from 'node:util';
import { StepFailed } from './step.mjs';

/** Says what is wrong with the command line. */
export class UsageError extends Error {}

/** The options given; ends the process after --help, throws UsageError for what is not an option. */
export function readOptions(usage, options = {}) {
  let values;
  try {
    ({ values } = parseArgs({ options: { ...options, help: { type: 'boolean' } }, strict: true }));
  } catch (error) {
    throw new UsageError(error.message);
  }
  if (values.help) {
    console.log(usage);
    process.exit(0);
  }
  return values;
}

/** Runs a script's main function; its answer is the exit code. */
export async function runMain(usage, main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`${error.message}\n\n${usage}`);
      process.exitCode = 2;
    } else {
      // A step has already told its own failure.
      if (!(error instanceof StepFailed)) console.error(`error: ${error.message}`);
      process.exitCode = 1;
    }
  }
}
