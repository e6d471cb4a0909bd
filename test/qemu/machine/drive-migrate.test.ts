// The migration controller and real QEMUs: each option, each end, and what it leaves behind.

import { afterEach, describe, expect, it, type TestContext } from 'vitest';
import { mebibyte } from '../../../lib/format/bytes.js';
import type { Policy } from '../../../lib/migration/decision.js';
import { MigrationRefusedError } from '../../../lib/migration/errors.js';
import { migrate, startMigration } from '../../../lib/migration/migrate.js';
import type { MigrateOptions } from '../../../lib/migration/options.js';
import {
  entryLine,
  parseRecording,
  type RecordingEntry,
} from '../../../lib/migration/recording.js';
import { watchMigration } from '../../../lib/migration/watch.js';
import { type GuestOptions, guestState } from '../../../lib/qemu/machine/guest.js';
import { type DrivenQemu, needDriven } from '../../harness/driven-qemu.js';
import { FaultyLink } from '../../harness/faulty-link.js';
import { MigrationPair } from '../../harness/migration-pair.js';
import { needRoot } from '../../harness/requirements.js';

const rewriting: GuestOptions = { pattern: 'rewrite', pages: 2048, wordsPerPage: 16 };
const random: GuestOptions = { pattern: 'random', pages: 2048, wordsPerPage: 8 };

let pair: MigrationPair | undefined;
afterEach(async () => {
  await pair?.close();
  pair = undefined;
});

async function start(context: TestContext, which: DrivenQemu, guest: GuestOptions) {
  const binary = needDriven(context, which);
  pair = await MigrationPair.start({ binary, accelerator: 'tcg', guest });
  return pair;
}

function drive(
  { source, destination, incomingSocket }: MigrationPair,
  options: Partial<MigrateOptions>,
) {
  const to = { qmp: destination.qmp, listen: `unix:${incomingSocket}` };
  return migrate(source.qmp, { to, ...options });
}

/** How a QEMU is set: what a migration must put back. */
async function settingsOf({ source }: MigrationPair) {
  return {
    capabilities: await source.qmp.execute('query-migrate-capabilities'),
    parameters: await source.qmp.execute('query-migrate-parameters'),
  };
}

const stopOnceThrottled: Policy = ({ passes }) => {
  const { throttlePercent = 0 } = passes.at(-1) ?? {};
  const choice = throttlePercent >= 50 ? 'stop-now' : 'go-on';
  return {
    choice,
    policy: 'test',
    reason: 'Auto-converge has been seen.',
    numbers: { throttlePercent },
  };
};
/** On a machine with much else to do, a guest may outrun its link. */
const stopLate: Policy = ({ elapsedMs }) => {
  const choice = elapsedMs > 5000 ? 'stop-now' : 'go-on';
  return { choice, policy: 'test', reason: 'It shall end.', numbers: { elapsedMs } };
};
const filter = { hash: 'ph128' } as const;
const several = { bandwidthBytesPerSecond: 64 * mebibyte, downtimeLimitMs: 100 };

