// What a caller without types may give: each gets an error of this package with a code and a sentence, at once.
import { describe, expect, it } from 'vitest';
import { FakedirtyError } from '../../lib/errors/error.js';
import {
  type Migration,
  migrate,
  parseRecording,
  startMigration,
  startWatching,
  watchMigration,
} from '../../lib/migration/index.js';
import { measureDirtying } from '../../lib/monitor/index.js';
import {
  adaptiveStop,
  autoConvergeFirst,
  chain,
  evaluatePredictions,
  fakeAware,
  forecast,
  giveUp,
  intelligentHybrid,
  parsePolicies,
  passesOf,
  policyEvaluationsOf,
  predict,
  replay,
} from '../../lib/policy/index.js';
import { parseAddress, QmpClient } from '../../lib/qmp/index.js';
import { busy, observe, preCopy, recordingOf } from '../policy/simulation.js';

// biome-ignore lint/suspicious/noExplicitAny: wrong types are the point
type Anything = any;
const nothingMuch: Anything[] = [undefined, null, 5, 'text', {}, [], () => 1];
const client: Anything = { execute: () => {}, events: () => {} };

const { passes } = preCopy(busy, { count: 3 });
const observation = observe(busy, passes);
const recording = recordingOf(busy, passes);
const goOn = () => ({ choice: 'go-on', policy: 'p', reason: '', numbers: {} }) as const;

async function errorOf(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** Calls that take one wrong thing, and the things that are right for them. */
const calls: [name: string, call: (given: Anything) => unknown, right?: Anything[]][] = [
  ['parseAddress', (given) => parseAddress(given), ['text']],
  ['QmpClient.connect', (given) => QmpClient.connect(given), ['text']],
  ['migrate', (given) => migrate(given, { to: 'exec:cat' })],
  ['migrate without options', (given) => migrate(client, given)],
  ['startMigration', (given) => startMigration(given, given) as Promise<Migration>],
  ['startWatching', (given) => startWatching(given)],
  ['watchMigration', (given) => watchMigration(given)],
  ['measureDirtying', (given) => measureDirtying(given)],
  ['parseRecording', (given) => parseRecording(given)],
  ['predict', (given) => predict(given)],
  ['predict of passes', (given) => predict({ ...observation, passes: given }), [[]]],
  ['predict of a size', (given) => predict({ ...observation, ramBytes: given }), [5]],
  ['replay', (given) => replay(given, goOn)],
  ['replay of a policy', (given) => replay(recording, given), [nothingMuch.at(-1)]],
  ['evaluatePredictions', (given) => evaluatePredictions(given)],
  ['passesOf', (given) => passesOf(given)],
  ['policyEvaluationsOf', (given) => policyEvaluationsOf(given)],
  ['forecast', (given) => forecast(given, { linkBytesPerSecond: 1e9 })],
  ['parsePolicies', (given) => parsePolicies(given), [[]]],
  ['chain', (given) => chain(given), [nothingMuch.at(-1)]],
  ['autoConvergeFirst', (given) => autoConvergeFirst(given)],
  ['autoConvergeFirst next', (next) => autoConvergeFirst({ next }), [nothingMuch.at(-1)]],
  ['giveUp', (limits) => giveUp(limits), [{}, []]],
  ['giveUp after', (afterMs) => giveUp({ afterMs }), [undefined, 5]],
  ['adaptiveStop', (limitPercent) => adaptiveStop({ limitPercent }), [undefined, 5]],
  ['fakeAware', (goal) => fakeAware({ goal }), [undefined]],
  ['intelligentHybrid', (watchPasses) => intelligentHybrid({ watchPasses }), [undefined, 5]],
];

const cases = calls.flatMap(([name, call, right = []]) =>
  nothingMuch
    .filter(
      (given) =>
        !right.some(
          (one) => JSON.stringify(one) === JSON.stringify(given) && typeof one === typeof given,
        ),
    )
    .map((given) => [name, JSON.stringify(given) ?? typeof given, call, given] as const),
);

describe('a wrong argument', () => {
  it.each(cases)('of %s: %s', async (_, __, call, given) => {
    const error = await errorOf(() => call(given));
    expect(error).toBeInstanceOf(FakedirtyError);
    const { message } = error as FakedirtyError;
    expect(message).toMatch(/expected|Expected|one of/);
    expect(message).not.toMatch(/Cannot read|is not a function|undefined \(reading/);
  });

  it('is an option that there is not, and what was probably meant', async () => {
    for (const call of [
      () => giveUp({ afterMS: 5 } as Anything),
      () => fakeAware({ downtimeMS: 5 } as Anything),
      () => forecast({} as Anything, { linkBytesPerSeconds: 1 } as Anything),
    ]) {
      const { message } = (await errorOf(call)) as FakedirtyError;
      expect(message).toMatch(/Did you mean|expected a number/);
    }
  });
});
