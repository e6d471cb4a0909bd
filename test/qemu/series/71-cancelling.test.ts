// A large guest whose dirty pages are all fake: the filter stops now and then to see whether the migration has been
// cancelled, so that cancelling is quick.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it, type TestContext } from 'vitest';
import { z } from 'zod';
import { gibibyte, mebibyte } from '../../../lib/format/bytes.js';
import { Machine } from '../../../lib/qemu/machine/machine.js';
import { Workspace } from '../../../lib/system/workspace.js';
import { DeviceAccess } from '../../harness/device-access.js';
import { some } from '../../harness/methods-and-guests.js';
import { filterCountsOf } from '../../harness/migrate-and-compare.js';
import { needBrokenQemu, needQemu } from '../../harness/requirements.js';

/** Of a processor: what others take of it makes the answer late, and is not QEMU's. */
const answerMs = 100;
/** On a busy machine the pass may be over before it is cancelled. */
const attempts = 10;
const chunkBytes = 2 * mebibyte;
const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK']));

/** Where a PC has its memory: a guest of some size has a hole below 4 GiB. */
const belowHole = 3 * gibibyte;
const aboveHole = 4 * gibibyte;

function availableBytes(): number {
  const text = readFileSync('/proc/meminfo', 'utf8');
  return Number(/^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1]) * 1024;
}

/** Skips the test where there is no room for a guest of that size. */
function needMemory(context: TestContext, gibibytes: number): number {
  const ramBytes = gibibytes * gibibyte;
  if (availableBytes() < ramBytes + gibibyte) {
    context.skip(`needs ${gibibytes + 1} GiB of free memory`);
  }
  return ramBytes;
}

/** The largest by default that there is room for, besides what else runs. */
const usualSize = [4, 2].find((size) => (size + 2) * gibibyte < availableBytes()) ?? 1;

/** Writes all memory, which marks every page. */
async function fill(devices: DeviceAccess, ramBytes: number): Promise<void> {
  for (let at = 0; at < ramBytes; at += chunkBytes) {
    const address = at < belowHole ? at : at - belowHole + aboveHole;
    await devices.fill(address, chunkBytes, 0x5a);
  }
}

/** How long a process has had a processor so far; the guest is paused, so that is for the migration. */
function processorMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name, in brackets, may hold anything.
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return ((Number(user) + Number(system)) * 1000) / ticksPerSecond;
}

/** Cancels a migration in the middle of its second pass, in which every page is marked and fake. */
async function cancelMs({ qmp, pid }: Machine, mark: () => Promise<void>) {
  // By QMP alone: what is measured is how soon QEMU answers, and migrate() would ask it other things meanwhile.
  const capabilities = ['events', 'fake-dirty-filter'];
  await qmp.execute('migrate-set-capabilities', {
    capabilities: capabilities.map((capability) => ({ capability, state: true })),
  });
  // The first pass stands still until all is written, and marked for the second.
  const standing = { 'max-bandwidth': 4096, 'downtime-limit': 0 };
  await qmp.execute('migrate-set-parameters', { 'fake-dirty-hash': 'ph128', ...standing });
  const events = qmp.events('MIGRATION');
  const passes = qmp.events('MIGRATION_PASS');
  await qmp.execute('migrate', { uri: 'exec:cat >/dev/null' });
  await passes.next();
  await mark();
  await qmp.execute('migrate-set-parameters', { 'max-bandwidth': 0 });
  await passes.next();
  let unchanged = 0;
  while (unchanged === 0) {
    ({ unchanged } = filterCountsOf(
      await qmp.query('query-migrate', { schema: z.looseObject({}) }),
    ));
  }
  const begunMs = processorMs(pid);
  await qmp.execute('migrate_cancel');
  await events.until(({ data: { status } }) => status === 'cancelled');
  const ms = processorMs(pid) - begunMs;
  for (const stream of [events, passes]) stream.close();
  return { ms, unchanged };
}

/** Starts a guest of that size, and cancels its migration. */
async function cancelLarge(binary: string, ramBytes: number) {
  const workspace = Workspace.create(mebibyte);
  const path = DeviceAccess.newPath();
  const machine = await Machine.start({
    name: 'large',
    binary,
    accelerator: 'tcg',
    workspace,
    ramBytes,
    memory: 'anonymous',
    arguments: [...DeviceAccess.arguments(path), '-machine', `max-ram-below-4g=${belowHole}`],
  });
  const devices = await DeviceAccess.connect(path);
  try {
    for (let attempt = 1; ; attempt += 1) {
      const cancelled = await cancelMs(machine, () => fill(devices, ramBytes));
      if (cancelled.unchanged < ramBytes / 4096) return cancelled;
      expect(attempt, 'the pass was over each time').toBeLessThan(attempts);
    }
  } finally {
    devices.close();
    await machine.kill();
    workspace.remove();
  }
}

describe('cancelling the migration of a guest whose marks are all fake', () => {
  it.for(some([usualSize, 16], [0]))(
    `takes QEMU less than ${answerMs} ms of a processor with %i GiB of memory`,
    async (gibibytes, context) => {
      const ramBytes = needMemory(context, gibibytes);
      const { ms } = await cancelLarge(needQemu(context).binary, ramBytes);
      expect(ms).toBeLessThan(answerMs);
    },
  );

  it.for(some(['SKIP_BUDGET'], []))(
    'takes longer in a build with %s: the filter never stops to see whether it is cancelled',
    async (name, context) => {
      const ramBytes = needMemory(context, usualSize);
      const { ms } = await cancelLarge(needBrokenQemu(context, name).binary, ramBytes);
      expect(ms).toBeGreaterThan(answerMs);
    },
  );
});
