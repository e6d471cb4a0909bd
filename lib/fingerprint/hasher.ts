// A hasher: an algorithm, a page size and, for ph128, a secret key.
import { Buffer } from 'node:buffer';
import { z } from 'zod';
import { checkOptions } from '../errors/check-options.js';
import { OptionError } from '../errors/option-error.js';
import { type AlgorithmName, algorithmNames, lookUp } from './algorithms.js';
import { type Bytes, pagesIn, refuseDetached, viewOf } from './bytes.js';
import { DisposedError } from './errors.js';
import { awaiting, calling, translated } from './library.js';
import { type NativeHasher, native } from './native.js';
import { checkAnswer, type PageRange, rangeWithin } from './page-range.js';
import { pageSizes, parseOptions } from './schema.js';
import { type BackgroundOptions, inSlices, parseBackgroundOptions } from './slices.js';
import { type SourceOf, sourcesIn } from './sources.js';

/** How to fingerprint pages. */
export interface HasherOptions {
  /** The fingerprint algorithm; default: `ph128`. */
  readonly algorithm?: AlgorithmName | undefined;
  /** The size of a page in bytes, a power of two from 1 KiB to 64 KiB; default: 4096. */
  readonly pageSize?: number | undefined;
  /** The seed, for algorithms that take one; default: 0. */
  readonly seed?: number | bigint | undefined;
  /** The secret key of ph128: `pageSize` + 32 uniformly random bytes, which are copied; default: a new one. */
  readonly key?: Uint8Array | undefined;
  /** The instruction set to use, one of `targets()`; default: the best. */
  readonly target?: string | undefined;
}

/** Where digests go, and which pages they are of. */
export interface FingerprintOptions<Into extends Uint8Array = Uint8Array> extends PageRange {
  /** The memory that gets the digests, at its start; it must not overlap the pages. Default: a new Buffer. */
  readonly into: Into;
}

const optionNames = ['into', 'first', 'pages'] as const;
const everything: PageRange = {};
const most64Bits = 2n ** 64n - 1n;
const seedExpected = 'expected a whole number from 0 to 2^64 - 1';

export const hasherShape = {
  algorithm: z.enum(algorithmNames).default('ph128'),
  pageSize: z.literal(pageSizes).default(4096),
  seed: z
    .union([z.number(), z.bigint()], seedExpected)
    .refine((seed) => typeof seed === 'bigint' || Number.isSafeInteger(seed), seedExpected)
    .transform((seed) => BigInt(Number.isNaN(seed) ? 0 : seed))
    .refine((seed) => seed >= 0n && seed <= most64Bits, seedExpected)
    .default(0n),
  key: z.instanceof(Uint8Array, { error: 'expected a Uint8Array' }).optional(),
  target: z.string().optional(),
};

const schema = z.strictObject(hasherShape);

type Checked = z.output<typeof schema>;

function checkAgainstAlgorithm({ algorithm, pageSize, seed, key, target }: Checked): void {
  const { number, properties } = lookUp(algorithm);
  const { seedBits } = properties;
  if (seed >> BigInt(seedBits) !== 0n) {
    const takes = seedBits === 0 ? 'no seed' : `a seed of ${seedBits} bits`;
    throw new OptionError('seed', `is ${seed}; ${algorithm} takes ${takes}`);
  }
  const keyBytes = native().keyBytes(number, pageSize);
  refuseDetached('key', key);
  if (key && key.length !== keyBytes) {
    const takes = keyBytes === 0 ? 'no key' : `a key of ${keyBytes} bytes`;
    throw new OptionError('key', `has ${key.length} bytes; ${algorithm} takes ${takes}`);
  }
  if (target !== undefined && !native().targets().includes(target)) {
    const problem = `is '${target}', which this machine does not have`;
    throw new OptionError('target', problem, target, native().targets());
  }
}

function checkFingerprintOptions(options: unknown): void {
  if (ArrayBuffer.isView(options)) {
    throw new OptionError('options', 'is an object; expected { into, first, pages }');
  }
  checkOptions(options, optionNames);
}

/** The native object of a hasher, for the other modules of this room; throws when it has been disposed of. */
export let nativeHasher: (hasher: Hasher) => NativeHasher;

/**
 * Fingerprints pages, all with one key. Digests of ph128 can be compared only if they were made with the same key, and
 * must be kept secret, since they would help others to find it. Dispose of it, or bind it with `using`, to wipe the key.
 */
