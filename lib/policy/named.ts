// Policies by name, as a command line gives them: `adaptive-stop:limit=60`, `give-up:after=60s`.

import { z } from 'zod';
import { FakedirtyError } from '../errors/error.js';
import { expectedSize, expectedTime, parseBytes, parseMs } from '../format/units.js';
import type { Policy } from '../migration/decision.js';
import { adaptiveStop } from './adaptive-stop.js';
import { fakeAware } from './fake-aware.js';
import { intelligentHybrid } from './intelligent-hybrid.js';
import { autoConvergeFirst, chain, giveUp } from './limits.js';

/** There is no such policy, or it does not take these settings. */
export class PolicyError extends FakedirtyError {
  override readonly name = 'PolicyError';
  override readonly code = 'ERR_POLICY';
}

function scaled(parse: (text: string) => number | undefined, expected: string) {
  return z.string().transform((text, context) => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: `is "${text}"; expected ${expected}` });
    return z.NEVER;
  });
}

const number = z.coerce.number().nonnegative();
const time = scaled(parseMs, expectedTime);
const size = scaled(parseBytes, expectedSize);

const adaptiveStopSettings = z.strictObject({ limit: number.optional() });
const hybridSettings = z.strictObject({
  threshold: number.optional(),
  watch: number.optional(),
  otherwise: z.enum(['stop-now', 'go-on']).optional(),
});
const fakeAwareSettings = z.strictObject({
  goal: z.enum(['fewest-bytes', 'shortest-total-time']).optional(),
  downtime: time.optional(),
  otherwise: z.enum(['go-on', 'stop-now', 'give-up']).optional(),
});
const giveUpSettings = z.strictObject({
  after: time.optional(),
  passes: number.optional(),
  bytes: size.optional(),
});
const autoConvergeSettings = z.strictObject({
  until: number.optional(),
  patience: number.optional(),
});

/** The members that are set. */
function set<T extends object>(members: T): { [Name in keyof T]-?: Exclude<T[Name], undefined> } {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as ReturnType<typeof set<T>>;
}

type Make = (settings: Record<string, string>, rest: () => Policy) => Policy;

const makers: Readonly<Record<string, Make>> = {
  'adaptive-stop': (settings) => {
    const { limit } = adaptiveStopSettings.parse(settings);
    return adaptiveStop(set({ limitPercent: limit }));
  },
  'intelligent-hybrid': (settings) => {
    const { threshold, watch, otherwise } = hybridSettings.parse(settings);
    return intelligentHybrid(set({ thresholdPages: threshold, watchPasses: watch, otherwise }));
  },
  'fake-aware': (settings) => {
    const { goal, downtime, otherwise } = fakeAwareSettings.parse(settings);
    return fakeAware(set({ goal, downtimeMs: downtime, otherwise }));
  },
  'give-up': (settings) => {
    const { after, passes, bytes } = giveUpSettings.parse(settings);
    return giveUp(set({ afterMs: after, afterPasses: passes, afterBytes: bytes }));
  },
  'auto-converge-first': (settings, rest) => {
    const { until, patience } = autoConvergeSettings.parse(settings);
    return autoConvergeFirst({
      ...set({ untilPercent: until, waitPasses: patience }),
      next: rest(),
    });
  },
};

/** The names of all policies. */
export const policyNames = Object.keys(makers);

/** For help texts. */
export const policiesHelp = `
Policies, with an example of every setting:
  adaptive-stop:limit=75            stop and copy once that percentage of the first pass has been sent again
  intelligent-hybrid:threshold=PAGES,watch=3,otherwise=stop-now
                                    when pre-copy does not converge, post-copy at a minimum of dirty pages
  fake-aware:goal=fewest-bytes,downtime=300ms,otherwise=go-on
                                    the choice that is predicted to be best; goals: fewest-bytes, shortest-total-time
  give-up:after=60s,passes=30,bytes=20G
                                    cancel; the guest stays at the source
  auto-converge-first:until=80,patience=4
                                    let auto-converge try before the policies that follow
Several are evaluated in the order given; the first that chooses anything but to go on decides.`;

function settingsOf(text: string): Record<string, string> {
  const pairs = text.split(',').filter(Boolean);
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new PolicyError(`"${pair}": expected NAME=VALUE`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

function parse([text, ...rest]: readonly string[]): Policy {
  if (text === undefined) return chain();
  const [name = '', settings = ''] = text.split(/:(.*)/s);
  const make = Object.hasOwn(makers, name) ? makers[name] : undefined;
  if (!make) {
    throw new PolicyError(`There is no policy "${name}"; there are ${policyNames.join(', ')}.`);
  }
  try {
    const policy = make(settingsOf(settings), () => parse(rest));
    // It takes the rest as the policy that comes next.
    return name === 'auto-converge-first' || rest.length === 0
      ? policy
      : chain(policy, parse(rest));
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    const problems = error.issues.map(({ path, message }) => `${path.join('.')} ${message}`.trim());
    throw new PolicyError(`Policy "${text}": ${problems.join('; ')}`);
  }
}

/**
 * The policy that these texts describe, evaluated in this order: each is a name of `policyNames`, with settings such as
 * `give-up:after=60s,passes=30`. Throws PolicyError when a text is wrong.
 */
export function parsePolicies(texts: readonly string[]): Policy {
  return parse(texts);
}
