// Migrations that are broken midway, at points spread over their whole length: the guest survives on the
// source, runs on one side only, and the next attempt is right.
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type GuestOptions, guestState } from '../../../lib/qemu/machine/guest.js';
import type { Machine } from '../../../lib/qemu/machine/machine.js';
import { type Fault, FaultyLink } from '../../harness/faulty-link.js';
import { algorithms, guests, methods, some } from '../../harness/methods-and-guests.js';
import { expectRightGuest } from '../../harness/migrate-and-compare.js';
import { MigrationError } from '../../harness/migration-error.js';
import { MigrationPair } from '../../harness/migration-pair.js';
import { type MigrationMethod, withFilter } from '../../harness/migration-plan.js';
import { needBrokenQemu, needQemu } from '../../harness/requirements.js';

const { FAKEDIRTY_FAULTS: wanted = '7' } = process.env;
const passes = 5;

const accidents = [
  'the destination dies',
  'the source dies',
  'somebody cancels',
  'the link stalls, and somebody yanks it',
  'the link resets',
  'the link is truncated',
] as const;
type Accident = (typeof accidents)[number];

const faults: Record<Accident, Fault> = {
  'the destination dies': 'none',
  'the source dies': 'none',
  'somebody cancels': 'none',
  'the link stalls, and somebody yanks it': 'stall',
  'the link resets': 'reset',
  'the link is truncated': 'truncate',
};

function pick<T>(list: readonly T[], index: number): T {
  return list[index % list.length] as T;
}

/** Fractions of the golden ratio: however many, they cover everything evenly. */
function pointAt(index: number): number {
  return (0.5 + index * 0.618_033_988_75) % 1;
}

interface Entry {
  readonly accident: Accident;
  readonly method: (typeof methods)[number];
  readonly algorithm: (typeof algorithms)[number];
  readonly guest: (typeof guests)[number];
  /** When it happens, in first passes: later than in the first where later ones send as much. */
  readonly point: number;
}

const wholePasses = ['plain', 'TLS', 'multifd none', 'multifd with TLS'];

function passesSentWhole({ name }: Entry['method'], { pattern }: Entry['guest']): number {
  return pattern === 'random' && wholePasses.includes(name) ? 3 : 1;
}

const list: Entry[] = Array.from({ length: Number(wanted) }, (_, index) => {
  const method = pick(methods, index + Math.floor(index / accidents.length));
  const guest = { ...pick(guests, index + Math.floor(index / 3)), seed: 1 + index };
  return {
    accident: pick(accidents, index),
    method,
    algorithm: pick(algorithms, index),
    guest,
    point: pointAt(index) * passesSentWhole(method, guest),
  };
});

function titleOf({ accident, method, algorithm, guest, point }: Entry, index: number): string {
  const place = `at ${Math.round(point * 100)} % of the first pass`;
  return `${index + 1}: because ${accident} ${place} (${method.name}, ${algorithm}, a guest that ${guest.name})`;
}

async function statusOf({ qmp }: Machine): Promise<string> {
  const { status } = await qmp.query('query-status', {
    schema: z.looseObject({ status: z.string() }),
  });
  return status;
}

/** Breaks one migration; returns what it resolved to, or the error. */
async function breakMigration(pair: MigrationPair, entry: Entry): Promise<unknown> {
  const { accident, method, algorithm, guest, point } = entry;
  // What is sure to flow: the first pass, of which little is left where pages are zero and compressed.
  const firstPassBytes = guest.pages * 4096 * (guest.pattern === 'zero' ? 0.01 : 0.9);
  const afterBytes = Math.ceil(point * firstPassBytes);
  const path = pair.workspace.path('link');
  const link = await FaultyLink.listen({
    path,
    to: pair.incomingSocket,
    fault: faults[accident],
    afterBytes,
  });
  try {
    const plan = { ...method, ...withFilter(algorithm), passes, through: path };
    const outcome = pair.migrate(plan).catch((error: unknown) => error);
    await Promise.race([link.broken, outcome]);
    if (accident === 'the destination dies') await pair.destination.kill();
    if (accident === 'the source dies') await pair.source.kill();
    if (accident === 'somebody cancels') await pair.source.qmp.execute('migrate_cancel');
    // Cancelling waits for the channels of multifd, which wait for the link: QEMU has this for them.
    if (accident.includes('yanks')) {
      await pair.source.qmp.execute('yank', { instances: [{ type: 'migration' }] });
    }
    return await outcome;
  } finally {
    await link.close();
  }
}

