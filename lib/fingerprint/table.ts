// A table: the fingerprints of what a destination holds, one slot for each page.
import { z } from 'zod';
import { OptionError } from '../errors/option-error.js';
import { shown } from '../errors/shown.js';
import { type Bytes, isShared, pagesIn, refuseDetached, viewOf } from './bytes.js';
import { BusyError, DisposedError, StaleCheckError } from './errors.js';
import { Hasher, type HasherOptions, hasherShape, nativeHasher } from './hasher.js';
import { awaiting, calling } from './library.js';
import { type NativeCheck, type NativeIndex, type NativeTable, native } from './native.js';
import { checkAnswer, type PageRange, pagesWithin } from './page-range.js';
import { count, parseOptions } from './schema.js';
import {
  type BackgroundOptions,
  backgroundShape,
  inSlices,
  parseBackgroundOptions,
} from './slices.js';
import { type SourceOf, sourcesIn } from './sources.js';

/** The names of verdicts by their numbers: `verdictNames[verdicts[i]]`. */
export const verdictNames = ['first', 'zero', 'changed', 'unchanged'] as const;
/**
 * What a table says of a page. `first`: it knows nothing of it. `zero`: the page is all zero, and the destination's is not
 * known to be. `changed`: the destination holds something else. `unchanged`: the destination holds these bytes.
 */
export type Verdict = (typeof verdictNames)[number];

/** The numbers of verdicts by their names. */
export const Verdicts = { first: 0, zero: 1, changed: 2, unchanged: 3 } as const satisfies Record<
  Verdict,
  number
>;

/** How many pages got each verdict. */
export type VerdictCounts = Readonly<Record<Verdict, number>>;

/** How to make a table. */
export interface TableOptions extends HasherOptions {
  /** How many pages the guest has. */
  readonly pages: number;
  /** A hasher to share with other tables, with its key; instead of the options of a hasher. */
  readonly hasher?: Hasher | undefined;
  /** Keep full copies of what was committed, and count changes that the fingerprints would have hidden; default: false. */
  readonly verify?: boolean | undefined;
}

/** Which pages the bytes belong to: the number of the first of consecutive pages, or the number of each page. */
export type PageNumbers = number | ArrayLike<number>;

/** How to check pages in the background. */
export interface CheckOptions extends Omit<BackgroundOptions, 'threads'> {
  /** Which pages the bytes belong to; default: consecutive ones from 0 on. */
  readonly where?: PageNumbers | undefined;
}

/** What is in a table, and what it has counted. */
export interface TableStatistics {
  /** How many pages the guest has. */
  readonly pages: number;
  /** Address space of the table, in bytes; memory is taken only as slots are written. */
  readonly bytes: number;
  /** How many slots are unknown, hold a zero page, or hold a fingerprint. */
  readonly slots: { readonly unknown: number; readonly zero: number; readonly known: number };
  /** How many pages got each verdict, of those that were committed or, being unchanged, skipped. */
  readonly counted: VerdictCounts;
  /** Changed pages that their fingerprint would have taken for unchanged; counted with `verify`. */
  readonly falseSkips: number;
}

const schema = z.strictObject({
  ...hasherShape,
  pages: count.refine((pages) => pages > 0, 'expected at least 1'),
  hasher: z.instanceof(Hasher, { error: 'expected a Hasher' }).optional(),
  verify: z.boolean().default(false),
});

const checkSchema = z.strictObject({
  signal: backgroundShape.signal,
  onProgress: backgroundShape.onProgress,
  where: z.custom<PageNumbers>().optional(),
});

function countVerdicts(verdicts: Uint8Array, sent?: Uint8Array | null): VerdictCounts {
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < verdicts.length; ++i) {
    const verdict = verdicts[i] ?? 0;
    if (sent && sent[i] === 0 && verdict !== Verdicts.unchanged) continue;
    counts[verdict] = (counts[verdict] ?? 0) + 1;
  }
  const [first = 0, zero = 0, changed = 0, unchanged = 0] = counts;
  return { first, zero, changed, unchanged };
}

function plus(a: VerdictCounts, b: VerdictCounts): VerdictCounts {
  return {
    first: a.first + b.first,
    zero: a.zero + b.zero,
    changed: a.changed + b.changed,
    unchanged: a.unchanged + b.unchanged,
  };
}

const none: VerdictCounts = { first: 0, zero: 0, changed: 0, unchanged: 0 };

/** The verdicts on some pages, to be committed when the pages have been sent. */
export class Check {
  /** The number of each page's verdict, in the order of the pages: see `verdictNames`. */
  readonly verdicts: Uint8Array;
  /** How many of the pages got each verdict. */
  readonly counts: VerdictCounts;

  /** @internal */
  constructor(verdicts: Uint8Array) {
    this.verdicts = verdicts;
    this.counts = countVerdicts(verdicts);
  }
}

