// After a migration both memories are equal, page by page, and the guest runs right on the destination.
import { describe, expect, it, type TestContext } from 'vitest';
import { z } from 'zod';
import { guestState } from '../../../lib/qemu/machine/guest.js';
import {
  type MigrationCounts,
  MigrationPair,
  type MigrationPlan,
  type PairOptions,
} from '../../../lib/qemu/machine/migration-pair.js';
import { needBrokenQemu, needKvm, needQemu, needRoot, type Qemu } from './available.js';
import { allCombinations, combinations, guests, methods, withFilter } from './matrix.js';

const { FAKEDIRTY_MIGRATIONS: wanted = '20' } = process.env;
const timeout = 180_000;

const filterCounts = z.looseObject({
  checked: z.number(),
  first: z.number(),
  zero: z.number(),
  changed: z.number(),
  unchanged: z.number(),
  'false-skips': z.number(),
});

function filterCountsOf(counts: MigrationCounts) {
  return filterCounts.parse(counts['fake-dirty']);
}

/** Migrates, and demands equal memories and a guest that goes on rightly. */
async function migrateAndCompare(options: PairOptions, plan: MigrationPlan) {
  const pair = await MigrationPair.start(options);
  try {
    const counts = await pair.migrate(plan);
    expect(await pair.compare()).toMatchObject({ differentPages: 0, firstDifferent: [] });
    const { qmp, serial } = pair.destination;
    await qmp.execute('cont');
    const state = await guestState(serial);
    expect(state.wrongWords).toBe(0);
    if (options.guest.pattern !== 'idle') {
      expect((await guestState(serial)).passes).toBeGreaterThan(state.passes);
    }
    return counts;
  } finally {
    await pair.close();
  }
}

function plain(qemu: Qemu, guest: PairOptions['guest']): PairOptions {
  return { binary: qemu.binary, accelerator: 'tcg', guest };
}

describe('memory is equal after a migration with the filter', () => {
  const list = combinations(Number(wanted)).map((combination, index) => {
    const { method, algorithm, guest } = combination;
    const title = `${method.name}, ${algorithm}, a guest that ${guest.name}`;
    return [`${index + 1}: ${title}`, combination] as const;
  });

  it.for(list)('%s', { timeout }, async ([, { algorithm, method, guest }], context) => {
    const qemu = needQemu(context);
    const plan = { ...method, ...withFilter(algorithm), passes: 5 };
    const counts = filterCountsOf(await migrateAndCompare(plain(qemu, guest), plan));
    const { checked, first, zero, changed, unchanged } = counts;
    expect(first + zero + changed + unchanged).toBe(checked);
    expect(first + zero).toBeGreaterThan(0);
    if (guest.pattern === 'rewrite') expect(unchanged).toBeGreaterThan(guest.pages);
  });
});

describe('after a switch to post-copy', () => {
  const list = guests.flatMap((guest) =>
    methods
      .filter(({ preCopyOnly = false }) => !preCopyOnly)
      .map((method) => [`${method.name}, a guest that ${guest.name}`, method, guest] as const),
  );

  it.for(list)('%s: memory is equal', { timeout }, async ([, method, guest], context) => {
    needRoot(context, 'for userfaultfd');
    const qemu = needQemu(context);
    const capabilities = { ...method.capabilities, 'postcopy-ram': true };
    const plan = { ...method, ...withFilter('ph128'), capabilities, passes: 2, postcopy: true };
    const { ram } = await migrateAndCompare(plain(qemu, guest), plan);
    const converges = guest.pattern === 'idle' || guest.pattern === 'rewrite';
    if (!converges) expect(ram?.['postcopy-bytes']).toBeGreaterThan(0);
  });
});

describe('in verify mode', () => {
  it.for(['ph128', 'xxh64', 'md5'])(
    '%s skips no page wrongly',
    { timeout },
    async (name, context) => {
      const qemu = needQemu(context);
      const guest = { pattern: 'flip', pages: 2048 } as const;
      const plan = { ...withFilter(name, { 'fake-dirty-verify': true }), passes: 5 };
      const counts = filterCountsOf(await migrateAndCompare(plain(qemu, guest), plan));
      expect(counts['false-skips']).toBe(0);
      expect(counts.unchanged).toBeGreaterThan(0);
    },
  );
});

