// Which goals were reached.
import { inColumns, left, right, threeDigits } from '../../lib/format/columns.js';
import { median } from '../../lib/statistics/samples.js';
import type { Goal } from '../results/schema.js';

/** Null: it is shown for information, nothing is asked of it. */
export function isReached({ kind, bound, found }: Goal): boolean | null {
  if (bound === null) return null;
  return kind === 'ratio' ? median(found) >= bound : median(found) < bound;
}

function wordFor(goal: Goal): string {
  const reached = isReached(goal);
  if (reached === null) return '';
  const each = goal.found.map((value) => isReached({ ...goal, found: [value] }));
  const word = reached ? 'reached' : 'NOT reached';
  return each.every((one) => one === reached) ? word : `${word}, but not in every round`;
}

function shown({ kind }: Goal, value: number): string {
  return kind === 'ratio' ? threeDigits(value) : `${Math.round(value)} ns`;
}

const columns = [
  left('side by side'),
  right('goal'),
  right('found'),
  right('lowest'),
  right('highest'),
  left(''),
];

export function goalReport(goals: readonly Goal[]): string {
  const lines = goals.map((goal) => [
    goal.name,
    goal.bound === null ? '-' : `${goal.kind === 'ratio' ? '>=' : '<'} ${shown(goal, goal.bound)}`,
    shown(goal, median(goal.found)),
    shown(goal, Math.min(...goal.found)),
    shown(goal, Math.max(...goal.found)),
    wordFor(goal),
  ]);
  return inColumns(columns, lines);
}

export function missedGoals(goals: readonly Goal[]): Goal[] {
  return goals.filter((goal) => isReached(goal) === false);
}
