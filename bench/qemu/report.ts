// A run as tables.
import { mebibyte } from '../../lib/format/bytes.js';
import { inColumns, left, percent, right, threeDigits } from '../../lib/format/columns.js';
import {
  type Cost,
  type Judged,
  judge,
  type Sample,
  samplesOf,
  summaryOf,
  unitOf,
} from './results.js';
import { type Scenario, scenarios } from './scenarios.js';

const columns = [
  left('source'),
  right('total ms'),
  right('spread'),
  right('x first'),
  right('passes'),
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
    threeDigits(middle(({ passes }) => passes)),
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
  const memory = `${threeDigits(((first[0]?.pages ?? 0) * 4096) / mebibyte)} MiB`;
  return `${scenario.name}: ${scenario.about}; ${memory}\n\n${inColumns(columns, lines)}`;
}

function shown({ value, interval }: Judged): string {
  if (!interval) return value.toPrecision(3);
  const [middle, least, most] = [interval.ratio, interval.atLeast, interval.atMost].map((one) =>
    one.toFixed(3),
  );
  return `${middle} (${least} to ${most})`;
}

function goalsOf(cost: Cost): string {
  const lines = judge(cost).map((judged) => [
    `${judged.scenario}: ${judged.goal.contestant}, ${judged.goal.figure}`,
    `${judged.goal.max} ${unitOf(judged.goal)}`,
    shown(judged),
    judged.reached ? 'reached' : 'NOT reached',
  ]);
  return inColumns([left('goal'), right('at most'), right('median'), left('')], lines);
}

export function reportOf(cost: Cost): string {
  const measured = scenarios.filter(({ name }) =>
    cost.samples.some(({ scenario }) => scenario === name),
  );
  return [
    `${cost.processor}, ${cost.processors} processors, ${cost.place}; medians of ${cost.rounds} rounds, ${cost.date}`,
    `with the series: ${cost.patched}`,
    `without:         ${cost.unpatched}`,
    '',
    ...measured.map((scenario) => tableOf(cost, scenario)),
    goalsOf(cost),
    'after      from the end of the first pass to the end of the migration',
    'spread     from the best to the worst round, as a share of the median',
    'filter     in all threads, the copy included; a thread that waits for a processor is counted too',
    'looks      each takes the filter that long for all pages of the guest',
    '95 %       the mean of the rounds, each compared with the first of its round, and in brackets its confidence interval',
    'channels   for how long each channel of multifd was on a processor, seen every 20 ms',
  ].join('\n');
}
