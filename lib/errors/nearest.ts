// Which name was probably meant by a misspelt one.
import { distance } from 'fastest-levenshtein';

/** The accepted name that is most similar to the one given; undefined when none is similar. */
export function nearestOf(given: string, accepted: readonly string[]): string | undefined {
  const plain = (name: string) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  const begun = plain(given).length >= 3 ? plain(given) : undefined;
  const letters = (name: string) => [...plain(name)].sort().join('');
  const slipsTo = (name: string) => {
    if (begun && (plain(name).startsWith(begun) || letters(name) === letters(given))) {
      return Math.min(1, distance(plain(given), plain(name)));
    }
    return distance(plain(given), plain(name));
  };
  const [best] = accepted
    .map((name) => ({ name, slips: slipsTo(name) }))
    .sort((a, b) => a.slips - b.slips);
  return best && best.slips <= Math.max(1, best.name.length / 3) ? best.name : undefined;
}

/** A question for the end of a message, with a space before it; empty when nothing similar is accepted. */
export function didYouMean(given: string, accepted: readonly string[]): string {
  const nearest = nearestOf(given, accepted);
  return nearest === undefined ? '' : ` Did you mean '${nearest}'?`;
}