/** For the other modules of this room: which pages to check in the background, and how. */
export interface BackgroundCheck {
  readonly pages: number;
  readonly where: PageNumbers | undefined;
  readonly commit: boolean;
  readonly sourceOf: SourceOf;
}

/** Checks pages slice by slice. */
export let checkInBackground: (
  table: FingerprintTable,
  request: BackgroundCheck,
  options: BackgroundOptions | undefined,
) => Promise<Uint8Array>;

/**
 * Holds a fingerprint of each page of a guest and tells which pages have changed. `check` gives verdicts and changes
 * nothing; `commit` says that the pages of a check have reached the destination; `checkAndCommit` does both. For a new
 * migration make a new table (rule R5). Dispose of it, or bind it with `using`, to free its memory.
 */
export class FingerprintTable implements Disposable {
  /** How many pages the guest has. */
  readonly pages: number;
  /** Whether full copies are kept, to count changes that the fingerprints would have hidden. */
  readonly verify: boolean;
  /** The hasher that makes the fingerprints. */
  readonly hasher: Hasher;
  readonly #ownsHasher: boolean;
  /** The checks that can still be committed, and the era that they belong to. */
  readonly #pending = new WeakMap<Check, { readonly seen: NativeCheck; readonly era: number }>();
  readonly #committed = new WeakSet<Check>();
  #native: NativeTable | undefined;
  #counted = none;
  #busy = false;
  /** Grows when slots become unknown: a check from before must not be committed after. */
  #era = 0;

  static {
    checkInBackground = (table, request, options) => {
      return table.#checkInBackground(request, options);
    };
  }

  constructor(options: TableOptions) {
    const { pages, hasher, verify, ...ofHasher } = parseOptions(schema, options);
    const extra = Object.entries(options).find(
      ([option, value]) => option in hasherShape && value !== undefined,
    );
    if (hasher && extra) throw new OptionError(extra[0], 'the hasher given has one already');
    this.hasher = hasher ?? new Hasher(ofHasher);
    this.#ownsHasher = !hasher;
    const { Table } = native();
    this.#native = calling(() => new Table(nativeHasher(this.hasher), pages, verify));
    this.pages = pages;
    this.verify = verify;
  }

  /** Gives each page a verdict. The bytes that are then sent must be the ones that were checked (rule R1). */
  check(bytes: Bytes, where?: PageNumbers): Check {
    const table = this.#open();
    const view = viewOf('bytes', bytes);
    const index = this.#index(pagesIn('bytes', view, this.hasher.pageSize), where);
    const { verdicts, check: seen } = calling(() =>
      table.check(index, false, view, isShared(view)),
    );
    const check = new Check(verdicts);
    if (seen) this.#pending.set(check, { seen, era: this.#era });
    return check;
  }

  /** Says that pages of a check have been sent: those at these positions, or all. Unchanged pages count as skipped. */
  commit(check: Check, sent?: ArrayLike<number>): void {
    const table = this.#open();
    const seen = this.#fresh(check);
    const mask = sent === undefined ? null : maskOf(check, sent);
    calling(() => table.commit(seen, mask));
    this.#pending.delete(check);
    this.#committed.add(check);
    const counts = mask ? countVerdicts(check.verdicts, mask) : check.counts;
    this.#counted = plus(this.#counted, counts);
  }

  /** Checks pages and commits all of them. */
  checkAndCommit(bytes: Bytes, where?: PageNumbers): Check {
    const table = this.#open();
    const view = viewOf('bytes', bytes);
    const index = this.#index(pagesIn('bytes', view, this.hasher.pageSize), where);
    const { verdicts } = calling(() => table.check(index, true, view, isShared(view)));
    const check = this.#done(verdicts);
    this.#counted = plus(this.#counted, check.counts);
    return check;
  }

  /** Checks and commits in a thread of libuv's pool. Until that ends, other use of the table throws BusyError. */
  async checkAndCommitAsync(bytes: Bytes, options?: CheckOptions): Promise<Check> {
    const { where, ...background } = parseOptions(checkSchema, options);
    const view = viewOf('bytes', bytes);
    const { pageSize } = this.hasher;
    const pages = pagesIn('bytes', view, pageSize);
    const request = { pages, where, commit: true, sourceOf: sourcesIn(view, pageSize) };
    return this.#done(await this.#checkInBackground(request, background));
  }

  /** Says that it is no longer known what the destination holds of these pages. */
  invalidate(range: PageRange): void {
    const table = this.#open();
    const { first, pages } = pagesWithin(this.pages, range);
    calling(() => table.invalidate(first, pages));
    this.#era += 1;
  }

  /** Makes all slots unknown, frees their memory, and sets the counts to 0. The key stays. */
  reset(): void {
    const table = this.#open();
    calling(() => table.reset());
    this.#counted = none;
    this.#era += 1;
  }

