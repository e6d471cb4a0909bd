// The report as one page that opens from the disk: charts inside, nothing from elsewhere, no script.

import { percent, threeDigits } from '../../format/columns.js';
import { type Html, html, trustedHtml } from '../../format/html.js';
import { plural } from '../../format/plural.js';
import { describeLink } from '../model/link.js';
import type { Run } from '../model/run.js';
import { othersText } from '../store/kept-runs.js';
import { minDifference } from './comparison.js';
import type { Figure, Results } from './figure.js';
import { findingsOf } from './findings.js';
import { sentencesOf } from './sentences.js';
import { stoppedText } from './stopped-text.js';
import { type Comparable, type Metric, metrics, valuesOf } from './summary.js';

const style = trustedHtml(`
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
  }
  .facts th { vertical-align: top; padding-right: 1rem; }
  .facts td { text-align: left; white-space: normal; overflow-wrap: anywhere; }
  @media screen and (max-width: 40rem) {
    body { padding: 0.6rem; overflow-wrap: anywhere; }
    ul { padding-left: 1.2rem; }
    .wide svg { min-width: 0; }
    .facts th, .facts td { display: block; white-space: normal; }
    .facts th { border-bottom: none; padding-bottom: 0; }
  }
`);

/** Pieces with a line end between them. */
function lines(pieces: readonly Html[]): Html[] {
  return pieces.flatMap((piece, at) => (at === 0 ? [piece] : [html`\n`, piece]));
}

function paragraphs(texts: readonly string[]): Html[] {
  return lines(texts.map((text) => html`<p>${text}</p>`));
}

function list(items: readonly string[]): Html {
  return html`<ul>${items.map((item) => html`<li>${item}</li>`)}</ul>`;
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): Html {
  const head = html`<tr>${header.map((text) => html`<th scope="col">${text}</th>`)}</tr>`;
  const body = rows.map((row) => html`<tr>${row.map((text) => html`<td>${text}</td>`)}</tr>`);
  return html`<div class="wide"><table><thead>${head}</thead>
<tbody>${lines(body)}</tbody></table></div>`;
}

/** The SVG comes from a figure, which is code: what it has of texts, it has escaped itself. */
function described({ svg, alternative }: Figure): Html {
  const label = html`<svg role="img" aria-label="${alternative}" `;
  return trustedHtml(svg.replace(/^<svg /, () => String(label)));
}

function figureHtml(figure: Figure): Html {
  const { id, title } = figure;
  return html`<figure id="${id}">
<figcaption>${title}</figcaption>
<div class="wide"><a href="figures/${id}.svg">${described(figure)}</a></div>
<p><a href="figures/${id}.png">PNG</a>, <a href="figures/${id}.svg">SVG</a></p>
</figure>`;
}

function tableOf(metric: Metric, { cells }: Comparable): Html[] {
  const rows = cells.flatMap((cell) => {
    const found = valuesOf(cell, metric);
    if (!found) return [];
    const { values, median, mean, spread, interval } = found;
    return [
      [
        cell.cell.method,
        threeDigits(median),
        threeDigits(mean),
        interval ? interval.map(threeDigits).join(' to ') : 'too few rounds',
        median > 0 ? percent(spread) : '-',
        String(values.length),
        stoppedText(cell),
      ],
    ];
  });
  if (rows.length === 0) return [];
  const header = [
    ...['method', 'median', 'mean', '99 % CI of the mean', 'spread', 'rounds'],
    'stopped',
  ];
  return [
    html`<h3>${metric.name}, ${metric.unit}</h3>
${table(header, rows)}
${list(sentencesOf(metric, { cells }))}`,
  ];
}

function groupHtml(group: Comparable): Html {
  const tables = Object.values(metrics).flatMap((metric) => tableOf(metric, group));
  return html`<section><h2>${group.title}</h2>
${lines(tables)}</section>`;
}

/** The value that all runs have in common, or all values that there are. */
function distinct(values: readonly (string | undefined)[]): string {
  return [...new Set(values.filter((value) => value !== undefined))].join('; ');
}

function environment(runs: readonly Run[]): Html {
  const measured = runs.flatMap(({ measurement }) => measurement ?? []);
  const rows: [string, readonly string[]][] = [
    [
      'machine',
      runs.map(
        ({ machine: m }) =>
          `${m.processor}, ${plural(m.processors, 'processor')}, ${Math.round(m.memoryBytes / 2 ** 30)} GiB`,
      ),
    ],
    ['system', runs.map(({ machine }) => `${machine.system}, Node ${machine.node}`)],
    ['fakedirty', runs.map(({ machine }) => machine.fakedirty)],
    ['QEMU', measured.map(({ qemu }) => qemu)],
    ['accelerator', measured.map(({ accelerator }) => accelerator)],
    ['guest kernel', measured.map(({ kernel }) => kernel)],
    ['hosts', measured.map(({ hosts }) => hosts)],
    ['links', runs.map(({ cell }) => describeLink(cell.link))],
    ['measured', runs.map(({ startedAt }) => startedAt.slice(0, 10))],
  ];
  const shown = rows.map(
    ([name, values]) => html`<tr><th scope="row">${name}</th><td>${distinct(values)}</td></tr>`,
  );
  return html`<table class="facts">${lines(shown)}</table>`;
}

