// Per cent and time left never run backwards, whatever a migration does, and are right where it can be predicted.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Estimate, ProgressEstimator } from '../../lib/cli/migration-progress.js';
import { parseRecording, type Recording } from '../../lib/migration/recording.js';
import { packageRoot } from '../../lib/system/package-root.js';
import { busy, calm, preCopy, recordingOf } from '../policy/simulation.js';

function recorded(name: string): Recording {
  const file = join(packageRoot, 'test', 'policy', 'recordings', `${name}.jsonl`);
  return parseRecording(readFileSync(file, 'utf8'));
}

const recordings: Record<string, Recording> = {
  ...Object.fromEntries(
    ['converges', 'fake', 'post-copy', 'stopped'].map((name) => [name, recorded(name)]),
  ),
  'a simulated one that converges': recordingOf(calm, preCopy(calm, { count: 6 }).passes),
  'a simulated one that never does': recordingOf(busy, preCopy(busy, { count: 20 }).passes),
};

interface Shown extends Estimate {
  readonly elapsedMs: number;
}

/** Goes through a recording, and asks for progress at these shares of each pass. */
function follow({ start, entries }: Recording, moments: readonly number[]): Shown[] {
  const { context } = start;
  const estimator = new ProgressEstimator();
  estimator.begin(context);
  const shown: Shown[] = [];
  const passes = [];
  let [sentBytes, dirtyBytes] = [0, context.ramBytes];
  for (const entry of entries) {
    if (entry.type === 'policy-evaluation') estimator.decided(entry.evaluation);
    if (entry.type !== 'pass') continue;
    const { pass } = entry;
    for (const share of [...moments].sort((a, b) => a - b)) {
      const elapsedMs = pass.startMs + share * (pass.endMs - pass.startMs);
      const progress = {
        elapsedMs,
        status: 'active',
        sentBytes: sentBytes + share * pass.sentBytes,
        remainingBytes: dirtyBytes * (1 - share),
        linkBytesPerSecond: pass.linkBytesPerSecond,
      };
      shown.push({ elapsedMs, ...estimator.estimate(progress) });
    }
    passes.push(pass);
    sentBytes += pass.sentBytes;
    dirtyBytes = pass.dirtyPages * context.pageBytes;
    estimator.pass({ ...context, elapsedMs: pass.endMs, passes: [...passes] });
  }
  return shown;
}

const moments = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
  minLength: 1,
  maxLength: 9,
});
const some = <Value>(values: readonly (Value | undefined)[]) =>
  values.filter((value) => value !== undefined) as Value[];

describe.each(Object.keys(recordings))('progress of %s', (name) => {
  const recording = recordings[name] as Recording;

  it('never runs backwards, whenever it is looked at', () => {
    fc.assert(
      fc.property(moments, (shares) => {
        const shown = follow(recording, shares);
        const percents = some(shown.map(({ percent }) => percent));
        const lefts = some(shown.map(({ leftMs }) => leftMs));
        expect(percents).toEqual([...percents].sort((a, b) => a - b));
        expect(lefts).toEqual([...lefts].sort((a, b) => b - a));
        for (const percent of percents) expect(percent).toBeLessThan(100);
        for (const left of lefts) expect(left).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('gets on within the first pass', () => {
    const [first, second] = follow(recording, [0.5, 0.9]);
    expect(first?.percent).toBeGreaterThan(5);
    expect(second?.percent ?? 0).toBeGreaterThan(first?.percent ?? 100);
  });
});

describe('progress', () => {
  it('says the time left of a migration that converges, and hardly errs at its end', () => {
    const recording = recordings['a simulated one that converges'] as Recording;
    const shown = follow(recording, [0.5, 1]);
    const endMs = shown.at(-1)?.elapsedMs ?? 0;
    const { elapsedMs, percent = 0, leftMs = Number.NaN } = shown.at(2) as Shown;
    expect(Math.abs(elapsedMs + leftMs - endMs) / endMs).toBeLessThan(0.25);
    expect(percent).toBeGreaterThan(60);
  });

  it('promises no end to a migration that does not converge', () => {
    const recording = recordings['a simulated one that never does'] as Recording;
    const later = follow(recording, [0.5]).slice(4);
    expect(later.length).toBeGreaterThan(10);
    for (const { leftMs, percent = 100 } of later) {
      expect(leftMs).toBeUndefined();
      expect(percent).toBeLessThan(75);
    }
  });

  it('says nothing where it does not know how large the guest is', () => {
    const progress = { elapsedMs: 9000, status: 'active', sentBytes: 1, remainingBytes: 1 };
    const estimate = new ProgressEstimator().estimate({ ...progress, linkBytesPerSecond: 1 });
    expect(estimate).toEqual({ percent: undefined, leftMs: undefined });
  });
});
