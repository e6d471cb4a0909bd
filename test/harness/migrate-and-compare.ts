// One migration as most tests want it: afterwards both memories are equal, page by page, and the guest
// runs on with the right memory at the destination.
import { expect } from 'vitest';
import { guestState } from '../../lib/qemu/machine/guest.js';
import { type FakeDirtyInfo, fakeDirtyInfo } from '../../lib/qmp/schema/fake-dirty.js';
import type { MigrationInfo } from '../../lib/qmp/schema/migration.js';
import { MigrationError } from './migration-error.js';
import { MigrationPair, type PairOptions } from './migration-pair.js';
import type { MigrationPlan } from './migration-plan.js';
import type { Qemu } from './requirements.js';

/** The filter's part of what query-migrate says. */
export function filterCountsOf(counts: Readonly<Record<string, unknown>>): FakeDirtyInfo {
  return fakeDirtyInfo.parse(counts['fake-dirty']);
}

export function plain({ binary }: Qemu, guest: PairOptions['guest']): PairOptions {
  return { binary, accelerator: 'tcg', guest };
}

/** Under KVM the guest works in ring 3: see needKvmInRing3(). */
export function underKvm({ binary }: Qemu, guest: PairOptions['guest']): PairOptions {
  return { binary, accelerator: 'kvm', guest: { ...guest, ring: 3 } };
}

/** Lets the guest run on at the destination, and expects that it does, with the right memory. */
export async function expectRightGuest({ destination }: MigrationPair, idle: boolean) {
  const { qmp, serial } = destination;
  await qmp.execute('cont');
  const state = await guestState(serial);
  expect(state.wrongWords).toBe(0);
  if (!idle) expect((await guestState(serial)).passes).toBeGreaterThan(state.passes);
}

/** Starts a pair for some work, and ends it after that. */
export async function withPair<T>(options: PairOptions, work: (pair: MigrationPair) => Promise<T>) {
  const pair = await MigrationPair.start(options);
  try {
    return await work(pair);
  } finally {
    await pair.close();
  }
}

/**
 * For a source without the series: on a busy machine its multifd may send a packet too late, when the
 * destination has everything and is gone, and call that a failure (qemu-patches/README.md). Migrates
 * anew then; any other end is final.
 */
export async function despiteLatePackets<T>(migrate: () => Promise<T>, attempts = 4): Promise<T> {
  try {
    return await migrate();
  } catch (error) {
    const late = error instanceof MigrationError && /Broken pipe|TLS channel/.test(error.message);
    if (!late || attempts === 1) throw error;
    return despiteLatePackets(migrate, attempts - 1);
  }
}

/** Migrates, and expects equal memories and a guest that runs on with the right memory. */
export function migrateAndCompare(options: PairOptions, plan: MigrationPlan) {
  return withPair(options, async (pair) => {
    const counts = await pair.migrate(plan);
    expect(await pair.compare()).toMatchObject({ differentPages: 0, firstDifferent: [] });
    await expectRightGuest(pair, options.guest.pattern === 'idle');
    return counts;
  });
}

/**
 * Migrates a guest that never converges, does something after that pass, and only then lets the
 * migration end.
 */
export async function migrateWith(
  pair: MigrationPair,
  plan: MigrationPlan,
  afterPass: number,
  act: () => Promise<void>,
): Promise<MigrationInfo> {
  const passes = pair.source.qmp.events('MIGRATION_PASS');
  let acted = false;
  try {
    const migrated = pair.migrate({ downtimeLimitMs: 0, ...plan, until: () => acted });
    const acting = passes
      .until(({ data: { pass } }) => Number(pass) >= afterPass)
      .then(act)
      .then(() => {
        acted = true;
      });
    const [counts] = await Promise.all([migrated, acting]);
    return counts;
  } finally {
    passes.close();
  }
}