/** What was checked after each migration, and that it was right: a run with anything wrong has failed. */
function checks(runs: readonly Run[]): string[] {
  const measured = runs.flatMap(({ measurement }) => measurement ?? []);
  const compared = measured.filter(({ memory }) => memory !== null);
  const count = measured.reduce((sum, { workload }) => sum + workload.checks.length, 0);
  const pages = compared.reduce((sum, { memory }) => sum + (memory?.pages ?? 0), 0);
  const reasons = distinct(measured.map(({ memoryNotCompared }) => memoryNotCompared));
  return [
    `After ${compared.length} of ${plural(measured.length, 'migration')} the memories of both sides were ` +
      `compared, ${plural(pages, 'page')} in total, and were equal; every check of a ` +
      `workload after its migration passed (${plural(count, 'check')}).`,
    ...(reasons ? [`Where memory was not compared: ${reasons}.`] : []),
  ];
}

/** How many console lines of a failed guest are shown; the file of the run has more. */
const consoleLines = 5;

function failures(runs: readonly Run[]): Html {
  const items = runs.flatMap(({ id, failures: all, measurement }) =>
    all.map(({ at, message, consoles }) => {
      const then = measurement ? 'a later attempt succeeded' : 'no attempt succeeded';
      const output = Object.entries(consoles)
        .filter(([, console]) => console.length > 0)
        .map(
          ([where, console]) => `; console, ${where}: ${console.slice(-consoleLines).join(' / ')}`,
        );
      return `${id}, ${at}: ${message} (${then})${output.join('')}`;
    }),
  );
  if (items.length === 0) return html`<p>No attempt failed.</p>`;
  return html`<div class="warning"><p>${plural(items.length, 'attempt')} failed:</p>${list(items)}</div>`;
}

/** What was found, for whoever reads nothing else. */
function summary(groups: readonly Comparable[]): Html {
  const { overall, byWorkload } = findingsOf(groups);
  if (overall.length === 0) {
    return html`<p>There is nothing to compare: only one method was measured.</p>`;
  }
  const details = byWorkload.map(
    ({ title, sentences }) => html`<h3>${title}</h3>
${list(sentences)}`,
  );
  return html`${list(overall)}
${lines(details)}
<p>Significant: see <a href="#comparisons">what that means</a>, with all numbers.</p>`;
}

/** Warnings about runs that something else may have disturbed. */
function disturbed(runs: readonly Run[]): Html[] {
  const counts = new Map<string, number>();
  for (const warning of runs.flatMap(({ disturbances }) => disturbances)) {
    counts.set(warning, (counts.get(warning) ?? 0) + 1);
  }
  return [...counts].map(
    ([warning, count]) =>
      html`<p class="warning">${count} of ${plural(runs.length, 'run')}: ${warning}</p>`,
  );
}

/** What the tables and the sentences below them mean. */
const legend = [
  'Spread: maximum minus minimum, as a share of the median.',
  'Stopped: migrations that had not converged within the limit of the experiment (convergeSeconds), so that the ' +
    'guest was stopped and the rest was sent. Without the limit they would have taken longer and sent more: their ' +
    'values are decided by the limit.',
  `A difference is called significant if the whole 99 % confidence interval (CI) of the ratio is below ${1 - minDifference} ` +
    `or above ${1 + minDifference}: smaller differences come and go with the machine.`,
];

/** With so many comparisons, some are significant by chance. */
function chance(groups: readonly Comparable[]): string[] {
  const pairs = groups.reduce((sum, { cells }) => sum + Math.max(0, cells.length - 1), 0);
  const comparisons = pairs * Object.keys(metrics).length;
  if (comparisons === 0) return [];
  return [
    `If nothing differed, one comparison in a hundred would still be significant by chance. There are ${comparisons} here: ` +
      'rely on differences that are significant for several workloads, or large.',
  ];
}

/** What the page shows. */
export interface ReportContents {
  readonly title: string;
  readonly description: string;
  readonly runs: readonly Run[];
  /** How many other runs are in the folder. */
  readonly others: number;
  readonly results: Results;
  readonly figures: readonly Figure[];
}

/** The page of the report. */
export function reportPage({
  title,
  description,
  runs,
  others,
  results,
  figures,
}: ReportContents): Html {
  const leftOut = othersText(others);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<h1>${title}</h1>
${paragraphs(description ? [description] : [])}
<section id="summary"><h2>What was found</h2>
${summary(results.groups)}
${lines(disturbed(runs))}
${paragraphs(checks(runs))}</section>
<h2>Environment</h2>
${environment(runs)}
<p><a href="runs.csv">These runs as CSV</a></p>
${leftOut ? html`<p class="warning">${leftOut}</p>` : ''}
<h2>Failed attempts</h2>
${failures(runs)}
<h2>Figures</h2>
${lines(figures.map(figureHtml))}
<h2 id="comparisons">Comparisons</h2>
${paragraphs([...legend, ...chance(results.groups)])}
${lines(results.groups.map(groupHtml))}
</body>
</html>
`;
}
