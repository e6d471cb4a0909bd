// How a test migrates: options of migrate(), and what tests want beside them.
import type { Decision, Policy } from '../../lib/migration/decision.js';
import type { MigrateOptions } from '../../lib/migration/options.js';
import type { FakeDirtyHash } from '../../lib/qmp/schema/fake-dirty.js';
import { tlsKey } from './tls-keys.js';

const passesPerSecond = 6;

/** The options of migrate() that are a test's to choose. */
const optionNames = [
  ...(['filter', 'xbzrle', 'multifd', 'autoConverge', 'capabilities', 'parameters'] as const),
  ...(['bandwidthBytesPerSecond', 'postcopyBandwidthBytesPerSecond', 'downtimeLimitMs'] as const),
];
type OptionName = (typeof optionNames)[number];

/** What is not said stays as QEMU has it. */
export interface MigrationMethod extends Readonly<Pick<MigrateOptions, OptionName>> {
  /** Encrypts, with a key that both sides are given. */
  readonly tls?: boolean;
}

export interface MigrationPlan extends MigrationMethod {
  /**
   * How often memory is walked, at least, before the migration may end. Until then bandwidth is limited, so that a
   * walk takes a while; then the migration is made to end, so that a guest that writes too fast to converge arrives
   * as well.
   */
  readonly passes?: number;
  /** After those passes, or when that says so, switch to post-copy instead of ending. */
  readonly postcopy?: boolean;
  /** Says when the migration is made to end, instead of a number of passes; asked after each pass. */
  readonly until?: () => boolean;
  /** The UNIX socket that the source connects to instead of the destination's own: a FaultyLink's. */
  readonly through?: string;
}

/** Has the source filter every page. An unsafe fingerprint is accepted: tests migrate with each. */
export function withFilter(
  hash: FakeDirtyHash,
  { verify = false, sampling = false } = {},
): MigrationMethod {
  return { filter: { hash, acceptUnsafeHash: true, verify, sampling } };
}

function isTime({ passes = 0, until }: MigrationPlan, ended: number): boolean {
  return until ? until() : ended >= passes;
}

/** Lets the migration go on, and then ends it or switches it to post-copy. */
function policyOf(plan: MigrationPlan): Policy {
  return ({ passes }): Decision => {
    const ended = passes.at(-1)?.number ?? 0;
    const numbers = { passes: ended };
    const policy = 'test';
    if (!isTime(plan, ended))
      return { choice: 'go-on', policy, reason: 'The test goes on.', numbers };
    const choice = plan.postcopy ? 'post-copy' : 'stop-now';
    return { choice, policy, reason: 'The test has seen enough.', numbers };
  };
}

/** The options of migrate() for a guest that works on so many pages. */
export function optionsOf(plan: MigrationPlan, guestPages: number): Omit<MigrateOptions, 'to'> {
  const { passes, postcopy = false, until, tls = false } = plan;
  const chosen = Object.entries(plan).filter(([name]) => optionNames.includes(name as OptionName));
  const isLimited = passes !== undefined || until !== undefined;
  // QEMU estimates bandwidth every 100 ms, and hands over what it can send in `downtime-limit` ms.
  const limits = isLimited
    ? {
        bandwidthBytesPerSecond: guestPages * 4096 * passesPerSecond,
        // Before post-copy nothing may be over but what is really sent.
        downtimeLimitMs: postcopy ? 0 : 1,
        policy: policyOf(plan),
      }
    : { bandwidthBytesPerSecond: 0 };
  return {
    ...limits,
    ...Object.fromEntries(chosen),
    method: postcopy ? 'hybrid' : 'pre-copy',
    // As QEMU has it by default: what a source does that is told nothing by its destination is tested too.
    capabilities: { 'return-path': false, ...plan.capabilities },
    parameters: { ...plan.parameters, ...(tls ? { 'tls-creds': tlsKey } : {}) },
    // The memories are compared while both guests stand still.
    holdAtDestination: true,
  };
}
