// What each policy decides, and why; and what all of them have in common.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decisionSchema, type Policy } from '../../lib/migration/decision.js';
import { firstAndRetransferred } from '../../lib/migration/pass.js';
import { adaptiveStop } from '../../lib/policy/adaptive-stop.js';
import { fakeAware } from '../../lib/policy/fake-aware.js';
import { intelligentHybrid } from '../../lib/policy/intelligent-hybrid.js';
import { autoConvergeFirst, chain, giveUp } from '../../lib/policy/limits.js';
import { PolicyError, parsePolicies, policyNames, policySettings } from '../../lib/policy/named.js';
import { stall } from '../../lib/policy/stall.js';
import { busy, calm, type Guest, mostlyFake, observe, preCopy } from './simulation.js';

const guests = fc.record<Guest>({
  pages: fc.integer({ min: 100_000, max: 1_000_000 }),
  workingSetPages: fc.integer({ min: 0, max: 100_000 }),
  markedPagesPerMs: fc.double({ min: 0, max: 200, noNaN: true }),
  fakeShare: fc.double({ min: 0, max: 1, noNaN: true }),
  linkBytesPerMs: fc.double({ min: 1000, max: 1e6, noNaN: true }),
});

const stopNow: Policy = () => ({ choice: 'stop-now', policy: 'now', reason: 'Now.', numbers: {} });
const policies: [string, Policy][] = [
  ['adaptive stop', adaptiveStop()],
  ['intelligent hybrid', intelligentHybrid()],
  ['stall', stall({ windowMs: 2000 })],
  ['fake-aware', fakeAware()],
  ['fake-aware, shortest time', fakeAware({ goal: 'shortest-total-time', downtimeMs: 1000 })],
  ['give up', giveUp({ afterMs: 5000, afterPasses: 10, afterBytes: 1e9 })],
  ['auto-converge first', autoConvergeFirst({ next: stopNow })],
  ['a chain', chain(giveUp({ afterPasses: 20 }), intelligentHybrid(), adaptiveStop())],
];

describe.each(policies)('%s', (_, policy) => {
  it('decides the same on the same observation, with a reason, its name and numbers', () => {
    fc.assert(
      fc.property(guests, fc.integer({ min: 0, max: 15 }), (guest, count) => {
        const { passes } = preCopy(guest, { count });
        const observation = observe(guest, passes);
        const frozen = JSON.stringify(observation);
        const decision = policy(observation);
        expect(policy(JSON.parse(frozen))).toEqual(decision);
        expect(JSON.stringify(observation)).toBe(frozen);
        expect(JSON.parse(JSON.stringify(decisionSchema.parse(decision)))).toEqual(decision);
        expect(decision.reason).toMatch(/\.$/);
        expect(decision.reason).not.toMatch(/NaN|undefined/);
      }),
    );
  });
});

/** The first decision that is not to go on, and after how many passes it comes. */
function firstAct(policy: Policy, guest: Guest, more = {}) {
  const { passes } = preCopy(guest, { count: 30 });
  for (let count = 0; count <= passes.length; count += 1) {
    const decision = policy(observe(guest, passes.slice(0, count), more));
    if (decision.choice !== 'go-on') return { ...decision, passes: count };
  }
  return undefined;
}

