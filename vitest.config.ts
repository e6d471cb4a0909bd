// Vitest's settings, however it is started: `npm test`, or `npx vitest` for one file.
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/**
 * Ends what hangs, and nothing else: other programs may take most of the machine, and no test may fail because of that.
 * What a test says of time it measures itself, as a ratio or by a clock of its own.
 */
const hangMs = 10 * 60_000;

export default defineConfig({
  // By default Vitest leaves a processor to others; on two that is half the machine, while many tests wait for programs.
  test: { testTimeout: hangMs, hookTimeout: hangMs, maxWorkers: availableParallelism() },
});
