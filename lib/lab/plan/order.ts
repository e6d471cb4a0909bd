// An order that is random and yet the same in every run: what disturbs the machine for a while disturbs all
// alike, and nothing always follows the same other thing.

/** The same numbers in every run, from 0 up to 1. */
export function pseudoRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    // A Weyl sequence, mixed.
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
}

export function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  const order = items.map((item) => ({ item, rank: random() }));
  return order.sort((a, b) => a.rank - b.rank).map(({ item }) => item);
}
