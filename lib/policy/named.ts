// Policies by name, as a command line gives them: `adaptive-stop:limit=60`, `give-up:after=60s`. A setting has the name of
// the option that it sets, without its unit: values carry units of their own.

import { z } from 'zod';
import { FakedirtyError } from '../errors/error.js';
import { explainIssue } from '../errors/explain-issue.js';
import { didYouMean } from '../errors/nearest.js';
import { shown } from '../errors/shown.js';
import {
  expectedPercent,
  expectedSize,
  expectedTime,
  parseBytes,
  parseMs,
  parsePercent,
} from '../format/units.js';
import type { Policy } from '../migration/decision.js';
import { adaptiveStop } from './adaptive-stop.js';
import { fakeAware } from './fake-aware.js';
import { intelligentHybrid } from './intelligent-hybrid.js';
import { autoConvergeFirst, chain, giveUp } from './limits.js';
import { stall } from './stall.js';

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

const wholeNumber = (text: string) => (/^\d+$/.test(text) ? Number(text) : undefined);
const count = scaled(wholeNumber, 'a whole number such as 3');
const percent = scaled(parsePercent, expectedPercent);
const time = scaled(parseMs, expectedTime);
const size = scaled(parseBytes, expectedSize);

const schemas = {
  'adaptive-stop': z.strictObject({ limit: percent.optional() }),
  'intelligent-hybrid': z.strictObject({
    threshold: count.optional(),
    watch: count.optional(),
    otherwise: z.enum(['stop-now', 'go-on']).optional(),
  }),
  'fake-aware': z.strictObject({
    goal: z.enum(['fewest-bytes', 'shortest-total-time']).optional(),
    downtime: time.optional(),
    otherwise: z.enum(['go-on', 'stop-now', 'give-up']).optional(),
  }),
  'give-up': z
    .strictObject({
      after: time.optional(),
      passes: count.optional(),
      bytes: size.optional(),
    })
    .refine((limits) => Object.values(limits).some((limit) => limit !== undefined), {
      error: 'never gives up without a limit; expected after, passes or bytes, such as after=60s',
    }),
  stall: z.strictObject({
    window: time.optional(),
    margin: percent.optional(),
    otherwise: z.enum(['stop-now', 'go-on', 'give-up']).optional(),
  }),
  'auto-converge-first': z.strictObject({ until: percent.optional(), wait: count.optional() }),
};
type Name = keyof typeof schemas;
type Settings<Of extends Name> = z.output<(typeof schemas)[Of]>;

/** The members that are set. */
function set<T extends object>(members: T): { [Name in keyof T]-?: Exclude<T[Name], undefined> } {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as ReturnType<typeof set<T>>;
}

const makers: { readonly [Of in Name]: (settings: Settings<Of>, rest: () => Policy) => Policy } = {
  'adaptive-stop': ({ limit }) => adaptiveStop(set({ limitPercent: limit })),
  'intelligent-hybrid': ({ threshold, watch, otherwise }) =>
    intelligentHybrid(set({ thresholdPages: threshold, watchPasses: watch, otherwise })),
  'fake-aware': ({ goal, downtime, otherwise }) =>
    fakeAware(set({ goal, downtimeMs: downtime, otherwise })),
  'give-up': ({ after, passes, bytes }) =>
    giveUp(set({ afterMs: after, afterPasses: passes, afterBytes: bytes })),
  stall: ({ window, margin, otherwise }) =>
    stall(set({ windowMs: window, marginPercent: margin, otherwise })),
  'auto-converge-first': ({ until, wait }, rest) =>
    autoConvergeFirst({ ...set({ untilPercent: until, waitPasses: wait }), next: rest() }),
};

/** The names of all policies. */
export const policyNames: string[] = Object.keys(schemas);

/** What each policy can be given: its settings, each with its values where these are few. For completion. */
export const policySettings: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> =
  Object.fromEntries(
    Object.entries(schemas).map(([name, { shape }]) => [
      name,
      Object.fromEntries(
        Object.entries(shape).map(([setting, schema]) => {
          const value: z.ZodType = schema.unwrap();
          return [setting, value instanceof z.ZodEnum ? value.options.map(String) : []];
        }),
      ),
    ]),
  );

/** For help texts. */
export const policiesHelp = `
Policies, with an example of every setting:
  adaptive-stop:limit=75            stop and copy once that percentage of the first pass has been sent again
  intelligent-hybrid:threshold=PAGES,watch=3,otherwise=stop-now
                                    when pre-copy does not converge, post-copy at a minimum of dirty pages
  fake-aware:goal=fewest-bytes,downtime=300ms,otherwise=go-on
                                    the choice that is predicted to be best; goals: fewest-bytes, shortest-total-time
  stall:window=40s,margin=4,otherwise=stop-now
                                    post-copy, or to stop, once that time has gained less than that percentage
  give-up:after=60s,passes=30,bytes=20G
                                    cancel; the guest stays at the source
  auto-converge-first:until=80,wait=4
                                    let auto-converge try before the policies that follow
Several are evaluated in the order given; the first that chooses anything but to go on decides.`;

function settingsOf(text: string): Record<string, string> {
  const pairs = text.split(',').filter(Boolean);
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new PolicyError(`"${pair}": expected NAME=VALUE, such as after=60s`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

function isName(text: string): text is Name {
  return Object.hasOwn(schemas, text);
}

function make<Of extends Name>(name: Of, settings: string, rest: () => Policy): Policy {
  const { success, data, error } = schemas[name].safeParse(settingsOf(settings), {
    error: explainIssue,
  });
  if (success) return makers[name](data as Settings<Of>, rest);
  const problems = error.issues.map(({ path, message }) => `${path.join('.')} ${message}`.trim());
  const text = settings === '' ? name : `${name}:${settings}`;
  throw new PolicyError(`Policy "${text}": ${problems.join('; ')}`);
}

function parse([text, ...rest]: readonly string[]): Policy {
  if (text === undefined) return chain();
  const [name = '', settings = ''] = text.split(/:(.*)/s);
  if (!isName(name)) {
    const hint = didYouMean(name, policyNames);
    throw new PolicyError(
      `There is no policy "${name}"; there are ${policyNames.join(', ')}.${hint}`,
    );
  }
  const policy = make(name, settings, () => parse(rest));
  // It takes the rest as the policy that comes next.
  return name === 'auto-converge-first' || rest.length === 0 ? policy : chain(policy, parse(rest));
}

/**
 * The policy that these texts describe, evaluated in this order: each is a name of `policyNames`, with settings such as
 * `give-up:after=60s,passes=30`. Throws PolicyError when a text is wrong.
 */
export function parsePolicies(texts: readonly string[]): Policy {
  if (!Array.isArray(texts) || texts.some((text) => typeof text !== 'string')) {
    throw new PolicyError(
      `Expected a list of texts, such as ['give-up:after=60s']; this is ${shown(texts)}.`,
    );
  }
  return parse(texts);
}