describe('adaptive stop', () => {
  it('stops as soon as the share is reached, and never before', () => {
    fc.assert(
      fc.property(guests, fc.integer({ min: 1, max: 200 }), (guest, limitPercent) => {
        const act = firstAct(adaptiveStop({ limitPercent }), guest);
        const { passes } = preCopy(guest, { count: 30 });
        const shares = passes.map((__, index) => {
          const { td, rd } = firstAndRetransferred(passes.slice(0, index + 1));
          return rd / td;
        });
        const first = shares.findIndex((share) => share * 100 >= limitPercent);
        expect(act?.passes).toBe(first === -1 ? undefined : first + 1);
      }),
    );
  });

  it('says what it counted', () => {
    expect(firstAct(adaptiveStop(), busy)).toMatchObject({
      choice: 'stop-now',
      reason: expect.stringMatching(/7[5-9]\.\d % of the first pass's 1\.08 GB.*75 %/),
      numbers: { tdBytes: busy.pages * 4104, limitPercent: 75 },
    });
  });

  it('counts passes merged with the first one as the first', () => {
    const { passes } = preCopy(busy, { count: 1 });
    const merged = passes.map((pass) => ({ ...pass, number: 3, merged: 3 }));
    expect(adaptiveStop()(observe(busy, merged)).numbers).toMatchObject({ rdBytes: 0 });
  });
});

describe('stall detection', () => {
  /** A pass every ten seconds, with the dirty pages that each leaves. */
  function decisionAfter(dirty: readonly number[], more = {}, options = {}) {
    const [template] = preCopy(busy, { count: 1 }).passes;
    if (!template) throw new Error('no pass');
    const passes = dirty.map((dirtyPages, index) => {
      const { verdicts: _, ...plain } = template;
      const [startMs, endMs] = [index * 10_000, (index + 1) * 10_000];
      return { ...plain, number: index + 1, startMs, endMs, dirtyPages };
    });
    return stall(options)(observe(busy, passes, more));
  }

  it('waits for its window to pass, whatever it sees', () => {
    expect(decisionAfter([1000, 1000, 1000, 1000]).choice).toBe('go-on');
  });

  it('goes on while a window gains more than the margin', () => {
    expect(decisionAfter([1000, 990, 980, 970, 950, 940]).choice).toBe('go-on');
    expect(decisionAfter([1000, 1000, 1000, 1000, 959]).choice).toBe('go-on');
  });

  it('acts once it gains less, where few are left', () => {
    const decision = decisionAfter([1000, 1000, 1000, 1000, 1000]);
    expect(decision).toMatchObject({ choice: 'post-copy', policy: 'stall' });
    expect(decision.reason).toMatch(/The last 40\.0 s gained nothing: 1000 dirty pages/);
    expect(decisionAfter([1000, 999, 999, 980, 965]).choice).toBe('post-copy');
  });

  it('waits for a better moment, and not for ever', () => {
    expect(decisionAfter([1000, 970, 980, 970, 1500]).choice).toBe('go-on');
    expect(decisionAfter([1000, 970, 980, 970, 1500, 1500]).choice).toBe('post-copy');
    expect(decisionAfter([1000, 970, 980, 970, 1500, 975]).choice).toBe('post-copy');
  });

  it('does what it is told to where post-copy is not possible', () => {
    const stuck = [1000, 1000, 1000, 1000, 1000];
    const not = { postcopyPossible: false };
    expect(decisionAfter(stuck, not).choice).toBe('stop-now');
    expect(decisionAfter(stuck, not, { otherwise: 'give-up' }).choice).toBe('give-up');
  });

  it('has a shorter window if it is given one', () => {
    expect(decisionAfter([1000, 1000], {}, { windowMs: 10_000 }).choice).toBe('post-copy');
    expect(() => stall({ marginPercent: 100 })).toThrow(/less than 100/);
  });
});

describe('intelligent hybrid', () => {
  /** Dirty pages after each pass. */
  function decisionAfter(dirty: readonly number[], more = {}, options = {}) {
    const [template] = preCopy(busy, { count: 1 }).passes;
    if (!template) throw new Error('no pass');
    const passes = dirty.map((dirtyPages, index) => {
      const { verdicts: _, ...plain } = template;
      return { ...plain, number: index + 1, dirtyPages };
    });
    return intelligentHybrid({ thresholdPages: 100, ...options })(observe(busy, passes, more));
  }

  it('goes on while each pass leaves clearly less', () => {
    expect(decisionAfter([10_000, 8000, 6000, 4000]).choice).toBe('go-on');
  });

  it('waits for a minimum once a pass leaves more, and switches there', () => {
    expect(decisionAfter([8000, 9000]).choice).toBe('go-on');
    expect(decisionAfter([8000, 9000, 9500]).choice).toBe('go-on');
    expect(decisionAfter([8000, 9000, 9500, 9200]).choice).toBe('go-on');
    const decision = decisionAfter([8000, 9000, 9500, 7000]);
    expect(decision).toMatchObject({ choice: 'post-copy', numbers: { dirtyPages: 7000 } });
    expect(decision.reason).toMatch(
      /pass 2 left 9000 dirty pages, after 8000.*7000 dirty pages are a min/,
    );
  });

  it('does the same when a pass leaves hardly less', () => {
    expect(decisionAfter([8000, 7950, 7900, 7850])).toMatchObject({ choice: 'post-copy' });
  });

  it('stops waiting for a minimum after a while', () => {
    const rising = Array.from({ length: 10 }, (__, index) => 8000 + index * 10);
    expect(decisionAfter(rising)).toMatchObject({ choice: 'post-copy' });
    expect(decisionAfter(rising).reason).toMatch(/no new minimum/);
  });

  it('stops and copies, or goes on, where post-copy is not possible', () => {
    const never = [8000, 7990, 7980, 7970];
    expect(decisionAfter(never, { postcopyPossible: false }).choice).toBe('stop-now');
    const otherwise = { otherwise: 'go-on' };
    expect(decisionAfter(never, { postcopyPossible: false }, otherwise).choice).toBe('go-on');
  });

  it('does not count fake dirty pages', () => {
    expect(firstAct(intelligentHybrid({ thresholdPages: 0 }), calm)).toBeUndefined();
    const { passes } = preCopy(mostlyFake, { count: 3, downtimeLimitMs: 1 });
    const { numbers } = intelligentHybrid()(observe(mostlyFake, passes));
    const { dirtyPages } = numbers;
    expect(dirtyPages).toBeLessThan(0.1 * (passes.at(-1)?.dirtyPages ?? 0));
  });
});

describe('fake-aware', () => {
  it('leaves a migration alone that will end in time', () => {
    const act = firstAct(fakeAware(), calm);
    expect(act === undefined || act.choice === 'stop-now').toBe(true);
  });

  it('switches to post-copy when a migration would never end', () => {
    expect(firstAct(fakeAware(), busy)).toMatchObject({
      choice: 'post-copy',
      reason: expect.stringMatching(/Going on would never end/),
      numbers: { 'go-on totalMs': null },
    });
  });

  it('goes on when most marked pages are fake', () => {
    const { passes } = preCopy(mostlyFake, { count: 2, downtimeLimitMs: 1 });
    const more = { downtimeLimitMs: 300 };
    const withVerdicts = fakeAware()(observe(mostlyFake, passes, more));
    expect(withVerdicts.choice).not.toBe('post-copy');
    const blind = passes.map(({ verdicts: _, ...pass }) => ({ ...pass, dirtyPages: 50_000 }));
    expect(fakeAware()(observe(mostlyFake, blind, more)).choice).toBe('post-copy');
  });

  it('never chooses more downtime than accepted', () => {
    fc.assert(
      fc.property(guests, fc.integer({ min: 50, max: 5000 }), (guest, downtimeMs) => {
        const act = firstAct(fakeAware({ downtimeMs, goal: 'shortest-total-time' }), guest, {
          postcopyPossible: false,
        });
        if (act?.choice !== 'stop-now') return;
        expect(act.numbers['stop-now downtimeMs high']).toBeLessThanOrEqual(downtimeMs);
      }),
    );
  });

  it('follows its option when no choice keeps to the downtime', () => {
    const more = { postcopyPossible: false };
    expect(firstAct(fakeAware({ downtimeMs: 30 }), busy, more)).toBeUndefined();
    const otherwise = fakeAware({ downtimeMs: 30, otherwise: 'give-up' });
    expect(firstAct(otherwise, busy, more)).toMatchObject({ choice: 'give-up' });
  });
});

describe('giving up', () => {
  it('asks to be evaluated again at its time limit', () => {
    const policy = giveUp({ afterMs: 5000 });
    expect(policy(observe(busy, [], { elapsedMs: 10 }))).toMatchObject({
      choice: 'go-on',
      askAgainAtMs: 5000,
    });
    expect(policy(observe(busy, [], { elapsedMs: 5000 })).choice).toBe('give-up');
  });

  it.each([{ afterPasses: 3 }, { afterBytes: 1.4e9 }])('gives up after %j', (limit) => {
    expect(firstAct(giveUp(limit), busy)).toMatchObject({ choice: 'give-up', passes: 3 });
  });
});

describe('auto-converge first', () => {
  const throttled = (throttlePercent: number, number: number) =>
    observe(
      busy,
      preCopy(busy, { count: 1 }).passes.map((pass) => ({ ...pass, throttlePercent, number })),
    );

  it('waits for auto-converge to begin, and then to reach its limit', () => {
    const policy = autoConvergeFirst({ untilPercent: 60, waitPasses: 3, next: stopNow });
    expect(policy(throttled(0, 1)).choice).toBe('go-on');
    expect(policy(throttled(20, 9)).choice).toBe('go-on');
    expect(policy(throttled(60, 9))).toMatchObject({ choice: 'stop-now' });
    expect(policy(throttled(0, 3)).reason).toMatch(/has not begun.*Now\./);
  });
});

describe('the policy of a decision', () => {
  const nameOf = (policy: Policy) => firstAct(policy, busy)?.policy;

  it('is the one that decided, also inside of others', () => {
    expect(nameOf(adaptiveStop())).toBe('adaptive-stop');
    expect(nameOf(chain(giveUp({ afterPasses: 3 }), adaptiveStop()))).toBe('give-up');
    expect(nameOf(chain(giveUp({ afterPasses: 30 }), adaptiveStop()))).toBe('adaptive-stop');
    const afterwards = autoConvergeFirst({ waitPasses: 0, next: chain(intelligentHybrid()) });
    expect(nameOf(afterwards)).toBe('intelligent-hybrid');
    expect(nameOf(autoConvergeFirst({ waitPasses: 0, next: stopNow }))).toBe('now');
  });

  it('is the outer one while all go on', () => {
    const waiting = observe(busy, []);
    expect(chain(giveUp({ afterPasses: 3 }), adaptiveStop())(waiting).policy).toBe('chain');
    expect(autoConvergeFirst({ next: stopNow })(waiting).policy).toBe('auto-converge-first');
  });
});

describe('policies by name', () => {
  it('are made from texts', () => {
    const parsed = parsePolicies(['give-up:after=2min,bytes=10G', 'adaptive-stop:limit=50']);
    const { passes } = preCopy(busy, { count: 30 });
    for (let count = 0; count < 10; count += 1) {
      const observation = observe(busy, passes.slice(0, count));
      const made = chain(
        giveUp({ afterMs: 120_000, afterBytes: 1e10 }),
        adaptiveStop({ limitPercent: 50 }),
      );
      expect(parsed(observation)).toEqual(made(observation));
    }
    const alone = (name: string) => (name === 'give-up' ? 'give-up:passes=1' : name);
    for (const name of policyNames) expect(() => parsePolicies([alone(name)])).not.toThrow();
  });

  it('take units in every setting that is a time, a size or a percentage', () => {
    const { passes } = preCopy(busy, { count: 30 });
    const observation = observe(busy, passes);
    const [texts, made] = [
      ['give-up:after=0.5h,bytes=1.5GiB', 'adaptive-stop:limit=50%', 'fake-aware:downtime=.25s'],
      [
        giveUp({ afterMs: 1_800_000, afterBytes: 1.5 * 2 ** 30 }),
        adaptiveStop({ limitPercent: 50 }),
        fakeAware({ downtimeMs: 250 }),
      ],
    ];
    texts.forEach((text, at) => {
      expect(parsePolicies([text])(observation)).toEqual(made[at]?.(observation));
    });
  });

  it('name what there is to set as the options of the API do, without their units', () => {
    const options = [
      'limitPercent thresholdPages watchPasses otherwise goal downtimeMs afterMs afterPasses',
      'afterBytes untilPercent waitPasses windowMs marginPercent',
    ];
    const plain = new Set(
      options
        .join(' ')
        .split(' ')
        .map((name) => name.replace(/(Percent|Pages|Passes|Ms|Bytes)$/, '')),
    );
    const both = new Set(['passes', 'bytes', ...plain]);
    const settings = Object.values(policySettings).flatMap((each) => Object.keys(each));
    expect(settings.filter((name) => !both.has(name))).toEqual([]);
  });

  it('apply auto-converge-first before those that follow it', () => {
    const policy = parsePolicies(['auto-converge-first:wait=0', 'adaptive-stop:limit=1']);
    const { passes } = preCopy(busy, { count: 2 });
    expect(policy(observe(busy, passes))).toMatchObject({ choice: 'stop-now' });
  });

  it.each([
    ['adaptive', /There is no policy "adaptive".*adaptive-stop/],
    ['adaptive-stop:75', /"75": expected NAME=VALUE/],
    ['adaptive-stop:limit=much', /limit is "much"; expected a percentage such as 75/],
    ['intelligent-hybrid:watch=2.5', /watch is "2\.5"; expected a whole number/],
    ['give-up:after=5y', /after is "5y"; expected a time such as 300ms/],
    ['give-up:bytes=5X', /bytes is "5X"; expected a size/],
    ['fake-aware:goal=luck', /goal/],
    ['fake-aware:speed=1', /unknown: 'speed'; accepted: goal, downtime, otherwise/],
    ['fak-aware', /Did you mean 'fake-aware'\?/],
    ['fake-aware:goal=fewest-byte', /Did you mean 'fewest-bytes'\?/],
    ['give-up:bites=5G', /Did you mean 'bytes'\?/],
    ['auto-converge-first:wiat=3', /Did you mean 'wait'\?/],
  ])('refuses %s', (text, problem) => {
    expect(() => parsePolicies([text])).toThrow(PolicyError);
    expect(() => parsePolicies([text])).toThrow(problem);
  });
});
