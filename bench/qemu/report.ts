// A run as tables.
import { inColumns, left, percent, right, threeDigits } from '../../lib/format/columns.js';
import { type Cost, judge, type Sample, samplesOf, summaryOf } from './results.js';
import { type Scenario, scenarios } from './scenarios.js';

const columns = [
  left('source'),
  right('total ms'),
  right('spread'),
  right('x first'),
  right('MB'),
  right('ms after'),
  right('MB after'),
  right('downtime'),
  right('filter ns/page'),
  right('unchanged'),
  right('channels ms'),
];

/** Channel by channel, the busiest first. */
function channelsOf(samples: readonly Sample[]): string {
  const count = Math.max(0, ...samples.map(({ channelMs }) => channelMs.length));
  const middle = (at: number) => summaryOf(samples, ({ channelMs }) => channelMs[at] ?? 0).median;
  const all = Array.from({ length: count }, (_, at) => threeDigits(middle(at)));
  return all.join(' + ') || '-';
}

function lineOf(cost: Cost, scenario: Scenario, name: string, first: readonly Sample[]): string[] {
  const samples = samplesOf(cost, scenario, name);
  const middle = (figure: (sample: Sample) => number) => summaryOf(samples, figure).median;
  const total = summaryOf(samples, ({ totalMs }) => totalMs);
  const withFilter = samples.some(({ filter }) => filter);
  return [
    name,
    threeDigits(total.median),
    percent(total.spread),
    threeDigits(total.median / summaryOf(first, ({ totalMs }) => totalMs).median),
    threeDigits(middle(({ bytes }) => bytes / 1e6)),
    threeDigits(middle(({ msAfter }) => msAfter)),
    threeDigits(middle(({ bytesAfter }) => bytesAfter / 1e6)),
    threeDigits(middle(({ downtimeMs }) => downtimeMs)),
    withFilter ? threeDigits(middle(({ filter }) => filter?.nsPerPage ?? 0)) : '-',
    withFilter
      ? percent(middle(({ filter }) => (filter ? filter.unchanged / filter.checked : 0)))
      : '-',
    channelsOf(samples),
  ];
}

function tableOf(cost: Cost, scenario: Scenario): string {
  const names = scenario.contestants.map(({ name }) => name);
  const first = samplesOf(cost, scenario, names[0] ?? '');
  const lines = names.map((name) => lineOf(cost, scenario, name, first));
  return `${scenario.name}: ${scenario.about}\n\n${inColumns(columns, lines)}`;
}

function goalsOf(cost: Cost): string {
  const lines = judge(cost).map(({ scenario, goal, value, reached }) => [
    `${scenario}: ${goal.contestant}, ${goal.figure}`,
    goal.figure === 'filter a page' ? `${goal.max} ns` : `${goal.max} x`,
    value.toPrecision(3),
    reached ? 'reached' : 'NOT reached',
  ]);
  return inColumns([left('goal'), right('at most'), right('median'), left('')], lines);
}

export function reportOf(cost: Cost): string {
  const shown = scenarios.filter(({ name }) =>
    cost.samples.some(({ scenario }) => scenario === name),
  );
  return [
    `${cost.processor}, ${cost.processors} processors, TCG; medians of ${cost.rounds} rounds, ${cost.date}`,
    `with the series: ${cost.patched}`,
    `without:         ${cost.unpatched}`,
    '',
    ...shown.map((scenario) => tableOf(cost, scenario)),
    goalsOf(cost),
    'after      from the end of the first pass to the end of the migration',
    'spread     from the best to the worst round, as a share of the median',
    'filter     in all threads, the copy included; a thread that waits for a processor is counted too',
    'channels   for how long each channel of multifd was on a processor, seen every 20 ms',
  ].join('\n');
}
