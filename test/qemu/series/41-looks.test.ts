// What happens while the filter looks at what is marked, when nothing is sent: a cancelled migration, a link that dies,
// memory that comes and goes or is hinted to be free, a guest that begins to change its pages (R9). A limit of effort makes looks long enough to
// be met.
import { closeSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { mebibyte } from '../../../lib/format/bytes.js';
import type { GuestOptions } from '../../../lib/qemu/machine/guest.js';
import { Balloon, balloonArguments } from '../../harness/balloon-driver.js';
import { DeviceAccess } from '../../harness/device-access.js';
import { some } from '../../harness/methods-and-guests.js';
import { expectRightGuest, plain, withPair } from '../../harness/migrate-and-compare.js';
import { MigrationError } from '../../harness/migration-error.js';
import type { MigrationPair, PairOptions } from '../../harness/migration-pair.js';
import { type MigrationPlan, withFilter } from '../../harness/migration-plan.js';
import { needBrokenQemu, needQemu, type Qemu } from '../../harness/requirements.js';

/** All fake. Where a fingerprint takes 0.2 µs, and the filter may have a hundredth of a processor, a rescan takes 0.6 s. */
const guest: GuestOptions = { pattern: 'rewrite', pages: 32_768, spins: 16 };
const filter = { ...withFilter('ph128').filter, maxCpuPercent: 1 };
const plan: MigrationPlan = {
  filter,
  bandwidthBytesPerSecond: 200_000_000,
  downtimeLimitMs: 300,
  until: () => false,
};
/** Much less than what is left of a rescan, and more than a busy machine adds to the 50 ms in which a look notices. */
const noticedMs = 400;
const pageBytes = 4096;
/** A look may just be over when something happens to it. */
const attempts = 8;
/** A rescan that has not ended by then had ended before, or the sample had advised against it. */
const rescanEndsMs = 20_000;

/** The lines that QEMU has written to its log since they were last asked for. */
class Log {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'r');
  }

  lines(): string[] {
    const bytes = Buffer.alloc(1 << 20);
    const read = readSync(this.#file, bytes, 0, bytes.length, null);
    return bytes.toString('utf8', 0, read).split('\n');
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** A look begins: there is room for something, and the sample says that it may be enough. */
function beginsLook(line: string): boolean {
  return /fake_dirty_sample .*room for [1-9]\d*: of [1-9]/.test(line);
}

/** How a rescan ended. */
interface RescanEnd {
  /** When: the log says so in seconds since 1970. */
  readonly atMs: number;
  readonly isComplete: boolean;
}

function rescanEnd(line: string): RescanEnd | undefined {
  const [, at, complete] = /@(\d+\.\d+):fake_dirty_rescan .*complete ([01])/.exec(line) ?? [];
  return at === undefined ? undefined : { atMs: Number(at) * 1000, isComplete: complete === '1' };
}

type Accident = readonly [name: string, cause: (pair: MigrationPair) => Promise<unknown>];

const fatal: readonly Accident[] = [
  ['it is cancelled', ({ source }) => source.qmp.execute('migrate_cancel')],
  [
    'somebody yanks the link',
    ({ source }) => source.qmp.execute('yank', { instances: [{ type: 'migration' }] }),
  ],
  ['the destination dies', ({ destination }) => destination.kill()],
];

/** Has something happen during a look; returns how its rescan ended after that, or undefined if none did. */
async function meetLook(log: Log, cause: () => Promise<unknown>): Promise<RescanEnd | undefined> {
  log.lines();
  let lines: string[];
  do {
    do {
      await pause(5);
      lines = log.lines();
    } while (!lines.some(beginsLook));
    // By then it is in the middle of a rescan.
    await pause(50);
    lines = log.lines();
  } while (lines.some((line) => line.includes('fake_dirty_rescan')));
  const happenedMs = Date.now();
  await cause();
  for (; Date.now() < happenedMs + rescanEndsMs; await pause(5)) {
    for (const line of log.lines()) {
      const end = rescanEnd(line);
      if (end) return end;
    }
  }
  return undefined;
}

/** Has something happen during a look; returns after how long the look was given up, or undefined if it was over. */
async function givenUpAfter(log: Log, cause: () => Promise<unknown>): Promise<number | undefined> {
  let happenedMs = 0;
  const end = await meetLook(log, async () => {
    happenedMs = Date.now();
    await cause();
  });
  return end && !end.isComplete ? end.atMs - happenedMs : undefined;
}

/** Migrates a guest from a QEMU that writes a log of its looks. */
async function withLog<T>(
  qemu: Qemu,
  work: (pair: MigrationPair, log: Log) => Promise<T>,
  more: Partial<PairOptions> = {},
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'fakedirty-test-looks-'));
  const path = join(folder, 'source.log');
  const sourceArguments = [
    ...['-trace', 'fake_dirty_sample', '-trace', 'fake_dirty_rescan'],
    ...['-msg', 'timestamp=on', '-D', path],
    ...(more.sourceArguments ?? []),
  ];
  try {
    return await withPair({ ...plain(qemu, guest), ...more, sourceArguments }, async (pair) => {
      const log = new Log(path);
      try {
        return await work(pair, log);
      } finally {
        log.close();
      }
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** 300 ms of it carry three quarters of the guest's pages: no look need keep so many, but not all of them. */
const fasterLink = { bandwidthBytesPerSecond: 350_000_000 };

/** Has the guest change all of its pages, again and again, from a moment on; does the migration end all the same? */
function endsInSpite(qemu: Qemu, afterMs: number): Promise<boolean> {
  return withLog(qemu, async (pair, log) => {
    const { qmp, serial } = pair.source;
    let seen = false;
    const migrated = pair.migrate({ ...plan, ...fasterLink, until: () => seen });
    await meetLook(log, async () => {
      await pause(afterMs);
      serial.send('f');
      expect(await serial.line(10_000)).toBe('flipping');
    });
    const passes = qmp.events('MIGRATION_PASS');
    const goesOn = (async () => {
      for (let more = 0; more < 3; more += 1) await passes.until(() => true);
      return false;
    })();
    const ended = await Promise.race([migrated.then(() => true), goesOn]);
    seen = true;
    await migrated;
    passes.close();
    await goesOn.catch(() => {});
    expect(await pair.compare()).toMatchObject({ differentPages: 0 });
    await expectRightGuest(pair, false);
    return ended;
  });
}

describe('a look at what is marked', () => {
  it('does not end a migration when the guest begins to change its pages behind it', async (context) => {
    for (const afterMs of some([200, 100, 300], [0])) {
      expect(await endsInSpite(needQemu(context), afterMs)).toBe(false);
    }
  });

  it.for(some(['R9'], []))(
    'ends one then in a build with %s: nobody syncs after a rescan',
    async (name, context) => {
      let ends = false;
      for (let attempt = 1; attempt <= attempts && !ends; attempt += 1) {
        ends = await endsInSpite(needBrokenQemu(context, name), 50 * attempt);
      }
      expect(ends).toBe(true);
    },
  );

  it.for(fatal)(
    'is given up at once when %s, and the guest goes on',
    async ([, cause], context) => {
      let noticed: number | undefined;
      for (let attempt = 0; attempt < attempts && noticed === undefined; attempt += 1) {
        noticed = await withLog(needQemu(context), async (pair, log) => {
          const failed = pair.migrate(plan).catch((error: unknown) => error);
          const afterMs = await givenUpAfter(log, () => cause(pair));
          expect(await failed).toBeInstanceOf(MigrationError);
          await pair.replaceDestination();
          await pair.migrate({ ...withFilter('ph128'), passes: 3 });
          expect(await pair.compare()).toMatchObject({ differentPages: 0 });
          await expectRightGuest(pair, false);
          return afterMs;
        });
      }
      expect(noticed).toBeLessThan(noticedMs);
    },
  );

  it('is given up when memory is added, and memory is equal', (context) =>
    withLog(needQemu(context), async (pair, log) => {
      let seen = false;
      const migrated = pair.migrate({ ...plan, until: () => seen });
      let noticed: number | undefined;
      for (let at = 0; at < attempts && noticed === undefined; at += 1) {
        const memory = { 'qom-type': 'memory-backend-ram', id: `added${at}`, size: 4096 };
        noticed = await givenUpAfter(log, () => pair.source.qmp.execute('object-add', memory));
      }
      seen = true;
      await migrated;
      expect(noticed).toBeLessThan(noticedMs);
      expect(await pair.compare()).toMatchObject({ differentPages: 0 });
      await expectRightGuest(pair, false);
    }));

  // Marks go in two ways at once then, and each must be counted once: a hint takes them under the same lock.
  it('takes hints of free pages meanwhile, and what is written after them arrives', async (context) => {
    const path = DeviceAccess.newPath();
    // Behind the guest's working set: for a driver, and for what it writes.
    const [driverByte, dataByte] = [132 * mebibyte, 136 * mebibyte];
    const devices = {
      ramBytes: 144 * mebibyte,
      sourceArguments: [...balloonArguments, ...DeviceAccess.arguments(path)],
      destinationArguments: balloonArguments,
    };
    const work = async (pair: MigrationPair, log: Log) => {
      const remaining = async () =>
        (await pair.source.qmp.execute('query-migrate')).ram?.remaining ?? 0;
      const machine = await DeviceAccess.connect(path);
      const balloon = await Balloon.start(machine, driverByte);
      await machine.fill(dataByte, 2 * pageBytes, 0x5a);
      let seen = false;
      const migrated = pair.migrate({ ...plan, until: () => seen });
      let isMet = false;
      for (let at = 1; at <= attempts && !isMet; at += 1) {
        let [hintedMs, taken] = [0, 0];
        const end = await meetLook(log, async () => {
          const before = await remaining();
          // Half of the guest's pages, none of which has really changed: what is free is not sent.
          await balloon.hint(mebibyte, 64 * mebibyte);
          hintedMs = Date.now();
          taken = before - (await remaining());
          await machine.fill(dataByte, pageBytes, at);
        });
        // So many in a moment are the hint's: a rescan takes some 4 MB in 20 ms.
        isMet = end !== undefined && end.atMs > hintedMs && taken > 16 * mebibyte;
        // Counted twice, marks would become fewer than none.
        expect(await remaining()).toBeLessThanOrEqual(devices.ramBytes);
      }
      seen = true;
      await migrated;
      machine.close();
      expect(isMet).toBe(true);
      expect(await pair.compare()).toMatchObject({ differentPages: 0 });
      await expectRightGuest(pair, false);
    };
    await withLog(needQemu(context), work, devices);
  });
});
