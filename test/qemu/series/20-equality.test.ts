// After a migration both memories are equal, page by page, and the guest runs right on the destination.
import { describe, expect, it, type TestContext } from 'vitest';
import {
  algorithms,
  allCombinations,
  byName,
  combinations,
  guests,
  isStrong,
  type Method,
  methods,
  some,
} from '../../harness/methods-and-guests.js';
import {
  despiteLatePackets,
  filterCountsOf,
  migrateAndCompare,
  plain,
} from '../../harness/migrate-and-compare.js';
import { MigrationPair, type PairOptions } from '../../harness/migration-pair.js';
import { type MigrationPlan, withFilter } from '../../harness/migration-plan.js';
import { needBrokenQemu, needQemu, needRoot } from '../../harness/requirements.js';

const { FAKEDIRTY_MIGRATIONS: wanted = '20' } = process.env;
describe('memory is equal after a migration with the filter', () => {
  const list = combinations(Number(wanted)).map((combination, index) => {
    const { method, algorithm, guest } = combination;
    const title = `by ${method.name}, with ${algorithm}, of a guest that ${guest.name}`;
    return [`${index + 1}: ${title}`, combination] as const;
  });

  it.for(list)('%s', async ([, { algorithm, method, guest }], context) => {
    const qemu = needQemu(context);
    const plan = { ...method, ...withFilter(algorithm), passes: 5 };
    const counts = filterCountsOf(await migrateAndCompare(plain(qemu, guest), plan));
    const { checked, first, zero, changed, unchanged } = counts;
    expect(first + zero + changed + unchanged).toBe(checked);
    expect(first + zero).toBeGreaterThan(0);
    // One look may do for the end: then little has been marked again.
    if (guest.pattern === 'rewrite') expect(unchanged).toBeGreaterThan(guest.pages / 2);
  });
});

describe('memory is equal after a switch to post-copy', () => {
  const list = guests.flatMap((guest) =>
    methods
      .filter(({ preCopyOnly = false }) => !preCopyOnly)
      .map(
        (method) => [`by ${method.name}, of a guest that ${guest.name}`, method, guest] as const,
      ),
  );

  it.for(list)('%s', async ([, method, guest], context) => {
    needRoot(context, 'for userfaultfd');
    const qemu = needQemu(context);
    const plan = { ...method, ...withFilter('ph128'), passes: 2, postcopy: true };
    const sentAfter = async () => {
      const { ram } = await migrateAndCompare(plain(qemu, guest), plan);
      return Number(ram?.['postcopy-bytes'] ?? 0);
    };
    let sent = await sentAfter();
    if (guest.pattern === 'idle' || guest.pattern === 'rewrite') return;
    // One that gets no processor for a while, or is back at what was sent, arrives before the switch.
    for (let attempt = 2; sent === 0 && attempt <= 4; attempt += 1) sent = await sentAfter();
    expect(sent).toBeGreaterThan(0);
  });
});

describe('in verify mode', () => {
  const verify = { verify: true };
  const guest = { pattern: 'flip', pages: 2048 } as const;

  it.for(some(algorithms.filter(isStrong), [0, 2, 3]))(
    '%s skips no page wrongly',
    async (name, context) => {
      const plan = { ...withFilter(name, verify), passes: 5 };
      const counts = filterCountsOf(await migrateAndCompare(plain(needQemu(context), guest), plan));
      expect(counts['false-skips']).toBe(0);
      expect(counts.unchanged).toBeGreaterThan(0);
    },
  );

  it.for(byName(some(methods, [0, 3])))(
    'the false matches of an 8-bit fingerprint are counted, and memory is equal all the same, by %s',
    async ([, method], context) => {
      const crippled = needBrokenQemu(context, 'CRIPPLED');
      const random = { pattern: 'random', pages: 2048 } as const;
      const plan = { ...method, ...withFilter('ph128', verify), passes: 8 };
      const counts = filterCountsOf(await migrateAndCompare(plain(crippled, random), plan));
      expect(counts['false-skips']).toBeGreaterThan(0);
    },
  );
});

