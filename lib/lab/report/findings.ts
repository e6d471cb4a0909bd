// What was found, in words, for whoever reads nothing else: which method saved how much against the first one, with which
// workload. Nothing stands here that the rounds do not support.

import { percent } from '../../format/columns.js';
import { plural } from '../../format/plural.js';
import { minValues } from '../../statistics/samples.js';
import { type Comparison, compare, isSignificant } from './comparison.js';
import { type CellSummary, type Comparable, type Metric, metrics } from './summary.js';

/** What a figure is called in the middle of a sentence. */
const nouns: Readonly<Record<keyof typeof metrics, string>> = {
  sent: 'data sent',
  totalTime: 'migration time',
  downtime: 'downtime',
  work: 'work of the guest',
};
const names = Object.keys(nouns) as (keyof typeof metrics)[];

/** What was found with one workload. */
export interface WorkloadFindings {
  /** The workload, as in headings. */
  readonly title: string;
  /** A sentence for each method but the first. */
  readonly sentences: readonly string[];
}

/** What was found. */
export interface Findings {
  /** A sentence for each method but the first, for all workloads together. */
  readonly overall: readonly string[];
  readonly byWorkload: readonly WorkloadFindings[];
}

/** Of a significant difference: its size as a share of the first method's value. */
function shareOf(comparison: Comparison): number {
  if (comparison.kind === 'significant') return Math.abs(comparison.ratio.ratio - 1);
  return comparison.kind === 'bound' ? Math.abs(comparison.bound - 1) : 0;
}

function differenceText(comparison: Comparison): string {
  const isBound = comparison.kind === 'bound';
  const { direction } = comparison as Extract<Comparison, { direction: unknown }>;
  return `${isBound ? 'at least ' : ''}${percent(shareOf(comparison))} ${direction}`;
}

function inWords(items: readonly string[]): string {
  const [last = '', ...before] = [...items].reverse();
  return before.length === 0 ? last : `${before.reverse().join(', ')} and ${last}`;
}

function comparisonsOf(first: CellSummary, other: CellSummary) {
  return names.flatMap((name) => {
    const metric: Metric = metrics[name];
    const comparison = compare(metric, first, other);
    return comparison ? [{ noun: nouns[name], comparison }] : [];
  });
}

function sentenceOf(first: CellSummary, other: CellSummary): string {
  const all = comparisonsOf(first, other);
  const nounsOf = (kinds: readonly Comparison['kind'][]) =>
    inWords(all.filter(({ comparison: { kind } }) => kinds.includes(kind)).map(({ noun }) => noun));
  const differences = all
    .filter(({ comparison }) => isSignificant(comparison))
    .map(({ noun, comparison }) => `${differenceText(comparison)} ${noun}`);
  const isDecided = all.some(
    ({ comparison }) => comparison.kind === 'not-comparable' && comparison.because === 'limit',
  );
  const [same, unknown, few] = [
    nounsOf(['not-significant']),
    nounsOf(['not-comparable']),
    nounsOf(['too-few-rounds']),
  ];
  const parts = [
    ...(differences.length > 0 ? [inWords(differences)] : []),
    ...(same ? [`no significant difference in ${same}`] : []),
    ...(unknown
      ? [
          `${unknown} can't be compared: ${isDecided ? 'the limit has decided them' : 'there are zeros'}`,
        ]
      : []),
    ...(few ? [`too few rounds to tell (${minValues} are needed)`] : []),
  ];
  return `${other.cell.method}: ${parts.join('; ') || 'nothing was measured'}.`;
}

/** In how many workloads a figure differed significantly one way, and where most. */
function countText(
  found: readonly { readonly title: string; readonly comparison: Comparison }[],
  direction: 'less' | 'more',
): string | undefined {
  const differing = found.filter(
    ({ comparison }) =>
      isSignificant(comparison) && 'direction' in comparison && comparison.direction === direction,
  );
  const [most] = [...differing].sort((a, b) => shareOf(b.comparison) - shareOf(a.comparison));
  if (!most) return undefined;
  const largest = `${most.title}: ${differenceText(most.comparison)}`;
  if (found.length === 1) return `with ${largest}`;
  const where = `${differing.length} of ${plural(found.length, 'workload')}`;
  return `in ${where} (${differing.length > 1 ? 'most ' : ''}with ${largest})`;
}

function overallSentence(method: string, groups: readonly Comparable[]): string | undefined {
  const compared = groups.flatMap(({ title, cells }) => {
    const [first] = cells;
    const other = cells.find(({ cell }) => cell.method === method);
    return first && other && first !== other ? [{ title, first, other }] : [];
  });
  const [any] = compared;
  if (!any) return undefined;
  const parts = (['sent', 'totalTime'] as const).flatMap((name) => {
    const found = compared.flatMap(({ title, first, other }) => {
      const comparison = compare(metrics[name], first, other);
      return comparison ? [{ title, comparison }] : [];
    });
    const told = (['less', 'more'] as const).flatMap((direction) => {
      const count = countText(found, direction);
      return count ? [`significantly ${direction} ${nouns[name]} ${count}`] : [];
    });
    if (told.length > 0 || found.length === 0) return told;
    return found.every(({ comparison }) => comparison.kind === 'too-few-rounds')
      ? [`too few rounds to tell anything about the ${nouns[name]} (${minValues} are needed)`]
      : [`no significant difference in ${nouns[name]}`];
  });
  const baseline = any.first.cell.method;
  return `${method}, compared with ${baseline}: ${parts.join('; ') || 'nothing was measured'}.`;
}

/** What was found in these groups, whose first cells are the baseline. */
export function findingsOf(groups: readonly Comparable[]): Findings {
  const methods = new Set(
    groups.flatMap(({ cells }) => cells.slice(1).map(({ cell }) => cell.method)),
  );
  return {
    overall: [...methods].flatMap((method) => overallSentence(method, groups) ?? []),
    byWorkload: groups.flatMap(({ title, cells: [first, ...others] }) =>
      first && others.length > 0
        ? [{ title, sentences: others.map((other) => sentenceOf(first, other)) }]
        : [],
    ),
  };
}