const lateAccidents = ['the destination dies', 'the source dies', 'the link resets'] as const;

/** The state of the devices and the last pages take a few milliseconds. */
const lateList = Array.from({ length: Math.ceil(Number(wanted) / 2) }, (_, index) => ({
  accident: pick(lateAccidents, index),
  delayMs: Math.round(pointAt(index) * 30),
  // Three accidents and eight methods: each comes to meet each.
  method: pick(methods, index + 3),
}));

function lateTitleOf({ accident, delayMs, method }: (typeof lateList)[number]): string {
  const moment = `${delayMs} ms after the guest has stopped`;
  return `around the switchover: because ${accident} ${moment} (${method.name})`;
}

let lateAccidentsInTime = 0;

/** QEMU tells the end of a migration a moment before the guest goes on, or does not. */
async function untilEnded(source: Machine): Promise<string> {
  for (;;) {
    const status = await statusOf(source);
    if (status !== 'finish-migrate') return status;
    await pause(10);
  }
}

/** Breaks it once the guest has stopped for its end. The source waits for the destination's word. */
async function breakLate(
  pair: MigrationPair,
  accident: (typeof lateAccidents)[number],
  delayMs: number,
  method: MigrationMethod,
): Promise<unknown> {
  const path = pair.workspace.path('link');
  const afterBytes = Number.MAX_SAFE_INTEGER;
  const to = pair.incomingSocket;
  const link = await FaultyLink.listen({ path, to, fault: 'reset', afterBytes });
  const stops = pair.source.qmp.events('STOP');
  try {
    const capabilities = { ...method.capabilities, 'return-path': true };
    const plan = { ...method, capabilities, passes: 2, through: path };
    const outcome = pair.migrate(plan).catch((error: unknown) => error);
    await Promise.race([stops.until(() => true), outcome]);
    await pause(delayMs);
    if (accident === 'the destination dies') await pair.destination.kill();
    if (accident === 'the source dies') await pair.source.kill();
    if (accident === 'the link resets') link.breakNow();
    return await outcome;
  } finally {
    stops.close();
    await link.close();
  }
}

describe('a migration that breaks leaves the guest on one side at most, with the right memory', () => {
  it.for(list.map((entry, index) => [titleOf(entry, index), entry] as const))(
    '%s',
    async ([, entry], context) => {
      const { binary } = needQemu(context);
      const { accident, guest, method, algorithm } = entry;
      const pair = await MigrationPair.start({ binary, accelerator: 'tcg', guest });
      try {
        const error = await breakMigration(pair, entry);
        expect(error).toBeInstanceOf(Error);
        if (accident === 'the source dies') {
          // The guest is lost, and must not come to life half copied; of one that compresses well all may be there.
          const status = await statusOf(pair.destination).catch(() => 'ended');
          expect(['inmigrate', 'ended', 'paused']).toContain(status);
          if (status === 'paused')
            expect(await pair.compare()).toMatchObject({ differentPages: 0 });
          return;
        }
        if ((await statusOf(pair.source)) === 'postmigrate') {
          // It compresses so well that all had been sent when the destination died: whoever migrates is told.
          expect(accident).toBe('the destination dies');
          expect(String(error)).toMatch(/has sent everything, but the destination closed/);
          await pair.source.qmp.execute('cont');
        }
        expect(await statusOf(pair.source)).toBe('running');
        expect((await guestState(pair.source.serial)).wrongWords).toBe(0);

        await pair.replaceDestination();
        await pair.migrate({ ...method, ...withFilter(algorithm), passes });
        expect(await pair.compare()).toMatchObject({ differentPages: 0 });
        await pair.destination.qmp.execute('cont');
        expect((await guestState(pair.destination.serial)).wrongWords).toBe(0);
      } finally {
        await pair.close();
      }
    },
  );

  it.for(lateList.map((entry) => [lateTitleOf(entry), entry] as const))(
    '%s',
    async ([, { accident, delayMs, method }], context) => {
      const { binary } = needQemu(context);
      const guest = { pattern: 'random', pages: 2048 } as const;
      const pair = await MigrationPair.start({ binary, accelerator: 'tcg', guest });
      const { source, destination } = pair;
      const filter = withFilter('ph128');
      try {
        const outcome = await breakLate(pair, accident, delayMs, { ...method, ...filter });
        // It waits to be told; who told it before the source says that it is done would run it twice.
        if (accident !== 'the destination dies') {
          const status = await statusOf(destination).catch(() => 'ended');
          expect(['inmigrate', 'paused', 'ended']).toContain(status);
        }
        if (accident === 'the source dies') return;
        const status = await untilEnded(source);
        if (status === 'running') lateAccidentsInTime += 1;
        if (accident === 'the link resets') {
          expect(status).toBe(outcome instanceof Error ? 'running' : 'postmigrate');
        }
        if (status === 'postmigrate' && accident === 'the destination dies') return;
        if (status !== 'postmigrate') {
          expect(status).toBe('running');
          expect((await guestState(source.serial)).wrongWords).toBe(0);
          await pair.replaceDestination();
          await pair.migrate({ ...method, ...filter, passes });
        }
        expect(await pair.compare()).toMatchObject({ differentPages: 0 });
        await pair.destination.qmp.execute('cont');
        expect((await guestState(pair.destination.serial)).wrongWords).toBe(0);
      } finally {
        await pair.close();
      }
    },
  );

  it('around the switchover: before it was over, once at least', (context) => {
    needQemu(context);
    expect(lateAccidentsInTime).toBeGreaterThan(0);
  });
});

