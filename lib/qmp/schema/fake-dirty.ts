// What the patch series adds to QEMU's schema: qemu-patches/shared/qapi/fake-dirty.json in TypeScript.
import { z } from 'zod';
import { extensibleEnum } from './extensible-enum.js';

/** The fingerprint algorithms that a patched QEMU offers, its default first. */
export const fakeDirtyHashes = [
  'ph128',
  'xxh3-128',
  'xxh3-64',
  'xxh64',
  'xxh32',
  'sha256',
  'sha1',
  'md5',
  'murmur3-128',
  'murmur3-32',
  'crc32',
] as const;

/** Those that a patched QEMU takes without consent: the library calls no other fit for production. */
export const safeHashes: readonly FakeDirtyHash[] = ['ph128', 'sha256'];

/** One of the fingerprint algorithms that a patched QEMU offers. */
export type FakeDirtyHash = (typeof fakeDirtyHashes)[number];

const counts = {
  checked: z.number(),
  first: z.number(),
  zero: z.number(),
  changed: z.number(),
  unchanged: z.number(),
  unseen: z.number().optional(),
  'bytes-saved': z.number(),
  'time-ns': z.number(),
};

/** The form of MIGRATION_FAKE_DIRTY_PASS. */
export const fakeDirtyPass = z.looseObject({ pass: z.number(), ...counts });
/** What the filter found in one pass, as QEMU tells it. */
export type FakeDirtyPass = z.infer<typeof fakeDirtyPass>;

/** The form of `fake-dirty` in query-migrate. */
export const fakeDirtyInfo = z.looseObject({
  hash: extensibleEnum(...fakeDirtyHashes),
  verify: z.boolean(),
  'table-bytes': z.number(),
  ...counts,
  'false-skips': z.number(),
  bandwidth: z.number(),
  'changed-pages-rate': z.number(),
  passes: z.array(fakeDirtyPass),
});
/** What the filter found in a migration, as query-migrate tells it. */
export type FakeDirtyInfo = z.infer<typeof fakeDirtyInfo>;

/** Further members of migrate-set-parameters. */
export interface FakeDirtyParameters {
  'fake-dirty-hash'?: FakeDirtyHash;
  'fake-dirty-unsafe-hash'?: boolean;
  'fake-dirty-verify'?: boolean;
  /** Bytes that tables and copies may take; 0 is no limit. */
  'fake-dirty-max-memory'?: number;
  /** Percent of one core, all threads of the filter together; 0 is no limit. */
  'fake-dirty-max-cpu'?: number;
  'fake-dirty-sampling'?: boolean;
}
