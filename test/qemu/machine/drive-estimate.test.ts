// An estimate of a running VM, beside the migration that follows it.

import { afterEach, describe, expect, it, type TestContext } from 'vitest';
import { mebibyte } from '../../../lib/format/bytes.js';
import { migrate } from '../../../lib/migration/migrate.js';
import { measureDirtying } from '../../../lib/monitor/dirtying-measurement.js';
import { forecast } from '../../../lib/policy/forecast.js';
import type { GuestOptions } from '../../../lib/qemu/machine/guest.js';
import type { Accelerator } from '../../../lib/qemu/machine/machine.js';
import { type DrivenQemu, needDriven } from '../../harness/driven-qemu.js';
import { MigrationPair } from '../../harness/migration-pair.js';
import { needKvmInRing3, testedVersion } from '../../harness/requirements.js';

const ramBytes = 160 * mebibyte;
const link = { linkBytesPerSecond: 1 * mebibyte, downtimeLimitMs: 300 };

let pair: MigrationPair | undefined;
afterEach(async () => {
  await pair?.close();
  pair = undefined;
});

async function start(
  context: TestContext,
  which: DrivenQemu,
  guest: GuestOptions,
  accelerator: Accelerator = 'kvm',
) {
  const binary = needDriven(context, which);
  if (accelerator === 'kvm') {
    const named = { name: which, binary, version: testedVersion, patched: true };
    await needKvmInRing3(context, named);
  }
  pair = await MigrationPair.start({ binary, accelerator, guest: { ...guest, ring: 3 }, ramBytes });
  return pair;
}

describe('an estimate', () => {
  it('of a guest that rewrites the same values is close to what its migration costs', async (context) => {
    // Slow enough that what it marks while the filter looks is little: the estimate knows nothing of that.
    const guest = { pattern: 'rewrite', pages: 512, spins: 20_000 } as const;
    const { source, destination, incomingSocket } = await start(context, 'with the series', guest);
    const measurement = await measureDirtying(source.qmp, { seconds: 1 });
    expect(measurement).toMatchObject({ contents: 'fingerprints', ramBytes });
    expect(measurement.marked?.pages).toBeGreaterThan(0);
    const { fakeShare, methods } = forecast(measurement, link);
    const result = await migrate(source.qmp, {
      to: { qmp: destination.qmp, listen: `unix:${incomingSocket}` },
      bandwidthBytesPerSecond: link.linkBytesPerSecond,
      downtimeLimitMs: link.downtimeLimitMs,
      filter: { hash: 'ph128' },
    });
    expect(result.outcome).toBe('completed');
    const { unchanged = 0, changed = 0 } = result.filter ?? {};
    expect(fakeShare?.expected).toBeGreaterThan(0.9);
    expect(unchanged / (unchanged + changed)).toBeGreaterThan(0.9);
    const filtered = methods.find(({ method }) => method === 'pre-copy with the filter');
    // QEMU needs some passes more to see that the marks are fake.
    expect(filtered?.totalMs.expected).toBeGreaterThan(result.totalMs / 4);
    expect(filtered?.totalMs.expected).toBeLessThan(result.totalMs * 2);
    expect((filtered?.bytes.expected ?? 0) / result.bytes.total).toBeCloseTo(1, 0);
    const plain = methods.find(({ method }) => method === 'pre-copy');
    expect(plain?.totalMs.expected).toBe(Number.POSITIVE_INFINITY);
  });

  it('counts no marks where that would crash QEMU', async (context) => {
    const guest = { pattern: 'random', pages: 1024 } as const;
    const machines = await start(context, "the distribution's", guest, 'tcg');
    const measurement = await measureDirtying(machines.source.qmp, { seconds: 1 });
    expect(measurement).toMatchObject({ marked: undefined, contents: 'fingerprints' });
    expect(measurement.changed?.pages).toBeGreaterThan(500);
    expect(await machines.source.qmp.execute('query-status')).toMatchObject({ running: true });
  });

  it('works on an unpatched QEMU, and changes nothing there', async (context) => {
    const guest = { pattern: 'idle', pages: 16 } as const;
    const machines = await start(context, "the distribution's", guest);
    const { qmp } = machines.source;
    const before = await qmp.execute('query-migrate-capabilities');
    const measurement = await measureDirtying(qmp, { seconds: 1 });
    expect(measurement.changed?.pages).toBeLessThan(50);
    expect(measurement.overhead.totalMs).toBeLessThan(10_000);
    expect(await qmp.execute('query-migrate-capabilities')).toEqual(before);
    expect(await qmp.execute('query-status')).toMatchObject({ running: true });
    const { confidence } = forecast(measurement, link);
    expect(confidence).toMatch(/The guest hardly writes/);
  });
});
