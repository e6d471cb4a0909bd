// Memory that comes and goes while a guest migrates: plugged in before, given to the host and taken
// back, hinted to be free. A driver beside the test guest does what a kernel would.

import { describe, expect, it, type TestContext } from 'vitest';
import { z } from 'zod';
import { mebibyte } from '../../../lib/format/bytes.js';
import type { GuestOptions } from '../../../lib/qemu/machine/guest.js';
import { Balloon, balloonArguments } from '../../harness/balloon-driver.js';
import { DeviceAccess } from '../../harness/device-access.js';
import { byName, methods, some } from '../../harness/methods-and-guests.js';
import {
  expectRightGuest,
  migrateWith,
  plain,
  withPair,
} from '../../harness/migrate-and-compare.js';
import type { MigrationPair, PairOptions } from '../../harness/migration-pair.js';
import { withFilter } from '../../harness/migration-plan.js';
import { needQemu } from '../../harness/requirements.js';

const pageBytes = 4096;
const guest: GuestOptions = { pattern: 'random', pages: 2048, wordsPerPage: 8 };
const ramBytes = 24 * mebibyte;
/** Behind the guest's working set: for what a test writes, and for a driver. */
const dataByte = 16 * mebibyte;
const driverByte = 12 * mebibyte;
const filter = withFilter('ph128');

/** A pair whose source is reachable as its devices reach it. */
function withDevices<T>(
  context: TestContext,
  options: Pick<PairOptions, 'sourceArguments' | 'destinationArguments'>,
  work: (pair: MigrationPair, machine: DeviceAccess) => Promise<T>,
): Promise<T> {
  const path = DeviceAccess.newPath();
  const { sourceArguments = [], ...rest } = options;
  const all = {
    ...plain(needQemu(context), guest),
    ...rest,
    ramBytes,
    sourceArguments: [...sourceArguments, ...DeviceAccess.arguments(path)],
  };
  return withPair(all, async (pair) => {
    const machine = await DeviceAccess.connect(path);
    try {
      return await work(pair, machine);
    } finally {
      machine.close();
    }
  });
}

function pageOf(byte: number): number {
  return byte / pageBytes;
}

function dataPage(number: number): number {
  return dataByte + number * pageBytes;
}

describe('memory that was plugged in before a migration', () => {
  const bytes = 16 * mebibyte;
  const slots = ['-m', 'slots=1,maxmem=1G'];
  const backend = { id: 'dimm-memory', size: bytes };
  const plugged = z.array(z.object({ data: z.object({ addr: z.number() }) }));

  it.for(byName(some(methods, [0, 3])))('is equal after it, by %s', async ([, method], context) => {
    const device = ['-device', 'pc-dimm,id=dimm,memdev=dimm-memory'];
    const object = ['-object', `memory-backend-ram,id=${backend.id},size=${bytes}`];
    const destinationArguments = [...slots, ...object, ...device];
    const options = { sourceArguments: slots, destinationArguments };
    await withDevices(context, options, async (pair, machine) => {
      const { qmp } = pair.source;
      await qmp.execute('object-add', { 'qom-type': 'memory-backend-ram', ...backend });
      await qmp.execute('device_add', { driver: 'pc-dimm', id: 'dimm', memdev: backend.id });
      const [dimm] = await qmp.query('query-memory-devices', { schema: plugged });
      const address = dimm?.data.addr ?? 0;
      expect(address).toBeGreaterThan(0);
      await machine.fill(address, bytes / 2, 0x5a);

      await migrateWith(pair, { ...method, ...filter }, 2, async () => {
        // A quarter is written with what it holds, an eighth with something else.
        await machine.fill(address, bytes / 4, 0x5a);
        await machine.fill(address + bytes / 4, bytes / 8, 0xa5);
      });
      expect(await pair.compareRange(address, bytes)).toMatchObject({ differentPages: 0 });
      expect(await pair.compare()).toMatchObject({ differentPages: 0 });
      await expectRightGuest(pair, false);
    });
  });
});

const devices = { sourceArguments: balloonArguments, destinationArguments: balloonArguments };

describe('a guest that balloons', () => {
  it.for(byName(some(methods, [0, 3])))(
    'has equal pages where it took memory back, by %s',
    async ([, method], context) => {
      await withDevices(context, devices, async (pair, machine) => {
        const balloon = await Balloon.start(machine, driverByte);
        await machine.fill(dataByte, 8 * pageBytes, 0x5a);
        const pages = Array.from({ length: 8 }, (_, index) => pageOf(dataPage(index)));

        await migrateWith(pair, { ...method, ...filter }, 3, async () => {
          await balloon.inflate(pages);
          expect(await machine.read(dataPage(3), 1)).toEqual(Buffer.from([0]));
          await balloon.deflate(pages.slice(0, 3));
          // One gets a byte, one a byte of zero, one all that it held before.
          await machine.write(dataPage(0) + 100, Buffer.from([1]));
          await machine.write(dataPage(1) + 100, Buffer.from([0]));
          await machine.fill(dataPage(2), pageBytes, 0x5a);
        });
        // The destination keeps what the guest has given away: nothing tells it, with or without a filter.
        const away = pages.slice(3);
        const { differentPages, firstDifferent } = await pair.compare();
        expect([differentPages, firstDifferent]).toEqual([away.length, away]);
        await expectRightGuest(pair, false);
      });
    },
  );
});

describe('a page that was hinted to be free', () => {
  it.for(byName(some(methods, [0, 3])))(
    'is equal if it is used again, by %s',
    async ([, method], context) => {
      await withDevices(context, devices, async (pair, machine) => {
        const balloon = await Balloon.start(machine, driverByte);
        const pages = Array.from({ length: 8 }, (_, index) => pageOf(dataPage(index)));
        await machine.fill(dataByte, 8 * pageBytes, 0x5a);
        // The first pass takes longer than the hint: the pages are at the end of it.
        const plan = { ...method, ...filter, bandwidthBytesPerSecond: 16 * mebibyte };

        await migrateWith(pair, plan, 1, async () => {
          const passes = pair.source.qmp.events('MIGRATION_PASS');
          await balloon.hint(dataByte, 8 * pageBytes);
          await passes.next();
          await machine.write(dataPage(0) + 100, Buffer.from([1]));
          await machine.fill(dataPage(1), pageBytes, 0x5a);
          await machine.fill(dataPage(2), pageBytes, 0);
          await passes.next();
          // Known now at the destination, marked again, and said to be free.
          await machine.fill(dataPage(0), pageBytes, 0x77);
          await machine.fill(dataPage(1), pageBytes, 0x77);
          await passes.next();
          await balloon.hint(dataPage(1), pageBytes);
          await machine.fill(dataPage(0), pageBytes, 0x5a);
          await passes.next();
          passes.close();
        });
        // What is free is not sent, with or without a filter.
        const { firstDifferent } = await pair.compare();
        const free = pages.slice(3);
        expect(firstDifferent.filter((page) => page !== pages[1])).toEqual(free);
        await expectRightGuest(pair, false);
      });
    },
  );
});
