// Every measurement once a round, in another order each round: what disturbs the machine for a while
// disturbs them alike, and no case always follows the same other one.
import { pseudoRandom, shuffled } from '../../lib/lab/plan/order.js';

export interface Measurement<Answer> {
  readonly what: string;
  readonly measure: () => Promise<Answer>;
}

export interface Done {
  readonly what: string;
  readonly done: number;
  readonly total: number;
}

/** Whether there is time for another round after so many. */
export type MayGoOn = (roundsDone: number) => boolean;

/** As long as another round, of the length of those before, would end within these seconds from now. */
export function within(seconds: number, now = () => performance.now() / 1000): MayGoOn {
  const start = now();
  return (done) => ((now() - start) / done) * (done + 1) <= seconds;
}

/** The answers of each measurement, one a round; at least one round is done. */
export async function inRounds<Answer>(
  measurements: readonly Measurement<Answer>[],
  rounds: number,
  onDone: (done: Done) => void,
  mayGoOn: MayGoOn = () => true,
): Promise<Answer[][]> {
  const answers: Answer[][] = measurements.map(() => []);
  const random = pseudoRandom(1);
  const total = measurements.length * rounds;
  let done = 0;
  for (let round = 0; round < rounds; round += 1) {
    if (round > 0 && !mayGoOn(round)) break;
    for (const [index, { what, measure }] of shuffled([...measurements.entries()], random)) {
      const answer = await measure();
      answers[index]?.push(answer);
      done += 1;
      onDone({ what, done, total });
    }
  }
  return answers;
}