// A comparison that cannot fail proves nothing.
describe('a filter that breaks a rule makes memory differ:', () => {
  const [plainMethod, , compress, multifd] = methods;
  const [flip, , random, zero] = guests;
  const breaks = [
    ['R1', 'fingerprints live memory, then sends it', plainMethod, flip],
    ['R4_COMPRESS', 'lets the compression threads read guest memory', compress, flip],
    ['R4_ZERO', 'forgets pages that became zero', multifd, zero],
    ['SYNC', 'keeps its stage across a sync', plainMethod, random],
    ['FLUSH', 'refills its stage under the stream', plainMethod, random],
  ] as const;
  // When the last pass falls well for the guest, one migration may end right by chance.
  const attempts = 6;

  async function differentPages(binary: string, guest: PairOptions['guest'], plan: MigrationPlan) {
    const pair = await MigrationPair.start({ binary, accelerator: 'tcg', guest });
    try {
      await pair.migrate(plan);
      return (await pair.compare()).differentPages;
    } finally {
      await pair.close();
    }
  }

  it.for(breaks)('%s, it %s', { timeout }, async ([broken, , method, guest], context) => {
    const { binary } = needBrokenQemu(context, broken);
    if (!method || !guest) throw new Error('the matrix has shrunk');
    const plan = { ...method, ...withFilter('ph128'), passes: 10 };
    let different = 0;
    for (let attempt = 0; different === 0 && attempt < attempts; attempt += 1) {
      different = await differentPages(binary, { ...guest, seed: 1 + attempt }, plan);
    }
    expect(different).toBeGreaterThan(0);
  });
});

describe('the matrix', () => {
  it('has every combination once', () => {
    const titles = combinations(allCombinations).map(
      ({ algorithm, method, guest }) => `${algorithm} ${method.name} ${guest.name}`,
    );
    expect(new Set(titles).size).toBe(allCombinations);
  });
});

describe('with the filter off', () => {
  it.for(methods)('$name is equal as well', { timeout }, async (method, context) => {
    const qemu = needQemu(context);
    const [guest] = guests;
    if (!guest) throw new Error('no guest');
    const counts = await migrateAndCompare(plain(qemu, guest), { ...method, passes: 3 });
    expect(counts['fake-dirty']).toBeUndefined();
  });
});

describe('between a QEMU with the series and one without', () => {
  const [flip, , , , idle] = guests;

  function migrate(context: TestContext, patchedSource: boolean, guest = idle) {
    const patched = needQemu(context);
    const unpatched = needQemu(context, { unpatched: true });
    const [source, destination] = patchedSource ? [patched, unpatched] : [unpatched, patched];
    if (!guest) throw new Error('no guest');
    const options = { ...plain(source, guest), destinationBinary: destination.binary };
    const filter = patchedSource ? withFilter('ph128') : {};
    return migrateAndCompare(options, { ...filter, passes: 3 });
  }

  it('the destination needs no series', { timeout }, (context) => migrate(context, true, flip));

  // Without the series TCG loses writes while memory is copied: a guest that writes would not be equal.
  it('the source may be without it', { timeout }, (context) => migrate(context, false));
});

describe('under KVM', () => {
  it.for(guests)('memory of a guest that $name is equal', { timeout }, async (guest, context) => {
    const qemu = needQemu(context);
    const storesPerSecond = await needKvm(context, qemu);
    // Where KVM itself is emulated a guest crawls: a working set that it can fill in a second.
    const pages = Math.max(16, Math.min(guest.pages, Math.floor(storesPerSecond / 4096)));
    const options = { ...plain(qemu, { ...guest, pages }), accelerator: 'kvm' } as const;
    await migrateAndCompare(options, { ...withFilter('ph128'), passes: 3 });
  });
});
