// The report as one page that opens from the disk: charts inside, nothing from elsewhere, no script.

import { percent, threeDigits } from '../../format/columns.js';
import { describeLink } from '../model/link.js';
import type { Run } from '../model/run.js';
import { othersText } from '../store/kept-runs.js';
import type { Figure, Results } from './chart.js';
import { stoppedText } from './comparison-text.js';
import { leastDifference, sentencesOf } from './sentences.js';
import { type Comparable, type Metric, metrics, valuesOf } from './summary.js';

const style = `
  :root { color: #000; background: #fff; font: 16px/1.5 "DejaVu Sans", "Liberation Sans", Arial, sans-serif; }
  body { margin: 0 auto; max-width: 62rem; padding: 1rem; overflow-wrap: break-word; }
  h1 { font-size: 1.6rem; line-height: 1.2; }
  h2 { font-size: 1.25rem; line-height: 1.3; margin-top: 2.5rem; }
  h3 { font-size: 1rem; margin: 1.5rem 0 0.3rem; }
  figure { margin: 1.5rem 0; }
  figcaption { font-weight: bold; }
  .wide { overflow-x: auto; }
  .wide svg { display: block; width: 100%; min-width: 40rem; height: auto; }
  table { border-collapse: collapse; font-size: 0.85rem; }
  th, td { border-bottom: 1px solid #aaa; padding: 0.2rem 0.7rem 0.2rem 0; text-align: right; white-space: nowrap; }
  thead th { vertical-align: bottom; white-space: normal; }
  th:first-child, td:first-child { text-align: left; }
  .warning { border-left: 4px solid #d55e00; padding-left: 0.8rem; }
  @media print {
    body { max-width: none; padding: 0; font-size: 10pt; }
    .wide { overflow: visible; }
    .wide svg { min-width: 0; }
    figure, tr { break-inside: avoid; }
    h2, h3 { break-after: avoid; }
  }`;

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? character);
}

function paragraphs(lines: readonly string[]): string {
  return lines.map((line) => `<p>${escapeHtml(line)}</p>`).join('\n');
}

function list(items: readonly string[]): string {
  return `<ul>${items.map((item) => `<li>${escapeHtml(item)}</li>`).join('')}</ul>`;
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, row: readonly string[], scope = '') =>
    `<tr>${row.map((text) => `<${tag}${scope}>${escapeHtml(text)}</${tag}>`).join('')}</tr>`;
  const head = cells('th', header, ' scope="col"');
  const body = rows.map((row) => cells('td', row)).join('\n');
  return `<div class="wide"><table><thead>${head}</thead>\n<tbody>${body}</tbody></table></div>`;
}

function figureHtml({ id, title, alternative, svg }: Figure): string {
  const described = svg.replace(
    /^<svg /,
    `<svg role="img" aria-label="${escapeHtml(alternative)}" `,
  );
  return `<figure id="${escapeHtml(id)}">
<figcaption>${escapeHtml(title)}</figcaption>
<div class="wide">${described}</div>
<p><a href="figures/${escapeHtml(id)}.png">PNG</a>, <a href="figures/${escapeHtml(id)}.svg">SVG</a></p>
</figure>`;
}

function tableOf(metric: Metric, { cells }: Comparable): string {
  const rows = cells.flatMap((cell) => {
    const found = valuesOf(cell, metric);
    if (!found) return [];
    const { values, median, mean, spread, interval } = found;
    const between = interval ? interval.map(threeDigits).join(' to ') : 'too few rounds';
    return [
      [
        cell.cell.method,
        threeDigits(median),
        threeDigits(mean),
        between,
        median > 0 ? percent(spread) : '-',
        String(values.length),
        stoppedText(cell),
      ],
    ];
  });
  if (rows.length === 0) return '';
  const header = [
    ...['method', 'median', 'mean', '99 % interval of the mean', 'spread', 'rounds'],
    'stopped',
  ];
  return `<h3>${escapeHtml(metric.name)}, ${metric.unit}</h3>\n${table(header, rows)}\n${list(
    sentencesOf(metric, { title: '', cells }),
  )}`;
}

function groupHtml(group: Comparable): string {
  const tables = Object.values(metrics).map((metric) => tableOf(metric, group));
  return `<section><h2>${escapeHtml(group.title)}</h2>\n${tables.join('\n')}</section>`;
}

/** Each thing that was the same in all runs, or in how many ways it was not. */
function distinct(values: readonly (string | undefined)[]): string {
  return [...new Set(values.filter((value) => value !== undefined))].join('; ');
}

