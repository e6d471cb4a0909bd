// Anything at all as arguments: an error of the package each time, or an answer, and never a crash.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as fakedirty from '../../lib/index.js';

const Resizable = ArrayBuffer as unknown as new (
  bytes: number,
  options: { maxByteLength: number },
) => ArrayBuffer & { resize(bytes: number): void };

function detached(): ArrayBuffer {
  const buffer = new ArrayBuffer(8192);
  structuredClone(buffer, { transfer: [buffer] });
  return buffer;
}

function detachedView(): Uint8Array {
  const view = new Uint8Array(8192);
  structuredClone(view.buffer, { transfer: [view.buffer] });
  return view;
}

function cutOff(): Uint8Array {
  const buffer = new Resizable(8192, { maxByteLength: 8192 });
  const view = new Uint8Array(buffer, 4096);
  buffer.resize(2048);
  return view;
}

const numbers = fc.oneof(
  fc.integer({ min: -3, max: 70 }),
  fc.constantFrom(
    ...[Number.NaN, Number.POSITIVE_INFINITY, -0, 0.5, 2 ** 31, 2 ** 32, 2 ** 53, 1e300, -1e300],
    ...[1024, 4096, 65536],
  ),
  fc.double(),
);

/** Made when it is used: a detached buffer can't even be shown in a report. */
class Memory {
  constructor(
    readonly name: string,
    readonly make: () => unknown,
  ) {}
}

const memories = fc.oneof(
  fc.nat(5).map((pages) => new Memory(`${pages} pages`, () => Buffer.alloc(pages * 4096, pages))),
  fc.nat(9000).map((bytes) => new Memory(`${bytes} bytes`, () => new Uint8Array(bytes))),
  fc.constantFrom(
    new Memory('detached buffer', detached),
    new Memory('view of a detached buffer', detachedView),
    new Memory('view that was cut off', cutOff),
    new Memory('shared memory', () => new SharedArrayBuffer(8192)),
    new Memory('floats', () => new Float32Array(2048)),
    new Memory('data view', () => new DataView(new ArrayBuffer(4096))),
  ),
);

const values = fc.oneof(
  numbers,
  memories,
  fc.bigInt(),
  fc.constantFrom(...fakedirty.algorithmNames, 'portable', 'avx2', '', '__proto__', '\0'),
  fc.constantFrom<unknown>(undefined, null, true, Symbol('s'), () => 1, [0, 1], [0, -1], {}),
  fc.array(numbers, { maxLength: 6 }),
  fc.anything(),
);

const options = fc.oneof(
  values,
  fc.record(
    {
      algorithm: fc.oneof(fc.constantFrom(...fakedirty.algorithmNames), values),
      pageSize: fc.oneof(fc.constantFrom(1024, 4096), values),
      seed: values,
      key: values,
      target: values,
      pages: fc.oneof(fc.integer({ min: 1, max: 9 }), numbers),
      verify: fc.oneof(fc.boolean(), values),
      threads: values,
    },
    { requiredKeys: [] },
  ),
);

/** The call's answer, or the error, which must be one of the package's. */
async function tried(call: () => unknown): Promise<unknown> {
  try {
    return await call();
  } catch (error) {
    expect(error).toBeInstanceOf(fakedirty.FakedirtyError);
    return error;
  }
}

// biome-ignore lint/suspicious/noExplicitAny: what a caller without types may do
type Anything = any;

function made(value: unknown): Anything {
  return value instanceof Memory ? value.make() : value;
}

describe('whatever is passed', () => {
  it('to a hasher', async () => {
    await fc.assert(
      fc.asyncProperty(options, values, values, values, async (ofHasher, bytes, into, work) => {
        const one = await tried(() => new fakedirty.Hasher(made(ofHasher)));
        const hasher = one instanceof fakedirty.Hasher ? one : new fakedirty.Hasher();
        await tried(() => hasher.fingerprint(made(bytes), { into: made(into) }));
        await tried(() => hasher.fingerprint(made(bytes), made(work)));
        await tried(() =>
          hasher.fingerprint(made(bytes), {
            into: made(into),
            first: made(into),
            pages: made(work),
          }),
        );
        await tried(() => hasher.fingerprintAsync(made(bytes), made(work)));
        await tried(() => fakedirty.fingerprintPages(made(bytes), made(ofHasher)));
        hasher.dispose();
      }),
      { numRuns: 1500 },
    );
  });

  it('to a table', async () => {
    await fc.assert(
      fc.asyncProperty(
        options,
        fc.array(fc.tuple(fc.nat(6), values, values), { maxLength: 8 }),
        async (ofTable, calls) => {
          const one = await tried(() => new fakedirty.FingerprintTable(made(ofTable)));
          const table =
            one instanceof fakedirty.FingerprintTable
              ? one
              : new fakedirty.FingerprintTable({ pages: 5, verify: true });
          for (const [which, first, second] of calls) {
            const a = made(first);
            const b = made(second);
            if (which === 0) await tried(() => table.check(a, b));
            if (which === 1) await tried(() => table.commit(a, b));
            if (which === 2) await tried(() => table.commit(table.check(Buffer.alloc(4096)), b));
            if (which === 3) await tried(() => table.checkAndCommit(a, b));
            if (which === 4) await tried(() => table.checkAndCommitAsync(a, b));
            if (which === 5) await tried(() => table.invalidate(a));
            if (which === 5) await tried(() => table.invalidate({ first: a, pages: b }));
            if (which === 6) await tried(() => table.statistics());
          }
          table.dispose();
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('to a memory file', async () => {
    await fc.assert(
      fc.asyncProperty(values, values, values, async (path, hasher, range) => {
        await tried(() => new fakedirty.MemoryFile(made(path)));
        using file = new fakedirty.MemoryFile('/proc/self/exe');
        await tried(() => file.pages(made(range)));
        await tried(() => file.fingerprint(made(hasher), made(range)));
        await tried(() => file.checkAndCommit(made(hasher), made(range)));
      }),
      { numRuns: 500 },
    );
  });
});
