// What libfakedirty can do on this machine.
import { type NativeAlgorithm, native } from './native.js';

/** All algorithms by name, the default first. */
export const algorithmNames = [
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

export type AlgorithmName = (typeof algorithmNames)[number];

/** A fingerprint algorithm, as libfakedirty describes it. */
export interface Algorithm {
  readonly name: AlgorithmName;
  readonly digestBytes: number;
  /** 0: it takes no seed. */
  readonly seedBits: number;
  /** It has a secret key, new for each migration. */
  readonly keyed: boolean;
  /** n: two different pages collide with a probability of at most 2^-n; null: no bound is known. */
  readonly collisionBits: number | null;
  /** No contents are known, and none can be made, that pass for unchanged when they are not. */
  readonly production: boolean;
  /** The instruction set that this machine runs it on. */
  readonly target: string;
  /** Pages hashed side by side: batches of a multiple are fastest. */
  readonly lanes: number;
}

let described: NativeAlgorithm[] | undefined;

/** The number that fakedirty.h gives an algorithm, and what it says of it. */
export function lookUp(name: AlgorithmName): { number: number; properties: NativeAlgorithm } {
  described ??= native().algorithms();
  const number = algorithmNames.indexOf(name);
  const properties = described[number];
  if (!properties) throw new Error(`the addon does not know ${name}`);
  return { number, properties };
}

/** All fingerprint algorithms, the default first. */
export function algorithms(): Algorithm[] {
  const addon = native();
  return addon.algorithms().map((algorithm, number) => {
    const hasher = new addon.Hasher(number, 4096, 0n, null, null);
    const runsOn = { target: hasher.target(), lanes: hasher.lanes() };
    hasher.close();
    return { ...algorithm, name: algorithm.name as AlgorithmName, ...runsOn };
  });
}

/** The instruction sets that this machine has and libfakedirty uses, best first. */
export function targets(): string[] {
  return native().targets();
}

/** The version of libfakedirty, as "major.minor.patch". */
export function version(): string {
  return native().version();
}