describe('a migration after a cancelled one', () => {
  it('leaves memory different in a build with R5: the tables of the cancelled one are kept', async (context) => {
    const { binary } = needBrokenQemu(context, 'R5');
    const guest = { name: 'does nothing', pattern: 'idle', pages: 2048 } as const;
    const method = pick(methods, 0);
    const pair = await MigrationPair.start({ binary, accelerator: 'tcg', guest });
    try {
      const entry: Entry = {
        accident: 'somebody cancels',
        method,
        algorithm: 'ph128',
        guest,
        point: 0.9,
      };
      await breakMigration(pair, entry);
      await pair.replaceDestination();
      await pair.migrate({ ...method, ...withFilter('ph128'), passes });
      expect((await pair.compare()).differentPages).toBeGreaterThan(0);
    } finally {
      await pair.close();
    }
  });
});

describe('a migration', () => {
  it('that is cancelled is an error that says how it ended', async (context) => {
    const { binary } = needQemu(context);
    const [guest] = guests;
    if (!guest) throw new Error('no guest');
    const pair = await MigrationPair.start({ binary, accelerator: 'tcg', guest });
    try {
      const method = pick(methods, 0);
      const entry: Entry = {
        accident: 'somebody cancels',
        method,
        algorithm: 'ph128',
        guest,
        point: 0.5,
      };
      const error = await breakMigration(pair, entry);
      expect(error).toBeInstanceOf(MigrationError);
      expect(error).toMatchObject({ source: 'cancelled' });
    } finally {
      await pair.close();
    }
  });

  it.for(some(['FAIL'], []))(
    'fails with its reason if the filter does, and the guest goes on, in a build with %s',
    async (name, context) => {
      const { binary } = needBrokenQemu(context, name);
      const guest: GuestOptions = { pattern: 'random', pages: 8192 };
      const pair = await MigrationPair.start({ binary, accelerator: 'tcg', guest });
      try {
        for (const method of [pick(methods, 0), pick(methods, 3)]) {
          const migrated = pair.migrate({ ...method, ...withFilter('ph128'), passes });
          await expect(migrated).rejects.toThrow(/a call of libfakedirty failed/);
          expect(await statusOf(pair.source)).toBe('running');
          await pair.replaceDestination();
        }
        // What the guest has is right, and it can go elsewhere without the filter.
        await pair.migrate({ passes });
        expect(await pair.compare()).toMatchObject({ differentPages: 0 });
        await expectRightGuest(pair, false);
      } finally {
        await pair.close();
      }
    },
  );
});
