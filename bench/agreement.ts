// Before anything is timed: who claims to compute the same must answer the same, bit for bit.
import { type Contents, contentNames, fillPages } from './contents.js';
import { type Implementation, nameOf, takesBatches } from './implementations/implementation.js';

/** More than the lanes of any algorithm, and not a multiple of them. */
const pages = 37;

export class DisagreementError extends Error {
  override readonly name = 'DisagreementError';
}

function hex(digest: Uint8Array): string {
  return Buffer.from(digest).toString('hex');
}

/** The digest of every page, in hexadecimal. */
async function digestsOf(
  implementation: Implementation,
  bytes: Buffer,
  pageSizeBytes: number,
): Promise<string[]> {
  const { call, digestOf } = implementation.prepare(pageSizeBytes);
  if (takesBatches(implementation.mode)) {
    const together = hex(digestOf(await call(bytes)));
    const digits = together.length / pages;
    return Array.from({ length: pages }, (_, page) =>
      together.slice(page * digits, (page + 1) * digits),
    );
  }
  const digests: string[] = [];
  for (let page = 0; page < pages; page += 1) {
    const start = page * pageSizeBytes;
    digests.push(hex(digestOf(await call(bytes.subarray(start, start + pageSizeBytes)))));
  }
  return digests;
}

function pagesOf(contents: Contents, pageSizeBytes: number): Buffer {
  const bytes = Buffer.alloc(pages * pageSizeBytes);
  fillPages(bytes, contents, pageSizeBytes);
  return bytes;
}

function byAlgorithm(implementations: readonly Implementation[]): Implementation[][] {
  const groups = new Map<string, Implementation[]>();
  for (const each of implementations) {
    groups.set(each.algorithm, [...(groups.get(each.algorithm) ?? []), each]);
  }
  return [...groups.values()];
}

async function checkGroup(group: Implementation[], pageSizeBytes: number): Promise<number> {
  const [first, ...others] = group;
  if (!first) return 0;
  let compared = 0;
  for (const contents of contentNames) {
    const bytes = pagesOf(contents, pageSizeBytes);
    const expected = await digestsOf(first, bytes, pageSizeBytes);
    for (const other of others) {
      const found = await digestsOf(other, bytes, pageSizeBytes);
      const wrong = expected.findIndex((digest, page) => digest !== found[page]);
      if (wrong >= 0) {
        const where = `page ${wrong} of ${pageSizeBytes} bytes, ${contents}`;
        throw new DisagreementError(
          `the implementations disagree, so nothing was measured: of ${where}, ` +
            `(${nameOf(first)}) makes ${expected[wrong]}, (${nameOf(other)}) makes ${found[wrong]}`,
        );
      }
      compared += pages;
    }
  }
  return compared;
}

/** How many digests were compared and found equal; throws at the first that is not. */
export async function checkAgreement(
  implementations: readonly Implementation[],
  pageSizesBytes: readonly number[],
): Promise<number> {
  let compared = 0;
  for (const pageSizeBytes of pageSizesBytes) {
    for (const group of byAlgorithm(implementations)) {
      compared += await checkGroup(group, pageSizeBytes);
    }
  }
  return compared;
}
