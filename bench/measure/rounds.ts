// Every measurement once a round, in another order each round: what disturbs the machine for a while
// disturbs them alike, and no case always follows the same other one.

export interface Measurement<Answer> {
  readonly what: string;
  readonly measure: () => Promise<Answer>;
}

export interface Done {
  readonly what: string;
  readonly done: number;
  readonly total: number;
}

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

/** The answers to each measurement, one a round. */
export async function inRounds<Answer>(
  measurements: readonly Measurement<Answer>[],
  rounds: number,
  onDone: (done: Done) => void,
): Promise<Answer[][]> {
  const answers: Answer[][] = measurements.map(() => []);
  const random = pseudoRandom(1);
  const total = measurements.length * rounds;
  let done = 0;
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, { what, measure }] of shuffled([...measurements.entries()], random)) {
      const answer = await measure();
      answers[index]?.push(answer);
      done += 1;
      onDone({ what, done, total });
    }
  }
  return answers;
}
