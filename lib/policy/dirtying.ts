// Estimates from the passes so far how fast a guest changes its memory.
import type { Pass } from '../migration/pass.js';

/** Those that tell how the guest writes while it runs, and that were walked after the first. */
export function livePasses(passes: readonly Pass[]): Pass[] {
  return passes.filter(({ phase }) => phase === 'pre-copy');
}

/** Of the pages that a pass looked at again, how many held what the destination has. */
export function fakeShareOf({ verdicts, number, merged }: Pass): number | undefined {
  if (!verdicts) return undefined;
  const again = verdicts.changed + verdicts.unchanged;
  // A first walk alone looks at nothing again.
  if (again === 0 || number - merged < 0) return undefined;
  return verdicts.unchanged / again;
}

/** What is marked at the end of a pass, without what turns out to be unchanged, as far as that is known. */
export function reallyDirtyPages(pass: Pass): number {
  return pass.dirtyPages * (1 - (fakeShareOf(pass) ?? 0));
}