describe('migrate() moves a guest, whose memory is then equal,', () => {
  it.for<[string, Partial<MigrateOptions>]>([
    ['plainly', {}],
    ['with the filter', { filter, ...several }],
    ['with the filter, SHA-256, verifying', { filter: { hash: 'sha256', verify: true } }],
    ['with XBZRLE', { xbzrle: { cacheBytes: 16 * mebibyte } }],
    ['with multifd', { multifd: { channels: 2 } }],
    ['with multifd, zlib', { multifd: { compression: 'zlib', level: 1 }, filter }],
    ['with multifd, zstd', { multifd: { compression: 'zstd' } }],
    [
      'with auto-converge',
      { autoConverge: { initialPercent: 50 }, ...several, policy: stopOnceThrottled },
    ],
  ])('%s', async ([, options], context) => {
    const machines = await start(context, 'with the series', rewriting);
    const before = await settingsOf(machines);
    const result = await drive(machines, { policy: stopLate, ...options });
    expect(result).toMatchObject({ outcome: 'completed', guest: { where: 'destination' } });
    expect(await machines.compare()).toMatchObject({ differentPages: 0 });
    expect(await settingsOf(machines)).toEqual(before);
    expect(result.filter?.hash).toBe(options.filter?.hash);
    const sent = result.passes.reduce((sum, { sentBytes }) => sum + sentBytes, 0);
    expect(sent).toBe(result.bytes.total);
    expect(result.passes.at(-1)?.phase).toBe('stop-and-copy');
    expect(result.migrationCpuMs).toBeGreaterThanOrEqual(0);
    expect(result.throttlePercent >= 50).toBe(options.autoConverge !== undefined);
    if (!options.filter) return;
    const unchanged = result.passes.map(({ verdicts }) => verdicts?.unchanged ?? 0);
    expect(unchanged.reduce((sum, pages) => sum + pages)).toBe(result.filter?.unchanged);
  });

  it('over TCP, to a port that the destination chooses', async (context) => {
    const machines = await start(context, 'with the series', rewriting);
    const to = { qmp: machines.destination.qmp, listen: 'tcp:127.0.0.1:0' };
    expect(await drive(machines, { to, policy: stopLate })).toMatchObject({ outcome: 'completed' });
    expect(await machines.compare()).toMatchObject({ differentPages: 0 });
  });

  it.for(['post-copy', 'hybrid'] as const)('by %s', async (method, context) => {
    needRoot(context, 'for userfaultfd');
    const machines = await start(context, 'with the series', random);
    const result = await drive(machines, { method, filter, ...several });
    expect(result.outcome).toBe('completed');
    expect(result.bytes.postcopy).toBeGreaterThan(0);
    expect(result.passes.at(-1)?.phase).toBe('post-copy');
    expect(await machines.compare()).toMatchObject({ differentPages: 0 });
    await machines.destination.qmp.execute('cont');
    expect(await guestState(machines.destination.serial)).toMatchObject({ wrongWords: 0 });
  });
});

describe('migrate()', () => {
  async function refusal(machines: MigrationPair, options: Partial<MigrateOptions>) {
    const before = await settingsOf(machines);
    const error = await drive(machines, options).catch((caught) => caught);
    expect(error).toBeInstanceOf(MigrationRefusedError);
    expect(await settingsOf(machines)).toEqual(before);
    expect(await machines.source.qmp.execute('query-migrate')).not.toHaveProperty('status');
    return (error as MigrationRefusedError).problems;
  }

  it('refuses what does not combine, lists all of it, and changes nothing', async (context) => {
    const machines = await start(context, 'with the series', rewriting);
    const problems = await refusal(machines, {
      method: 'hybrid',
      filter: { hash: 'crc32' },
      multifd: { compression: 'zlib', level: 15 },
      parameters: { 'x-nonsense': 1 },
      capabilities: { 'x-nowhere': true },
    });
    expect(problems).toEqual([
      expect.stringMatching(/"x-nowhere" is not a capability/),
      expect.stringMatching(/"x-nonsense" is not a parameter/),
      expect.stringMatching(/"x-nowhere" is not a capability .* destination/),
      expect.stringMatching(/Post-copy and multifd/),
      expect.stringMatching(/multifd.level: is 15; zlib has levels from 0 to 9/),
      expect.stringMatching(/"crc32" is unsafe/),
    ]);
    expect(await refusal(machines, { downtimeLimitMs: -5 })).toEqual([
      expect.stringMatching(/downtimeLimitMs/),
    ]);
  });

  it('refuses a destination that does not wait for a guest', async (context) => {
    const machines = await start(context, 'with the series', rewriting);
    const { source, incomingSocket } = machines;
    const to = { qmp: source.qmp, listen: `unix:${incomingSocket}` };
    expect(await refusal(machines, { to })).toEqual([expect.stringMatching(/-incoming defer/)]);
  });

  it('refuses the filter on a QEMU without it, or leaves it out', async (context) => {
    const machines = await start(context, "the distribution's", { pattern: 'idle', pages: 256 });
    expect(await refusal(machines, { filter })).toEqual([
      expect.stringMatching(/has no fake dirty filter.*fakedirty qemu build/),
    ]);
    const left = await drive(machines, { filter: { hash: 'crc32', ifMissing: 'leave-out' } });
    expect(left).toMatchObject({ outcome: 'completed', guest: { where: 'destination' } });
    expect(left.filter).toBeUndefined();
    expect(await machines.compare()).toMatchObject({ differentPages: 0 });
  });
});

