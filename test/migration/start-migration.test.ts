// The handle of a running migration: updates, cancelling, switching to post-copy, limits, disposal.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  MigrationRefusedError,
  MigrationStateError,
  WatchStoppedError,
} from '../../lib/migration/errors.js';
import { startMigration } from '../../lib/migration/migrate.js';
import type { Migration } from '../../lib/migration/migration.js';
import type { MigrateOptions } from '../../lib/migration/options.js';
import type { RecordingEntry } from '../../lib/migration/recording.js';
import type { MigrationUpdate } from '../../lib/migration/updates.js';
import { startWatching } from '../../lib/migration/watch.js';
import { FakeQemu } from '../qmp/fake-qemu.js';
import { ScriptedQemu } from './scripted-qemu.js';

let qemu: FakeQemu;
let script: ScriptedQemu;

beforeEach(async () => {
  qemu = new FakeQemu();
  await qemu.listen();
  script = new ScriptedQemu(qemu);
});
afterEach(() => qemu.close());

async function start(options: Partial<MigrateOptions> = {}): Promise<Migration> {
  script.obey();
  return await startMigration(await qemu.connect(), { to: 'exec:cat', ...options });
}

async function all(updates: AsyncIterable<MigrationUpdate>): Promise<MigrationUpdate[]> {
  const read: MigrationUpdate[] = [];
  for await (const update of updates) read.push(update);
  return read;
}

const typesOf = (updates: readonly MigrationUpdate[]) => updates.map(({ type }) => type);

