// Why a migration that runs does not end, and what would help.
import { describe, expect, it } from 'vitest';
import type { Observation } from '../../../lib/migration/decision.js';
import type { Pass } from '../../../lib/migration/pass.js';
import { explainRunning } from '../../../lib/strategy/explain/running.js';

const pages = 10_000;

function pass(number: number, more: Partial<Pass> = {}): Pass {
  return {
    number,
    merged: 1,
    phase: 'pre-copy',
    startMs: 1000 * (number - 1),
    endMs: 1000 * number,
    sentBytes: pages * 4104,
    normalPages: pages,
    zeroPages: 0,
    dirtyPages: pages,
    throttlePercent: 0,
    linkBytesPerSecond: pages * 4104,
    ...more,
  };
}

function observation(more: Partial<Observation> = {}): Observation {
  return {
    ramBytes: 2 ** 30,
    pageBytes: 4096,
    downtimeLimitMs: 300,
    bandwidthLimitBytesPerSecond: 0,
    postcopyPossible: true,
    elapsedMs: 4000,
    passes: [1, 2, 3, 4].map((number) => pass(number)),
    ...more,
  };
}

describe('a migration that leaves as much after each pass', () => {
  it('does not converge, and would be ended by more downtime or post-copy', () => {
    const { converges, story, helps } = explainRunning(observation()) ?? {};
    expect(converges).toBe(false);
    expect(story?.join('\n')).toMatch(/filter is off.*does not converge/s);
    expect(helps?.join('\n')).toMatch(/downtime limit of .* instead of 300 ms.*Post-copy: /s);
    expect(helps?.join('\n')).toMatch(/The filter: /);
  });

  it('is told of a limit that is used up', () => {
    const limit = { bandwidthLimitBytesPerSecond: pages * 4104, postcopyPossible: false };
    const helps = explainRunning(observation(limit))?.helps.join('\n');
    expect(helps).toMatch(/More bandwidth: it is limited to 41\.0 MB/);
    expect(helps).toMatch(/Post-copy is not possible/);
  });
});

it('one whose passes leave less converges, and needs no help', () => {
  const passes = [1, 2, 3, 4].map((number) =>
    pass(number, { dirtyPages: pages / 10 ** number, normalPages: (10 * pages) / 10 ** number }),
  );
  const explained = explainRunning(observation({ passes }));
  expect(explained).toMatchObject({ converges: true, helps: [] });
  expect(explained?.story.join(' ')).toMatch(/It converges: about/);
});

it('one of which no pass has ended says nothing yet', () => {
  expect(explainRunning(observation({ passes: [] }))).toBeUndefined();
});