const endless = { bandwidthBytesPerSecond: 8 * mebibyte, downtimeLimitMs: 1 };

async function expectRunning({ source }: MigrationPair) {
  expect(await source.qmp.execute('query-status')).toMatchObject({ running: true });
  const first = await guestState(source.serial);
  expect(first.wrongWords).toBe(0);
  expect((await guestState(source.serial)).passes).toBeGreaterThan(first.passes);
}

describe('the guest goes on running at the source', () => {
  it('when it is cancelled, and can migrate it later', async (context) => {
    const machines = await start(context, 'with the series', random);
    const before = await settingsOf(machines);
    const controller = new AbortController();
    const result = await drive(machines, {
      ...endless,
      filter,
      multifd: {},
      signal: controller.signal,
      onPass: () => controller.abort(new Error('the operator had enough')),
    });
    expect(result).toMatchObject({
      outcome: 'cancelled',
      reason: expect.stringContaining('the operator had enough'),
      guest: { where: 'source', running: true },
    });
    expect(await settingsOf(machines)).toEqual(before);
    await expectRunning(machines);
    await machines.replaceDestination();
    const policy = () =>
      ({ choice: 'stop-now', policy: 'test', reason: 'Enough.', numbers: {} }) as const;
    expect(await drive(machines, { policy, ...several })).toMatchObject({ outcome: 'completed' });
    expect(await machines.compare()).toMatchObject({ differentPages: 0 });
  });

  it('when nobody listens at the destination', async (context) => {
    const machines = await start(context, 'with the series', random);
    const { source, workspace } = machines;
    const result = await migrate(source.qmp, { to: `unix:${workspace.path('nobody')}` });
    expect(result).toMatchObject({ outcome: 'failed', guest: { where: 'source', running: true } });
    expect(result.reason).toMatch(/No such file|connect/i);
    await expectRunning(machines);
  });

  it.for(['reset', 'truncate'] as const)('when the link breaks: %s', async (fault, context) => {
    const machines = await start(context, 'with the series', random);
    const { source, destination, incomingSocket, workspace } = machines;
    const path = workspace.path('link');
    const link = await FaultyLink.listen({ path, to: incomingSocket, fault, afterBytes: 3e6 });
    const to = { qmp: destination.qmp, listen: `unix:${incomingSocket}`, connect: `unix:${path}` };
    const before = await settingsOf(machines);
    const result = await migrate(source.qmp, { to, filter, ...endless });
    await link.close();
    expect(result).toMatchObject({ outcome: 'failed', guest: { where: 'source', running: true } });
    expect(result.reason).not.toBe('');
    expect(await settingsOf(machines)).toEqual(before);
    await expectRunning(machines);
  });
});

describe('a recording', () => {
  it('of a real migration is read back as it was written', async (context) => {
    const machines = await start(context, 'with the series', rewriting);
    const entries: RecordingEntry[] = [];
    const record = (entry: RecordingEntry) => entries.push(entry);
    const result = await drive(machines, { filter, record, ...several });
    const { entries: read, start: first } = parseRecording(entries.map(entryLine).join(''));
    expect(read).toEqual(JSON.parse(JSON.stringify(entries)));
    expect(first.context).toMatchObject({ downtimeLimitMs: 100, postcopyPossible: false });
    expect(read.filter(({ type }) => type === 'pass')).toHaveLength(result.passes.length);
    expect(read.at(-1)).toMatchObject({ type: 'end', result: { outcome: 'completed' } });
    // One question for each pass that ends, and a few at the beginning and the end.
    const questions = read.filter(({ type }) => type === 'sample').length;
    expect(questions).toBeLessThanOrEqual(result.passes.length + 4);
  });
});

