// What the series adds: qemu-patches/shared/qapi/fake-dirty.json in TypeScript.
import { z } from 'zod';
import { type AlgorithmName, algorithmNames } from '../../fingerprint/algorithms.js';
import { openNames } from './open-names.js';

/** QEMU's names of fingerprints are libfakedirty's. */
export const fakeDirtyHashes = algorithmNames;
export type FakeDirtyHash = AlgorithmName;

const counts = {
  checked: z.number(),
  first: z.number(),
  zero: z.number(),
  changed: z.number(),
  unchanged: z.number(),
  'bytes-saved': z.number(),
  'time-ns': z.number(),
};

export const fakeDirtyPass = z.looseObject({ pass: z.number(), ...counts });
export type FakeDirtyPass = z.infer<typeof fakeDirtyPass>;

export const fakeDirtyInfo = z.looseObject({
  hash: openNames(...fakeDirtyHashes),
  verify: z.boolean(),
  'table-bytes': z.number(),
  ...counts,
  'false-skips': z.number(),
  bandwidth: z.number(),
  'changed-pages-rate': z.number(),
  passes: z.array(fakeDirtyPass),
});
export type FakeDirtyInfo = z.infer<typeof fakeDirtyInfo>;

/** Further members of migrate-set-parameters. */
export interface FakeDirtyParameters {
  'fake-dirty-hash'?: FakeDirtyHash;
  'fake-dirty-weak-hash'?: boolean;
  'fake-dirty-verify'?: boolean;
}
