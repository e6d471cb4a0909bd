// npm test: sets the machine up, lints, builds and tests everything, and goes on after a failure.

import { fuzzSeconds } from './parts/fuzzing.mjs';
import { plan, select, selections } from './parts/plan.mjs';
import { oneFailure, onePass, Tally } from './parts/tally.mjs';
import { removeUnused } from './run/cache.mjs';
import { readOptions, runMain, UsageError } from './run/command-line.mjs';
import { StepFailed } from './run/step.mjs';

const names = Object.keys(selections);
const usage = `usage: npm test [-- options]
  --only NAME,...   only these: ${names.join(', ')}
                    (native stands for release, asan and tsan); all by default
  --help            this text
environment:
  FAKEDIRTY_FUZZ_SECONDS   how long each fuzz target runs; default 60, 0 skips them
  FAKEDIRTY_MIGRATIONS     how many migrations compare memories; default 20, all combinations are 440
  FAKEDIRTY_FAULTS         how many migrations are broken midway; default 7
  FAKEDIRTY_QEMU_VERSION   7.2 or 8.1: whose series is tested; default 7.2
  FAKEDIRTY_QEMU_SOURCE    its source, a tarball or a tree, where it can't be had otherwise
  FAKEDIRTY_QEMU           a program to test instead of the QEMU that is built
  FAKEDIRTY_LONG=1         all tests of QEMU, for hours: its own ones, sanitizers, each patch alone
  FAKEDIRTY_HOPS           how often a Linux guest moves on in those; default 40
  FAKEDIRTY_CACHE          where builds, logs and corpora are kept; default ~/.cache/fakedirty`;

function partsChosen(only) {
  const parts = new Set();
  for (const name of only?.split(',') ?? names) {
    if (!Object.hasOwn(selections, name)) {
      throw new UsageError(`--only: there is no '${name}'; expected one of ${names.join(', ')}`);
    }
    for (const part of selections[name]) parts.add(part);
  }
  return parts;
}

/** Does one piece of work; what went wrong is told here or by its step. */
async function resultOf({ name, counts, work }) {
  try {
    const result = await work();
    if (result instanceof Tally) return result;
    const tally = new Tally();
    if (counts) tally.add(onePass(name));
    return tally;
  } catch (error) {
    if (!(error instanceof StepFailed)) console.log(`${name}: FAILED: ${error.message}`);
    return null;
  }
}

await runMain(usage, async () => {
  const { only } = readOptions(usage, { only: { type: 'string' } });
  const work = select(plan(fuzzSeconds()), partsChosen(only));
  removeUnused();
  const total = new Tally();
  const failed = new Set();
  for (const piece of work) {
    const broken = piece.needs.find((need) => failed.has(need));
    if (broken) console.log(`${piece.name}: FAILED, because "${broken}" failed`);
    const result = broken ? null : await resultOf(piece);
    if (result) {
      result.print();
      total.addAll(result);
    } else {
      failed.add(piece.name);
      total.add(oneFailure(piece.name));
    }
  }
  console.log(total.summary);
  return total.failed > 0 || total.passed === 0 ? 1 : 0;
});