describe('startMigration() returns a migration', () => {
  it('that is cancelled and put back when its block is left', async (context) => {
    const machines = await start(context, 'with the series', random);
    const { source, destination, incomingSocket } = machines;
    const before = await settingsOf(machines);
    const to = { qmp: destination.qmp, listen: `unix:${incomingSocket}` };
    let result: Promise<unknown>;
    {
      await using migration = await startMigration(source.qmp, { to, filter, ...endless });
      result = migration.result;
      await migration.setLimits({ bandwidthBytesPerSecond: 32 * mebibyte });
      expect(await source.qmp.execute('query-migrate-parameters')).toMatchObject({
        'max-bandwidth': 32 * mebibyte,
      });
      for await (const { type } of migration) if (type === 'pass') break;
    }
    // QEMU itself may say that it failed: it closes the way back before it notes that it was told to stop.
    expect(await result).toMatchObject({ outcome: 'cancelled', guest: { where: 'source' } });
    expect(await settingsOf(machines)).toEqual(before);
    await expectRunning(machines);
  });

  it('that its caller switches to post-copy', async (context) => {
    needRoot(context, 'for userfaultfd');
    const machines = await start(context, 'with the series', random);
    const { source, destination, incomingSocket } = machines;
    const to = { qmp: destination.qmp, listen: `unix:${incomingSocket}` };
    const policy: Policy = () => ({
      choice: 'go-on',
      policy: 'test',
      reason: 'Wait.',
      numbers: {},
    });
    const options = { to, method: 'hybrid', policy, ...endless } as const;
    const migration = await startMigration(source.qmp, options);
    for await (const { type } of migration) if (type === 'pass') break;
    await migration.switchToPostcopy();
    const result = await migration.result;
    expect(result).toMatchObject({ outcome: 'completed', guest: { where: 'destination' } });
    expect(result.reason).toBe('The caller switched to post-copy.');
    expect(await machines.compare()).toMatchObject({ differentPages: 0 });
  });
});

describe('watchMigration() follows a migration that another program started,', () => {
  it.for([true, false])('with the capability "events" %s', async (state, context) => {
    const machines = await start(context, 'with the series', rewriting);
    const { source, destination, incomingSocket } = machines;
    const capabilities = [{ capability: 'events', state }];
    await source.qmp.execute('migrate-set-capabilities', { capabilities });
    const passes: number[] = [];
    const watching = watchMigration(source.qmp, { onPass: ({ number }) => passes.push(number) });
    await destination.qmp.execute('migrate-incoming', { uri: `unix:${incomingSocket}` });
    await source.qmp.execute('migrate', { uri: `unix:${incomingSocket}` });
    const result = await watching;
    expect(result).toMatchObject({ outcome: 'completed', guest: { where: 'destination' } });
    expect(result.passes.map(({ number }) => number)).toEqual(passes);
    expect(result.bytes.total).toBeGreaterThan(0);
  });

  it('until its signal is aborted, and leaves the migration alone', async (context) => {
    const machines = await start(context, 'with the series', random);
    const controller = new AbortController();
    const watching = watchMigration(machines.source.qmp, {
      signal: controller.signal,
      onPass: () => controller.abort(new Error('seen enough')),
    });
    const cancelling = new AbortController();
    const migrating = drive(machines, { ...endless, signal: cancelling.signal });
    await expect(watching).rejects.toThrow('seen enough');
    expect(await machines.source.qmp.execute('query-migrate')).toMatchObject({ status: 'active' });
    cancelling.abort();
    expect(await migrating).toMatchObject({ outcome: 'cancelled' });
  });
});
