import { describe, expect, it } from 'vitest';
import { checkAgreement } from '../../bench/agreement.js';
import { allImplementations } from '../../bench/implementations/all.js';
import { type Implementation, nameOf } from '../../bench/implementations/implementation.js';

function named(name: string): Implementation {
  const found = allImplementations().find((each) => nameOf(each) === name);
  if (!found) throw new Error(name);
  return found;
}

/** Says the truth except where lie() holds. */
function liar(honest: Implementation, lie: (bytes: Buffer) => boolean): Implementation {
  const prepare: Implementation['prepare'] = (pageSizeBytes) => {
    const { call, digestOf } = honest.prepare(pageSizeBytes);
    return {
      digestOf,
      call: (bytes) => {
        const digest = call(bytes) as Buffer;
        if (lie(bytes)) digest[0] = (digest[0] ?? 0) ^ 1;
        return digest;
      },
    };
  };
  return { ...honest, prepare };
}

describe('agreement', () => {
  it('holds between all implementations there are, on all kinds of pages', async () => {
    const implementations = allImplementations();
    expect(implementations.length).toBeGreaterThanOrEqual(11 * 4 + 10);
    expect(await checkAgreement(implementations, [4096])).toBeGreaterThan(6000);
    const ph128 = implementations.filter(({ algorithm }) => algorithm === 'ph128');
    expect(await checkAgreement(ph128, [65536])).toBe(3 * 37 * 4);
  }, 30_000);

  it('fails when one bit of one page is wrong, and says whose', async () => {
    const honest = named('sha1, fakedirty, page');
    const sha1 = liar(named('sha1, node:crypto, page'), (bytes) => bytes.every((b) => b === 0));
    await expect(checkAgreement([honest, sha1], [4096])).rejects.toThrow(
      /disagree.*page 0 of 4096 bytes, zero.*\(sha1, fakedirty, page\) makes [0-9a-f]{40}.*\(sha1, node:crypto, page\) makes/,
    );
  });

  it('sees a batch with one wrong page at its end', async () => {
    const honest = named('md5, node:crypto, page');
    const batch = named('md5, fakedirty, batch');
    const lying: Implementation = {
      ...batch,
      prepare: (pageSizeBytes) => {
        const { call, digestOf } = batch.prepare(pageSizeBytes);
        return {
          digestOf,
          call: (bytes) => {
            const digests = call(bytes) as Buffer;
            return digests.fill(0, digests.length - 16);
          },
        };
      },
    };
    await expect(checkAgreement([honest, lying], [4096])).rejects.toThrow(/page 36 of 4096/);
  });

  it('sees digests that are too short', async () => {
    const honest = named('crc32, fakedirty, page');
    const short = liar(named('crc32, fakedirty, batch'), () => false);
    const cut: Implementation = {
      ...short,
      prepare: (size) => ({ ...short.prepare(size), digestOf: () => new Uint8Array(0) }),
    };
    await expect(checkAgreement([honest, cut], [4096])).rejects.toThrow(/disagree/);
  });
});
