// A guest that never converges, and what each policy makes of it: it survives, its memory is whole, and the
// recording of it is replayed to the same decisions.

import { afterEach, describe, expect, it } from 'vitest';
import { mebibyte } from '../../../lib/format/bytes.js';
import type { Choice } from '../../../lib/migration/decision.js';
import { migrate } from '../../../lib/migration/migrate.js';
import type { MigrateOptions } from '../../../lib/migration/options.js';
import { entryLine, parseRecording } from '../../../lib/migration/recording.js';
import { parsePolicies } from '../../../lib/policy/named.js';
import { evaluatePredictions, policyEvaluationsOf, replay } from '../../../lib/policy/replay.js';
import { guestState } from '../../../lib/qemu/machine/guest.js';
import { needDriven } from '../../harness/driven-qemu.js';
import { MigrationPair } from '../../harness/migration-pair.js';
import { needRoot } from '../../harness/requirements.js';

/** Writes 4 MiB over and over, and the link takes as much in half a second. */
const restless = { pattern: 'random', pages: 1024, wordsPerPage: 8 } as const;
const slowLink = { bandwidthBytesPerSecond: 8 * mebibyte, downtimeLimitMs: 1 };

let pair: MigrationPair | undefined;
afterEach(async () => {
  await pair?.close();
  pair = undefined;
});

interface Case {
  readonly policies: readonly string[];
  readonly options?: Partial<MigrateOptions>;
  readonly choice: Choice;
}

const cases: Case[] = [
  { policies: ['adaptive-stop:limit=75'], choice: 'stop-now' },
  {
    policies: ['adaptive-stop'],
    options: { filter: { hash: 'sha256' } },
    choice: 'stop-now',
  },
  {
    policies: ['intelligent-hybrid:watch=2'],
    options: { method: 'hybrid' },
    choice: 'post-copy',
  },
  { policies: ['intelligent-hybrid:watch=2'], choice: 'stop-now' },
  {
    policies: ['fake-aware:downtime=100ms'],
    options: { method: 'hybrid', filter: { hash: 'ph128' } },
    choice: 'post-copy',
  },
  {
    policies: ['fake-aware:downtime=5s,goal=shortest-total-time'],
    options: { filter: { hash: 'ph128' } },
    choice: 'stop-now',
  },
  {
    policies: ['auto-converge-first:until=30,wait=20', 'adaptive-stop:limit=1'],
    options: { autoConverge: { initialPercent: 50 } },
    choice: 'stop-now',
  },
];

async function run(binary: string, { policies, options }: Case) {
  pair = await MigrationPair.start({ binary, accelerator: 'tcg', guest: restless });
  const { source, destination, incomingSocket } = pair;
  const policy = parsePolicies(policies);
  let text = '';
  const result = await migrate(source.qmp, {
    to: { qmp: destination.qmp, listen: `unix:${incomingSocket}` },
    ...slowLink,
    ...options,
    policy,
    record: (entry) => {
      text += entryLine(entry);
    },
  });
  return { pair, result, policy, recording: parseRecording(text) };
}

describe('a guest that never converges', () => {
  it.for(cases)('$policies with $options: $choice', async (each, context) => {
    if (each.options?.method) needRoot(context, 'for userfaultfd');
    const binary = needDriven(context, 'with the series');
    const { pair: machines, result, policy, recording } = await run(binary, each);
    expect(result.outcome).toBe('completed');
    expect(result.policyEvaluations.at(-1)?.decision.choice).toBe(each.choice);
    expect(result.reason).toBe(result.policyEvaluations.at(-1)?.decision.reason);
    expect(await machines.compare()).toMatchObject({ differentPages: 0 });
    const { qmp, serial } = machines.destination;
    await qmp.execute('cont');
    const { passes, wrongWords } = await guestState(serial);
    expect(wrongWords).toBe(0);
    expect((await guestState(serial)).passes).toBeGreaterThan(passes);
    const predictedMs = result.policyEvaluations.at(-1)?.decision.numbers[`${each.choice} totalMs`];
    if (predictedMs) {
      expect(result.totalMs / predictedMs).toBeGreaterThan(0.5);
      expect(result.totalMs / predictedMs).toBeLessThan(2);
    }
    expect(replay(recording, policy)).toEqual(policyEvaluationsOf(recording));
    expect(policyEvaluationsOf(recording)).toEqual(result.policyEvaluations);
  });

  it('stays at the source when a policy gives up, on time', async (context) => {
    const binary = needDriven(context, "the distribution's");
    const { pair: machines, result } = await run(binary, {
      policies: ['give-up:after=1500ms'],
      choice: 'give-up',
    });
    expect(result).toMatchObject({
      outcome: 'cancelled',
      reason: expect.stringMatching(/The policy gave up: .* the limit is 1500 ms/),
      guest: { where: 'source', running: true },
    });
    expect(result.totalMs).toBeGreaterThanOrEqual(1500);
    expect((await guestState(machines.source.serial)).wrongWords).toBe(0);
  });

  it('stays at the source when a policy gives up before the first pass has ended', async (context) => {
    const binary = needDriven(context, "the distribution's");
    const { pair: machines, result } = await run(binary, {
      policies: ['give-up:after=1s'],
      options: { bandwidthBytesPerSecond: mebibyte / 4 },
      choice: 'give-up',
    });
    expect(result).toMatchObject({ outcome: 'cancelled', guest: { where: 'source' } });
    expect(result.policyEvaluations.at(-1)).toMatchObject({ endedPasses: 0 });
    expect((await guestState(machines.source.serial)).wrongWords).toBe(0);
  });

  it('is predicted never to end by itself', async (context) => {
    const binary = needDriven(context, 'with the series');
    const { recording } = await run(binary, {
      policies: ['give-up:passes=4'],
      options: { filter: { hash: 'ph128' } },
      choice: 'give-up',
    });
    // On a busy machine some passes may find the guest held up: not each of them tells.
    const totals = evaluatePredictions(recording).predictions.map(
      ({ predictions }) => predictions.find(({ choice }) => choice === 'go-on')?.totalMs.expected,
    );
    expect(totals).toContain(Number.POSITIVE_INFINITY);
  });
});
