// The fingerprint algorithms, and what libfakedirty can do on this machine.
import { type NativeAlgorithm, native } from './native.js';

/** The names of all fingerprint algorithms, the default first. */
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

/** The name of a fingerprint algorithm. */
export type AlgorithmName = (typeof algorithmNames)[number];

/** What is known of a fingerprint algorithm. */
export interface Algorithm {
  /** Its name. */
  readonly name: AlgorithmName;
  /** The length of a digest. */
  readonly digestBytes: number;
  /** How many bits of seed it takes; 0: none. */
  readonly seedBits: number;
  /** Whether it has a secret key, which must be new for each migration. */
  readonly keyed: boolean;
  /** n, where two different pages collide with a probability of at most 2^-n; null: no bound is proven. */
  readonly collisionBits: number | null;
  /** Whether it is fit for production: nobody can make a changed page that passes for unchanged. */
  readonly production: boolean;
  /** The instruction set that it uses on this machine. */
  readonly target: string;
  /** How many pages it hashes side by side: batches of a multiple of that are fastest. */
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

/** Describes all fingerprint algorithms, the default first. */
export function algorithms(): Algorithm[] {
  const addon = native();
  return addon.algorithms().map((algorithm, number) => {
    const hasher = new addon.Hasher(number, 4096, 0n, null, null);
    const runsOn = { target: hasher.target(), lanes: hasher.lanes() };
    hasher.close();
    return { ...algorithm, name: algorithm.name as AlgorithmName, ...runsOn };
  });
}

/** The instruction sets that libfakedirty can use on this machine, the best first. */
export function targets(): string[] {
  return native().targets();
}

/** The version of libfakedirty, such as "0.1.0". */
export function version(): string {
  return native().version();
}
