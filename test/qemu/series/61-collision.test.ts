// What consent to an unsafe fingerprint is about: a public MD5 collision in guest memory. A process in the guest could
// store these bytes; here they are put into the file that is the guest's memory, while the guest stores the page's first
// word over itself, so that the page is marked in every pass.
import { open } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { FakeDirtyHash } from '../../../lib/qmp/schema/fake-dirty.js';
import { collidingBytes, md5Twin } from '../../harness/md5-collision.js';
import { filterCountsOf, migrateWith, plain, withPair } from '../../harness/migrate-and-compare.js';
import type { MigrationPair } from '../../harness/migration-pair.js';
import { withFilter } from '../../harness/migration-plan.js';
import { needQemu, type Qemu } from '../../harness/requirements.js';

const pageBytes = 4096;
/** The first of the working set. */
const page = (1 << 20) / pageBytes;
/** By then the page has been marked, and looked at, as the twin. */
const passesAfter = 3;
const guest = { pattern: 'rewrite', pages: 256, wordsPerPage: 1 } as const;

async function readPage(ramFile: string): Promise<Buffer> {
  await using file = await open(ramFile);
  const { buffer } = await file.read({
    buffer: Buffer.alloc(pageBytes),
    position: page * pageBytes,
  });
  return buffer;
}

async function writePage({ ramFile }: MigrationPair['source'], bytes: Buffer): Promise<void> {
  await using file = await open(ramFile, 'r+');
  await file.write(bytes, 0, bytes.length, page * pageBytes);
}

/** Between two looks of the guest at the page, which must not store the word that was there before. */
async function plant({ source }: MigrationPair): Promise<Buffer> {
  await source.qmp.execute('stop');
  const bytes = Buffer.concat([
    collidingBytes,
    (await readPage(source.ramFile)).subarray(collidingBytes.length),
  ]);
  await writePage(source, bytes);
  await source.qmp.execute('cont');
  return bytes;
}

/** Migrates a guest whose page becomes its twin once it has been sent, and is marked again after that. */
function migrateCollision(qemu: Qemu, hash: FakeDirtyHash, verify = false) {
  return withPair(plain(qemu, guest), async (pair) => {
    const first = await plant(pair);
    const twin = md5Twin(first);
    const counts = await migrateWith(pair, withFilter(hash, { verify }), 2, async () => {
      // The word that the guest stores is the same in both.
      await writePage(pair.source, twin);
      const passes = pair.source.qmp.events('MIGRATION_PASS');
      for (let ended = 0; ended < passesAfter; ended += 1) await passes.next();
      passes.close();
    });
    expect((await readPage(pair.source.ramFile)).equals(twin)).toBe(true);
    const arrived = await readPage(pair.destination.ramFile);
    return {
      has: arrived.equals(twin) ? 'the twin' : arrived.equals(first) ? 'the first' : 'neither',
      comparison: await pair.compare(),
      counts: filterCountsOf(counts),
    };
  });
}

describe('a page of the guest that becomes another one with the same MD5', () => {
  it('is refused with md5 without consent', async (context) => {
    await withPair(plain(needQemu(context), guest), async (pair) => {
      await plant(pair);
      await expect(pair.migrate({ filter: { hash: 'md5' } })).rejects.toThrow(/"md5" is unsafe/);
      // QEMU itself refuses it as well: whoever drives it.
      const { qmp } = pair.source;
      await qmp.execute('migrate-set-parameters', { 'fake-dirty-hash': 'md5' });
      await expect(
        qmp.execute('migrate-set-capabilities', {
          capabilities: [{ capability: 'fake-dirty-filter', state: true }],
        }),
      ).rejects.toThrow(/'md5' is unsafe: .*collisions are known/);
    });
  });

  it('is WRONG at the destination with md5, where that was consented to', async (context) => {
    const { has, comparison } = await migrateCollision(needQemu(context), 'md5');
    expect(has).toBe('the first');
    expect(comparison).toMatchObject({ differentPages: 1, firstDifferent: [page] });
  });

  it('is right with md5 in verify mode, which counts a false skip', async (context) => {
    const { has, comparison, counts } = await migrateCollision(needQemu(context), 'md5', true);
    expect(has).toBe('the twin');
    expect(comparison).toMatchObject({ differentPages: 0 });
    expect(counts['false-skips']).toBe(1);
  });

  it.for(['ph128', 'sha256'] as const)('is right with %s', async (hash, context) => {
    const { has, comparison } = await migrateCollision(needQemu(context), hash);
    expect(has).toBe('the twin');
    expect(comparison).toMatchObject({ differentPages: 0 });
  });
});
