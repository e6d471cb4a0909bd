// Memory that comes and goes while a guest migrates: the walk over its pages starts again each time.
import { expect, it } from 'vitest';
import type { GuestOptions } from '../../../lib/qemu/machine/guest.js';
import { methods } from '../../harness/methods-and-guests.js';
import {
  expectRightGuest,
  migrateWith,
  plain,
  withPair,
} from '../../harness/migrate-and-compare.js';
import type { MigrationPair } from '../../harness/migration-pair.js';
import { withFilter } from '../../harness/migration-plan.js';
import { needQemu, testedVersion } from '../../harness/requirements.js';

const times = 40;
/** Pages become zero and back: zeros, which go another way than pages, must not overtake them. */
const zero: GuestOptions = { pattern: 'zero', pages: 2048 };
const random: GuestOptions = { pattern: 'random', pages: 2048, wordsPerPage: 8 };
/** Nothing makes its pages smaller: without the filter QEMU ends at once where the first pass takes no time. */
const whole: GuestOptions = { pattern: 'random', pages: 2048, wordsPerPage: 1024 };

/** The older one has the channels of multifd waited for after each section, the newer one after each walk. */
const machineTypes = [...new Set(['pc-i440fx-7.2', `pc-i440fx-${testedVersion}`])];

async function addAndRemoveMemory({ source: { qmp } }: MigrationPair): Promise<void> {
  for (let at = 0; at < times; at += 1) {
    const id = `added${at}`;
    await qmp.execute('object-add', { 'qom-type': 'memory-backend-ram', id, size: 4096 });
    await new Promise((resolve) => setTimeout(resolve, 10));
    await qmp.execute('object-del', { id });
  }
}

const inTheOpen = methods.filter(({ tls }) => !tls);

/** What the series mends in QEMU itself: these methods failed, or could have, without a filter. */
const mended = inTheOpen.filter(({ name }) =>
  ['xbzrle', 'compress', 'multifd none'].includes(name),
);

const list = [
  ...inTheOpen.flatMap((method) => [zero, random].map((guest) => ({ method, guest, on: true }))),
  ...mended.map((method) => ({ method, guest: whole, on: false })),
]
  .flatMap((entry) => machineTypes.map((machineType) => ({ ...entry, machineType })))
  .map((entry) => {
    const { method, guest, machineType, on } = entry;
    const filter = on ? 'with' : 'without';
    const title = `by ${method.name}, ${filter} the filter, on ${machineType}, pattern ${guest.pattern}`;
    return [title, entry] as const;
  });

it.for(list)(
  'memory is equal if blocks come and go during a migration %s',
  async ([, entry], context) => {
    const { method, guest, machineType, on } = entry;
    await withPair({ ...plain(needQemu(context), guest), machineType }, async (pair) => {
      // Without the filter QEMU takes a limit of 0 for leave to end after the first pass.
      const settings = on ? withFilter('ph128') : { downtimeLimitMs: 1 };
      const plan = { ...method, ...settings, passes: 3 };
      const { ram } = await migrateWith(pair, plan, 2, () => addAndRemoveMemory(pair));
      expect(ram?.['dirty-sync-count']).toBeGreaterThan(3);
      expect(await pair.compare()).toMatchObject({ differentPages: 0, firstDifferent: [] });
      await expectRightGuest(pair, false);
    });
  },
);