/** Until QEMU has been asked for that. */
async function untilAsked(command: string, times = 1): Promise<void> {
  while (script.asked.filter((asked) => asked === command).length < times) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('iterating over a migration', () => {
  it('yields the beginning, each pass and progress, and ends with the migration', async () => {
    const migration = await start();
    const updates: MigrationUpdate[] = [];
    for await (const update of migration) {
      updates.push(update);
      if (update.type === 'begin') script.pass();
      // Progress comes without another event: QEMU is asked between passes too.
      if (update.type === 'progress' && typesOf(updates).includes('pass')) script.complete();
    }
    expect(updates[0]).toMatchObject({ type: 'begin', context: { pageBytes: 4096 } });
    expect(new Set(typesOf(updates))).toEqual(new Set(['begin', 'pass', 'progress']));
    const { passes } = await migration.result;
    const read = updates.flatMap((update) => (update.type === 'pass' ? [update.pass] : []));
    expect(read).toEqual(passes);
  });

  it('yields everything to a reader who comes late, and to each of several', async () => {
    const migration = await start();
    script.pass();
    setTimeout(() => script.complete(), 300);
    const { passes } = await migration.result;
    expect(passes.length).toBeGreaterThan(0);
    const [one, other] = await Promise.all([all(migration), all(migration)]);
    expect(one).toEqual(other);
    expect(one.filter(({ type }) => type === 'pass')).toHaveLength(passes.length);
  });

  it('asks QEMU for no progress while nobody iterates', async () => {
    const migration = await start();
    await untilAsked('migrate');
    const queries = () => qemu.requests.filter(({ execute }) => execute === 'query-migrate').length;
    // It asks until it knows that the migration runs, and then is silent for longer than between two progresses.
    let before: number;
    do {
      before = queries();
      await new Promise((resolve) => setTimeout(resolve, 1200));
    } while (queries() !== before);
    let progress = 0;
    // The first was there already.
    for await (const { type } of migration) {
      if (type === 'progress') progress += 1;
      if (progress === 2) break;
    }
    expect(queries()).toBeGreaterThan(before);
    script.complete();
    await migration.result;
  });

  it('goes on over a new connection when the connection breaks', async () => {
    const migration = await start();
    const reading = all(migration);
    qemu.socket?.destroy();
    await untilAsked('migrate');
    script.pass();
    await migration.setLimits({ downtimeLimitMs: 1 });
    script.complete();
    expect(await migration.result).toMatchObject({ outcome: 'completed' });
    expect(typesOf(await reading)).toContain('pass');
  });

  it('yields what the policy decides, with the name of the policy', async () => {
    const policy = () =>
      ({ choice: 'give-up', policy: 'impatient', reason: 'Enough.', numbers: {} }) as const;
    const updates = await all(await start({ policy }));
    expect(updates).toContainEqual({
      type: 'policy-evaluation',
      evaluation: expect.objectContaining({
        endedPasses: 0,
        decision: expect.objectContaining({ choice: 'give-up', policy: 'impatient' }),
      }),
    });
  });
});

describe('cancel', () => {
  it('cancels the migration and returns its result', async () => {
    const migration = await start();
    expect(await migration.cancel('maintenance is over')).toMatchObject({
      outcome: 'cancelled',
      reason: 'The caller cancelled it: maintenance is over',
      guest: { where: 'source', running: true },
    });
    expect(await migration.cancel()).toBe(await migration.result);
    expect(script.asked.filter((name) => name === 'migrate_cancel')).toHaveLength(1);
  });

  it.each<[what: string, cancel: (migration: Migration, abort: AbortController) => unknown]>([
    ['cancel()', (migration) => migration.cancel()],
    ['a signal', (_, abort) => abort.abort()],
  ])('gives no reason where the caller gave none: %s', async (_, cancel) => {
    const abort = new AbortController();
    const migration = await start({ signal: abort.signal });
    await cancel(migration, abort);
    expect((await migration.result).reason).toBe('The caller cancelled it.');
  });

  it('lets the migration go on once post-copy has begun, and says so', async () => {
    const migration = await start({ method: 'hybrid', policy: goOn });
    await migration.switchToPostcopy();
    setTimeout(() => script.complete(), 200);
    expect(await migration.cancel()).toMatchObject({
      outcome: 'completed',
      reason: expect.stringMatching(/too late to cancel/),
    });
    expect(script.asked).not.toContain('migrate_cancel');
  });
});

const goOn = () => ({ choice: 'go-on', policy: 'patient', reason: 'Wait.', numbers: {} }) as const;

describe('switchToPostcopy', () => {
  it('switches, and says in the result that the caller did', async () => {
    const migration = await start({ method: 'hybrid', policy: goOn });
    await migration.switchToPostcopy();
    script.complete();
    const { outcome, policyEvaluations } = await migration.result;
    expect(outcome).toBe('completed');
    expect(policyEvaluations.at(-1)?.decision).toMatchObject({
      choice: 'post-copy',
      policy: 'caller',
    });
    expect(script.asked).toContain('migrate-start-postcopy');
  });

  it('is refused without the capability, twice, while cancelling, and after the end', async () => {
    const plain = await start();
    await expect(plain.switchToPostcopy()).rejects.toThrow(/capability "postcopy-ram"/);
    const cancelled = plain.cancel();
    await expect(plain.switchToPostcopy()).rejects.toThrow(/is being cancelled/);
    await cancelled;
    await expect(plain.switchToPostcopy()).rejects.toThrow(/has ended/);
    script.status = undefined;
    const hybrid = await start({ method: 'hybrid', policy: goOn });
    await hybrid.switchToPostcopy();
    const again = hybrid.switchToPostcopy();
    await expect(again).rejects.toThrow(MigrationStateError);
    await expect(again).rejects.toMatchObject({ code: 'ERR_MIGRATION_STATE' });
    script.complete();
    await hybrid.result;
  });
});

describe('setLimits', () => {
  const sets = () =>
    qemu.requests
      .filter(({ execute }) => execute === 'migrate-set-parameters')
      .map(({ arguments: given }) => given);

  it('sets the limits, tells the policy and the recording, and puts them back', async () => {
    const seen: number[] = [];
    const entries: RecordingEntry[] = [];
    const migration = await start({
      policy: ({ downtimeLimitMs }) => {
        seen.push(downtimeLimitMs);
        return goOn();
      },
      record: (entry) => entries.push(entry),
    });
    await untilAsked('migrate');
    await migration.setLimits({ bandwidthBytesPerSecond: 5e6, downtimeLimitMs: 20 });
    script.pass();
    setTimeout(() => script.complete(), 300);
    await migration.result;
    expect(sets()).toEqual([
      { 'max-bandwidth': 5e6, 'downtime-limit': 20 },
      // This QEMU does not say what its bandwidth was.
      { 'downtime-limit': 300 },
    ]);
    expect(seen.at(-1)).toBe(20);
    expect(entries).toContainEqual({
      type: 'limits',
      elapsedMs: expect.any(Number),
      bandwidthLimitBytesPerSecond: 5e6,
      downtimeLimitMs: 20,
    });
  });

  it('refuses limits that make no sense, and changes nothing', async () => {
    const migration = await start();
    const odd = migration.setLimits({ downtimeLimitMs: -1 });
    await expect(odd).rejects.toThrow(MigrationRefusedError);
    expect(sets()).toEqual([]);
    await migration.cancel();
  });
});

describe('await using', () => {
  it('cancels a migration that still runs when the block is left, and waits for its end', async () => {
    let result: Migration['result'] | undefined;
    {
      await using migration = await start();
      ({ result } = migration);
    }
    expect(script.status).toBe('cancelled');
    expect(await result).toMatchObject({ outcome: 'cancelled' });
  });

  it('leaves a migration alone that has ended', async () => {
    {
      await using migration = await start();
      script.complete();
      expect(await migration.result).toMatchObject({ outcome: 'completed' });
    }
    expect(script.asked).not.toContain('migrate_cancel');
  });
});

describe('watching a migration of another program', () => {
  it('yields its passes and ends with it', async () => {
    const watch = startWatching(await qemu.connect());
    const reading = all(watch);
    await new Promise((resolve) => setTimeout(resolve, 100));
    script.become('active');
    script.pass();
    for await (const { type } of watch) if (type === 'progress') script.complete();
    expect(await watch.result).toMatchObject({ outcome: 'completed' });
    expect(new Set(typesOf(await reading))).toEqual(new Set(['begin', 'pass', 'progress']));
    expect(script.asked).toEqual([]);
  }, 20_000);

  it.for([false, true])(
    'ends when it is stopped, and touches nothing (a migration runs: %s)',
    async (begun) => {
      if (begun) script.become('active');
      const watch = startWatching(await qemu.connect());
      const reading = all(watch);
      await new Promise((resolve) => setTimeout(resolve, 100));
      await watch.stop();
      expect(typesOf(await reading).filter((type) => type !== 'progress')).toEqual(
        begun ? ['begin'] : [],
      );
      await expect(watch.result).rejects.toThrow(WatchStoppedError);
      expect(script.asked).toEqual([]);
    },
  );
});