function circumstances(runs: readonly Run[]): string {
  const measured = runs.flatMap(({ measurement }) => measurement ?? []);
  const rows = [
    [
      'machine',
      distinct(
        runs.map(
          ({ machine: m }) =>
            `${m.processor}, ${m.processors} processors, ${Math.round(m.memoryBytes / 2 ** 30)} GiB`,
        ),
      ),
    ],
    ['system', distinct(runs.map(({ machine }) => `${machine.system}, Node ${machine.node}`))],
    ['fakedirty', distinct(runs.map(({ machine }) => machine.fakedirty))],
    ['QEMU', distinct(measured.map(({ qemu }) => qemu))],
    ['accelerator', distinct(measured.map(({ accelerator }) => accelerator))],
    ['guest kernel', distinct(measured.map(({ kernel }) => kernel))],
    ['hosts', distinct(measured.map(({ hosts }) => hosts))],
    ['links', distinct(runs.map(({ cell }) => describeLink(cell.link)))],
    ['measured', distinct(runs.map(({ startedAt }) => startedAt.slice(0, 10)))],
  ];
  const lines = rows.map(
    ([name = '', text = '']) =>
      `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(text)}</td></tr>`,
  );
  return `<table class="facts">${lines.join('\n')}</table>`;
}

function oracle(runs: readonly Run[]): string[] {
  const measured = runs.flatMap(({ measurement }) => measurement ?? []);
  const compared = measured.filter(({ memory }) => memory !== null);
  const checks = measured.flatMap(({ workload }) => workload.checks);
  const pages = compared.reduce((sum, { memory }) => sum + (memory?.pages ?? 0), 0);
  const lines = [
    `After ${compared.length} of ${measured.length} migrations the memories of both sides were ` +
      `compared, ${pages.toLocaleString('en-US')} pages in all, and were equal; every check of a ` +
      `workload after its move passed (${checks.length} checks).`,
  ];
  const reasons = distinct(measured.map(({ memoryNotCompared }) => memoryNotCompared));
  if (reasons) lines.push(`Where memory was not compared: ${reasons}.`);
  return lines;
}

/** How many lines of a failed guest's console are shown; all that were kept are in the run's file. */
const consoleLines = 5;

function failures(runs: readonly Run[]): string {
  const items = runs.flatMap(({ id, failures: all, measurement }) =>
    all.map(({ at, message, consoles }) => {
      const then = measurement ? 'a later attempt worked' : 'no attempt worked';
      const said = Object.entries(consoles)
        .filter(([, lines]) => lines.length > 0)
        .map(([where, lines]) => `; console, ${where}: ${lines.slice(-consoleLines).join(' / ')}`);
      return `${id}, ${at}: ${message} (${then})${said.join('')}`;
    }),
  );
  if (items.length === 0) return '<p>No attempt failed.</p>';
  return `<div class="warning"><p>${items.length} attempts failed:</p>${list(items)}</div>`;
}

/** What the tables and the sentences below them mean. */
const legend = [
  'Spread: from the least to the most, as a share of the median.',
  'Stopped: migrations that had not ended by themselves in the time that the experiment gives them ' +
    '(convergeSeconds), so that the guest was stopped and what was left was sent. Without that limit they would ' +
    'have taken longer and sent more; what a table has of them is what the limit made of it.',
  `A difference is called sure when the 99 % interval of the ratio leaves out everything from ${1 - leastDifference} ` +
    `to ${1 + leastDifference} times as much: less than ${100 * leastDifference} % comes and goes with the machine.`,
];

/** So many comparisons are made that some come out sure where there is nothing. */
function chance(groups: readonly Comparable[]): string[] {
  const pairs = groups.reduce((sum, { cells }) => sum + Math.max(0, cells.length - 1), 0);
  const comparisons = pairs * Object.keys(metrics).length;
  if (comparisons === 0) return [];
  return [
    `Of a hundred comparisons of what is alike, one is to be expected to look sure by chance. Here are ${comparisons}: ` +
      'believe what is sure for several workloads, or by far.',
  ];
}

export interface Report {
  readonly title: string;
  readonly description: string;
  readonly runs: readonly Run[];
  /** How many more lie in the folder. */
  readonly others: number;
  readonly results: Results;
  readonly figures: readonly Figure[];
}

export function htmlOf({ title, description, runs, others, results, figures }: Report): string {
  const heading = escapeHtml(title);
  const leftOut = othersText(others);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${heading}</title>
<style>${style}
  .facts th { vertical-align: top; padding-right: 1rem; }
  .facts td { text-align: left; white-space: normal; }
</style>
</head>
<body>
<h1>${heading}</h1>
${paragraphs(description ? [description] : [])}
${paragraphs(oracle(runs))}
<h2>Circumstances</h2>
${circumstances(runs)}
<p><a href="runs.csv">These runs as CSV</a></p>
${leftOut ? `<p class="warning">${escapeHtml(leftOut)}</p>` : ''}
<h2>Attempts that failed</h2>
${failures(runs)}
<h2>Figures</h2>
${figures.map(figureHtml).join('\n')}
<h2>Comparisons</h2>
${paragraphs([...legend, ...chance(results.groups)])}
${results.groups.map(groupHtml).join('\n')}
</body>
</html>
`;
}