  /** Counts what is in the table. It walks all slots that were ever written. */
  statistics(): TableStatistics {
    const table = this.#open();
    const { pages, bytes, unknown, zero, known, falseSkips } = calling(() => table.statistics());
    return { pages, bytes, slots: { unknown, zero, known }, counted: this.#counted, falseSkips };
  }

  /** Frees the memory of the table, and disposes of its hasher unless that was given. */
  dispose(): void {
    this.#native?.close();
    this.#native = undefined;
    if (this.#ownsHasher) this.hasher.dispose();
  }

  /** Frees the memory of the table, as `dispose` does. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #open(): NativeTable {
    if (!this.#native) throw new DisposedError('table');
    if (this.#busy) throw new BusyError();
    return this.#native;
  }

  #done(verdicts: Uint8Array): Check {
    const check = new Check(verdicts);
    this.#committed.add(check);
    return check;
  }

  #fresh(check: Check): NativeCheck {
    if (this.#committed.has(check)) throw new StaleCheckError('This check is committed already.');
    const pending = this.#pending.get(check);
    if (!pending) throw new OptionError('check', 'expected a Check of this table');
    if (pending.era === this.#era) return pending.seen;
    throw new StaleCheckError(
      'This check is older than the last invalidate or reset: check again.',
    );
  }

  #index(pages: number, where: PageNumbers | undefined): NativeIndex {
    if (where === undefined || typeof where === 'number') {
      const first = where ?? 0;
      if (Number.isSafeInteger(first) && first >= 0 && first + pages <= this.pages) return first;
      const problem = `no such pages: ${pages} from ${first} on, of ${this.pages}`;
      throw new OptionError('where', problem);
    }
    refuseDetached('where', where);
    const listed = typeof where === 'object' && where !== null ? where.length : shown(where);
    if (listed !== pages) {
      throw new OptionError('where', `is for ${listed} pages; the bytes hold ${pages}`);
    }
    const index = new Float64Array(pages);
    let ascending = true;
    for (let i = 0; i < pages; ++i) {
      const page: unknown = where[i];
      if (typeof page === 'number' && Number.isInteger(page) && page >= 0 && page < this.pages) {
        ascending &&= i === 0 || page > (index[i - 1] ?? page);
        index[i] = page;
        continue;
      }
      const problem = `there is no page ${shown(page)}; pages are 0 to ${this.pages - 1}`;
      throw new OptionError('where', problem);
    }
    if (!ascending) refuseRepetition(index);
    return index;
  }

  async #checkInBackground(
    { pages, where, commit, sourceOf }: BackgroundCheck,
    options: BackgroundOptions | undefined,
  ): Promise<Uint8Array> {
    this.#open();
    const index = this.#index(pages, where);
    // One at a time: two slices may name one page (R6).
    const checked = { ...parseBackgroundOptions(options), threads: 1 };
    checkAnswer(pages, 1);
    const verdicts = new Uint8Array(pages);
    this.#busy = true;
    try {
      await inSlices(pages, this.hasher.pageSize, checked, async ({ firstPage, pages: some }) => {
        const table = this.#native;
        if (!table) throw new DisposedError('table');
        const part =
          typeof index === 'number'
            ? index + firstPage
            : index.subarray(firstPage, firstPage + some);
        const source = sourceOf(firstPage, some);
        const result = await awaiting(() => table.checkInBackground(part, commit, ...source));
        verdicts.set(result.verdicts, firstPage);
        this.#counted = plus(this.#counted, countVerdicts(result.verdicts));
      });
    } finally {
      this.#busy = false;
    }
    return verdicts;
  }
}

/** The second verdict on a page would not know of the commit of the first, and could skip a changed page. */
function refuseRepetition(index: Float64Array): void {
  const sorted = index.slice().sort();
  const repeated = sorted.find((page, i) => page === sorted[i - 1]);
  if (repeated === undefined) return;
  throw new OptionError('where', `has page ${repeated} twice; expected each page once`);
}

function maskOf(check: Check, sent: ArrayLike<number>): Uint8Array {
  // Whoever posts the verdicts to another thread takes them away from here.
  refuseDetached('check.verdicts', check.verdicts);
  refuseDetached('sent', sent);
  if (typeof sent !== 'object' || !Number.isSafeInteger(sent?.length)) {
    throw new OptionError('sent', `is ${shown(sent)}; expected a list of positions in the check`);
  }
  const mask = new Uint8Array(check.verdicts.length);
  for (let i = 0; i < sent.length; ++i) {
    const position = sent[i] ?? Number.NaN;
    if (!(Number.isSafeInteger(position) && position >= 0 && position < mask.length)) {
      const problem = `there is no position ${shown(position)} in a check of ${mask.length}`;
      throw new OptionError('sent', problem);
    }
    mask[position] = 1;
  }
  return mask;
}
