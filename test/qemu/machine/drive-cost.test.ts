// What the controller itself costs while a migration runs: of a processor, and in questions to QEMU.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { needDriven } from '../../harness/driven-qemu.js';
import { startWithSecondQmp } from '../../harness/second-qmp.js';

/** A program beside this file, and what it says as JSON. */
async function said(program: string, ...args: string[]): Promise<unknown> {
  const path = fileURLToPath(new URL(program, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [path, ...args]);
  return JSON.parse(stdout);
}

interface Cost {
  readonly outcome: string;
  readonly passes: number;
  readonly questionsPerSecond: number;
  readonly shares: readonly number[];
}

it('the controller adds less than a hundredth of a processor', async (context) => {
  const binary = needDriven(context, 'with the series');
  // Two passes a second, for ever.
  const guest = { pattern: 'random', pages: 2048, wordsPerPage: 8 } as const;
  const { paths, listen } = await startWithSecondQmp(context, binary, guest);
  // Where guest, migration and whatever else take all processors, waking up costs half a millisecond, whatever
  // is done then. A process that only wakes up, as often and at the same time, tells how much of it is that.
  const [controller, waking] = (await Promise.all([
    said('controller-cost.mjs', paths.source, paths.destination, listen),
    said('processor-share.mjs'),
  ])) as [Cost, number[]];
  expect(controller.outcome).toBe('cancelled');
  expect(controller.passes).toBeGreaterThan(10);
  expect(controller.questionsPerSecond).toBeLessThan(3);
  const added = controller.shares.map((share, index) => share - (waking[index] ?? 0));
  const [, , lowerMedian = Number.NaN] = added.sort((one, other) => one - other);
  expect(lowerMedian).toBeLessThan(0.01);
  // Its own time, not only how the two differ.
  expect(Math.min(...controller.shares)).toBeLessThan(0.02);
});