export class Hasher implements Disposable {
  /** The fingerprint algorithm. */
  readonly algorithm: AlgorithmName;
  /** The size of a page, in bytes. */
  readonly pageSize: number;
  /** The length of a digest. */
  readonly digestBytes: number;
  /** The instruction set that it uses. */
  readonly target: string;
  /** How many pages it hashes side by side: batches of a multiple of that are fastest. */
  readonly lanes: number;
  #native: NativeHasher | undefined;

  static {
    nativeHasher = (hasher) => {
      if (!(hasher instanceof Hasher)) throw new OptionError('hasher', 'expected a Hasher');
      return hasher.#open();
    };
  }

  constructor(options?: HasherOptions) {
    const checked = parseOptions(schema, options);
    checkAgainstAlgorithm(checked);
    const { algorithm, pageSize, seed, key, target } = checked;
    const { number, properties } = lookUp(algorithm);
    const { Hasher: NativeClass } = native();
    const hasher = calling(
      () => new NativeClass(number, pageSize, seed, key ?? null, target ?? null),
    );
    this.#native = hasher;
    this.algorithm = algorithm;
    this.pageSize = pageSize;
    this.digestBytes = properties.digestBytes;
    this.target = hasher.target();
    this.lanes = hasher.lanes();
  }

  /**
   * The digests of all pages, or of a range of them, one after the other. To go through large memory in small steps, give
   * a range of it each time: making a view for each step takes longer.
   */
  fingerprint(
    bytes: Bytes,
    options?: PageRange & {
      /** Without it, the digests are in a new Buffer. */
      readonly into?: undefined;
    },
  ): Buffer;
  fingerprint<Into extends Uint8Array>(bytes: Bytes, options: FingerprintOptions<Into>): Into;
  fingerprint(
    bytes: Bytes,
    options: PageRange & { readonly into?: Uint8Array | undefined } = everything,
  ): Uint8Array {
    const hasher = this.#open();
    if (options !== everything) checkFingerprintOptions(options);
    const { into } = options;
    const view = viewOf('bytes', bytes);
    const all = pagesIn('bytes', view, this.pageSize);
    const { first, pages } = rangeWithin(all, options);
    const digestsBytes = pages * this.digestBytes;
    // From Node's pool: its memory is there already.
    const digests = into === undefined ? Buffer.allocUnsafe(digestsBytes) : into;
    const room = into === undefined ? digests : viewOf('into', into);
    if (room.length < digestsBytes) {
      throw new OptionError('into', `has ${room.length} bytes; ${digestsBytes} are needed`);
    }
    try {
      hasher.digest(view, room, first, pages);
    } catch (error) {
      throw translated(error);
    }
    return digests;
  }

  /**
   * The same in threads of the pool. Shared memory is read in place; other memory, which JavaScript
   * could take away meanwhile, is copied slice by slice.
   */
  async fingerprintAsync(bytes: Bytes, options?: BackgroundOptions): Promise<Buffer> {
    const view = viewOf('bytes', bytes);
    const pages = pagesIn('bytes', view, this.pageSize);
    return await fingerprintInBackground(this, pages, options, sourcesIn(view, this.pageSize));
  }

  /** Wipes the key. Tables that were made with it can still be used. */
  dispose(): void {
    this.#native?.close();
    this.#native = undefined;
  }

  /** Wipes the key, as `dispose` does. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #open(): NativeHasher {
    if (!this.#native) throw new DisposedError('hasher');
    return this.#native;
  }
}

/** The digests of pages that are handed out slice by slice. */
export async function fingerprintInBackground(
  hasher: Hasher,
  pages: number,
  options: BackgroundOptions | undefined,
  sourceOf: SourceOf,
): Promise<Buffer> {
  nativeHasher(hasher);
  const checked = parseBackgroundOptions(options);
  checkAnswer(pages, hasher.digestBytes);
  const digests = Buffer.allocUnsafe(pages * hasher.digestBytes);
  await inSlices(pages, hasher.pageSize, checked, async (slice) => {
    const source = sourceOf(slice.firstPage, slice.pages);
    const some = await awaiting(() => nativeHasher(hasher).digestInBackground(...source));
    digests.set(some, slice.firstPage * hasher.digestBytes);
  });
  return digests;
}