// A comparison that cannot fail proves nothing.
describe('memory differs after a migration by a build that breaks a rule on purpose', () => {
  const [plainMethod, , compress, multifd] = methods;
  const [flip, , random, zero] = guests;
  const intoPostcopy = { passes: 2, postcopy: true };
  const breaks = [
    ['R1', 'fingerprints live memory, then sends it', plainMethod, flip],
    ['R4_COMPRESS', 'lets the compression threads read guest memory', compress, flip],
    ['R4_ZERO', 'forgets pages that became zero', multifd, zero],
    ['SYNC', 'keeps its stage across a sync', plainMethod, random],
    ['CRIPPLED', 'has a fingerprint of 8 bits', plainMethod, random],
    ['FLUSH', 'refills its stage under the stream', plainMethod, random],
    ['R3', 'skips in post-copy', { ...plainMethod, ...intoPostcopy }, flip],
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

  it('every time, built with R1', async (context) => {
    const { binary } = needBrokenQemu(context, 'R1');
    if (!flip) throw new Error('the matrix has shrunk');
    const plan = { passes: 5, ...withFilter('ph128') };
    for (const seed of [1, 2, 3]) {
      expect(await differentPages(binary, { ...flip, seed }, plan)).toBeGreaterThan(0);
    }
  });

  it.for(some(breaks, [0, 1, 2, 3, 4, 5]))(
    'built with %s: it %s',
    async ([broken, , method, guest], context) => {
      const { binary } = needBrokenQemu(context, broken);
      if (!method || !guest) throw new Error('the matrix has shrunk');
      const plan = { passes: 10, ...method, ...withFilter('ph128') };
      let different = 0;
      for (let attempt = 0; different === 0 && attempt < attempts; attempt += 1) {
        different = await differentPages(binary, { ...guest, seed: 1 + attempt }, plan);
      }
      expect(different).toBeGreaterThan(0);
    },
  );
});

describe('the list of combinations', () => {
  it('has each of them once', () => {
    const titles = combinations(allCombinations).map(
      ({ algorithm, method, guest }) => `${algorithm} ${method.name} ${guest.name}`,
    );
    expect(new Set(titles).size).toBe(allCombinations);
  });
});

describe('memory is equal after a migration with the filter off', () => {
  it.for(byName(some(methods, [0, 3])))('by %s', async ([, method], context) => {
    const qemu = needQemu(context);
    const [guest] = guests;
    if (!guest) throw new Error('no guest');
    const counts = await migrateAndCompare(plain(qemu, guest), { ...method, passes: 3 });
    expect(counts['fake-dirty']).toBeUndefined();
  });
});

describe('memory is equal after a migration between a patched and an unpatched QEMU', () => {
  const [flip, , , , idle] = guests;

  async function migrate(
    context: TestContext,
    method: Method,
    patchedSource: boolean,
    guest = idle,
  ): Promise<void> {
    const patched = needQemu(context);
    const unpatched = needQemu(context, { unpatched: true });
    const [source, destination] = patchedSource ? [patched, unpatched] : [unpatched, patched];
    if (!guest) throw new Error('no guest');
    const options = { ...plain(source, guest), destinationBinary: destination.binary };
    const filter = patchedSource ? withFilter('ph128') : {};
    const migrated = () => migrateAndCompare(options, { ...method, ...filter, passes: 3 });
    await (patchedSource ? migrated() : despiteLatePackets(migrated));
  }

  it.for(byName(some(methods, [0, 1, 3])))('to the unpatched one, by %s', ([, method], context) =>
    migrate(context, method, true, flip),
  );

  // Without the series TCG loses writes while memory is copied: a guest that writes would not be equal.
  it.for(byName(some(methods, [0, 1, 3])))('from the unpatched one, by %s', ([, method], context) =>
    migrate(context, method, false),
  );
});
