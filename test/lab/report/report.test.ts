import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseExperiment } from '../../../lib/lab/catalogue/experiment-file.js';
import type { Cell } from '../../../lib/lab/model/cell.js';
import { sentencesOf } from '../../../lib/lab/report/sentences.js';
import { comparables, metrics, summarise, valuesOf } from '../../../lib/lab/report/summary.js';
import { writeReport } from '../../../lib/lab/report/write-report.js';
import { AttemptError } from '../../../lib/lab/run/errors.js';
import { measureRuns } from '../../../lib/lab/run/measure-runs.js';
import { ResultStore } from '../../../lib/lab/store/result-store.js';
import { catalogue, experimentText, measurementOf, methods, outOfTime } from '../measurements.js';

const run = promisify(execFile);
const directory = mkdtempSync(join(tmpdir(), 'fakedirty-report-'));
const store = new ResultStore(directory);
const experiment = parseExperiment(
  experimentText.replace('rounds: 2', 'rounds: 4').replace('[plain,', '[plain, xbzrle,'),
  'trial.yaml',
  catalogue,
);
let page = '';

/**
 * The filter takes half the time; XBZRLE and plain differ by less than they scatter. With 512 MiB the limit stops
 * plain in two of the rounds.
 */
function measurementFor({ memoryMiB, method }: Cell, round: number) {
  const scatter = 1 + 0.01 * ((round * 7) % 3);
  const measurement = measurementOf((method === 'filter' ? 1000 : 2000) * scatter, 3e8 * scatter);
  return memoryMiB === 512 && method === 'plain' && round > 2
    ? outOfTime(measurement)
    : measurement;
}

beforeAll(async () => {
  let broken = 0;
  await measureRuns({
    experiment,
    store,
    load: () => ({ loadAverage: 0, processors: 2, pressurePercent: 0 }),
    measure: ({ cell, round, warmUp }) => {
      if (cell.memoryMiB === 512 && cell.method === 'xbzrle' && round === 2 && broken < 2) {
        broken += 1;
        const consoles = { source: ['panic <b>'], destination: [] };
        return Promise.reject(new AttemptError('QEMU said "<script>"', consoles));
      }
      // A warm-up that would distort everything if it counted.
      const measurement = measurementFor(cell, warmUp ? 1000 : round);
      return Promise.resolve(measurement);
    },
  });
  page = writeReport({ store, title: 'A trial', experiment }).page;
});

afterAll(() => rmSync(directory, { recursive: true }));

describe('the summary of results', () => {
  const summaries = () => summarise(store.runs());
  const groups = () => comparables(summaries(), methods);

  it('leaves out warm-ups, and has the first method first', () => {
    expect(groups().map(({ title }) => title)).toEqual([
      'idle, 256 MiB',
      'idle, 512 MiB',
      'working-set (share 0.25), 256 MiB',
      'working-set (share 0.25), 512 MiB',
    ]);
    for (const { cells } of groups()) {
      expect(cells.map(({ cell }) => cell.method)).toEqual(methods);
      const [plain] = cells;
      expect(plain && valuesOf(plain, metrics.totalTime)).toMatchObject({
        values: expect.toSatisfy((values: number[]) => values.length === 4),
        median: 2.02,
      });
    }
  });

  it('claims only what the numbers support', () => {
    const [group] = groups();
    const said = group ? sentencesOf(metrics.totalTime, group) : [];
    expect(said[0]).toMatch(/^xbzrle: no significant difference from plain/);
    expect(said[1]).toMatch(
      /^filter: 0\.500 times the total migration time with plain, significantly less/,
    );
    const short = group?.cells.map((cell) => ({ ...cell, runs: cell.runs.slice(0, 2) })) ?? [];
    const [first] = sentencesOf(metrics.totalTime, { cells: short });
    expect(first).toMatch(/too few rounds.*3 are needed/);
  });
});

describe('the report', () => {
  it('has all runs as CSV', () => {
    const lines = readFileSync(join(directory, 'runs.csv'), 'utf8').trimEnd().split('\r\n');
    expect(lines).toHaveLength(1 + store.runs().length);
    const columns = lines[0]?.split(',').length;
    // The options of a workload contain commas and quotes.
    const quoted = lines.filter((line) => line.includes('"{""share"":0.25}"'));
    expect(quoted).toHaveLength(store.runs().length / 2);
    const plain = lines.find((line) => line.includes(',idle,{},'));
    // A loaded machine has a warning there, in quotes, which may contain commas too.
    expect(plain?.replaceAll(/"[^"]*"/g, '').split(',')).toHaveLength(columns ?? 0);
  });

  it('says in every table how many migrations were stopped at the limit, and what that means', () => {
    const html = readFileSync(page, 'utf8');
    const section = (title: string) => html.split(`<h2>${title}</h2>`)[1]?.split('</section>')[0];
    const rows = (text = '') => [...text.matchAll(/<tr><td>(\w+)<.*<td>([^<]+)<\/td><\/tr>/g)];
    const stopped = (title: string) => rows(section(title)).map(([, ...told]) => told.join(': '));
    const fourTimes = (...lines: string[]) => [...lines, ...lines, ...lines, ...lines];
    expect(stopped('idle, 256 MiB')).toEqual(fourTimes('plain: -', 'xbzrle: -', 'filter: -'));
    expect(stopped('idle, 512 MiB')).toEqual(fourTimes('plain: 2 of 4', 'xbzrle: -', 'filter: -'));
    expect(html.match(/<th scope="col">stopped<\/th><\/tr>/g)).toHaveLength(4 * 4);
    expect(html).toMatch(/<p>Stopped: migrations that had not converged within the limit/);
    expect(section('idle, 512 MiB')).toContain('plain did not converge within the limit');
    expect(section('idle, 256 MiB')).not.toContain('the limit');
  });

  it('marks values in figures that the limit has decided', () => {
    const figure = (name: string) =>
      readFileSync(join(directory, 'figures', `${name}.svg`), 'utf8');
    // Plain with 512 MiB, of two workloads.
    expect(figure('total-time').match(/>2\.02 \*</g)).toHaveLength(2);
    for (const name of ['total-time', 'downtime', 'bytes-sent']) {
      expect(figure(name).match(/[0-9] \*</g)).toHaveLength(2);
    }
    const captions = readFileSync(page, 'utf8').match(
      /\(\* some or all were stopped at the limit\)</g,
    );
    expect(captions).toHaveLength(3);
  });

  it('does not mention other runs if there are none', () => {
    expect(readFileSync(page, 'utf8')).not.toContain('left out.');
  });

  it('says what is called significant', () => {
    const html = readFileSync(page, 'utf8');
    expect(html).toMatch(/confidence interval \(CI\) of the ratio is below 0\.98 or above 1\.02/);
  });

  it('says how many comparisons there are, and that some are significant by chance', () => {
    const html = readFileSync(page, 'utf8');
    const groups = html.match(/<section><h2>/g)?.length ?? 0;
    expect(groups).toBeGreaterThan(1);
    // Two methods with the first one, each by four figures.
    expect(html).toContain(`There are ${groups * 2 * 4} here: `);
  });

  it('says first what was found: which method saved how much, with which workload, and what is not known', () => {
    const html = readFileSync(page, 'utf8');
    const [, first = ''] = html.split('<h2>');
    expect(first).toMatch(/^What was found/);
    expect(first).toMatch(
      /<li>xbzrle, compared with plain: no significant difference in data sent; no significant difference in migration time\.</,
    );
    expect(first).toMatch(
      /<li>filter, compared with plain: .*significantly less migration time in 4 of 4 workloads \(most with [^:]+: (at least )?\d\d % less\)\.</,
    );
    expect(first).toMatch(
      /<li>filter: 50 % less migration time and 33 % less work of the guest; no significant difference in data sent and downtime\.</,
    );
    // The limit has decided this one.
    expect(first).toMatch(
      /<li>filter: at least 4\d % less migration time; .*can&#39;t be compared: the limit has decided them\.</,
    );
  });

  it('reports failed attempts, with their messages escaped', () => {
    const html = readFileSync(page, 'utf8');
    expect(html).toContain('QEMU said &quot;&lt;script&gt;&quot;');
    expect(html).not.toContain('<script');
    expect(html).toMatch(/; console, source: panic &lt;b&gt;</);
    expect(html).toMatch(/2 attempts failed/);
  });

  it('is self-contained, and every link leads to a file', () => {
    const html = readFileSync(page, 'utf8');
    const links = [...html.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, link]) => link ?? '');
    expect(links.length).toBeGreaterThan(10);
    const files = links.filter((link) => !link.startsWith('#'));
    for (const link of files) expect(existsSync(join(directory, link))).toBe(true);
    expect(html).not.toMatch(/url\(["']?https?:|@import/);
  });

  it('has each figure as PNG and SVG, with a description', () => {
    const names = readdirSync(join(directory, 'figures'));
    const svgs = names.filter((name) => name.endsWith('.svg'));
    expect(svgs.length).toBeGreaterThanOrEqual(4 + 4);
    for (const svg of svgs) {
      const png = readFileSync(join(directory, 'figures', svg.replace(/svg$/, 'png')));
      expect(png.toString('latin1', 1, 4)).toBe('PNG');
      // Something is drawn.
      expect(png.length).toBeGreaterThan(5000);
    }
    const html = readFileSync(page, 'utf8');
    const labels = [...html.matchAll(/<svg role="img" aria-label="([^"]{40,})"/g)];
    expect(labels).toHaveLength(svgs.length);
  });
});

const browser = ['chromium', 'chromium-browser', 'google-chrome'].find(
  (name) => !spawnSync(name, ['--version']).error,
);

/** What the page looks like, found by a script in a copy of it that the browser runs. */
const inspection = `<script>
  const found = { wide: [], overlaps: [], small: [], figures: 0 };
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) {
    found.wide.push('the page: ' + document.documentElement.scrollWidth + ' of ' + width);
  }
  for (const node of document.body.querySelectorAll('*')) {
    // A table may be wider than its box, which then scrolls.
    const { right } = (node.closest('.wide table')?.parentElement ?? node).getBoundingClientRect();
    if (right > width + 1) found.wide.push(node.tagName + ' ends at ' + right + ' of ' + width);
  }
  for (const svg of document.querySelectorAll('figure svg')) {
    found.figures += 1;
    const name = svg.closest('figure').id;
    const box = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll('text')].map((node) => {
      const { left, right, top, bottom } = node.getBoundingClientRect();
      return { text: node.textContent, left, right, top, bottom };
    });
    for (const [at, a] of texts.entries()) {
      if (a.bottom - a.top < 7) found.small.push(name + ': ' + a.text);
      if (a.left < box.left - 1 || a.right > box.right + 1) found.wide.push(name + ': ' + a.text);
      for (const b of texts.slice(at + 1)) {
        const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (across > 1 && down > 3) found.overlaps.push(name + ': ' + a.text + ' / ' + b.text);
      }
    }
  }
  const told = '<pre id="found">' + btoa(encodeURIComponent(JSON.stringify(found))) + '</pre>';
  parent.document.body.innerHTML = told;
</script>`;

/** Browsers have no window as narrow as a telephone: a frame has any width. */
function framed(html: string, widthPx: number): string {
  const quoted = html.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
  return `<html><body><iframe width="${widthPx}" height="800" srcdoc="${quoted}"></iframe></body></html>`;
}

const inspectionSchema = z.strictObject({
  wide: z.array(z.string()),
  overlaps: z.array(z.string()),
  small: z.array(z.string()),
  figures: z.number(),
});

async function inspect(html: string, widthPx: number) {
  const copy = join(directory, `inspected-${widthPx}.html`);
  writeFileSync(copy, framed(html.replace('</body>', `${inspection}</body>`), widthPx));
  const profile = join(directory, `profile-${widthPx}`);
  const { stdout } = await run(
    browser ?? '',
    [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
      ...[`--user-data-dir=${profile}`, '--window-size=1400,900'],
      ...['--virtual-time-budget=10000', '--dump-dom', `file://${copy}`],
    ],
    { maxBuffer: 64 << 20 },
  );
  const encoded = /<pre id="found">([^<]+)</.exec(stdout)?.[1];
  const text = decodeURIComponent(Buffer.from(encoded ?? '', 'base64').toString());
  return inspectionSchema.parse(JSON.parse(text));
}

describe('the report in a browser', () => {
  it.for([
    ['on a desk', 1280, ''],
    ['on a telephone', 360, ''],
    ['on paper', 680, '@media print'],
  ] as const)(
    'has no text over text, and nothing that sticks out, %s',
    async ([, widthPx, medium], context) => {
      if (!browser) context.skip('needs chromium');
      // The longest names are in the first column.
      const html = readFileSync(page, 'utf8')
        .replaceAll('<td>xbzrle<', '<td>intelligent-hybrid-filter<')
        .replace(/(<th scope="row">QEMU<\/th><td>)/, `$1${'7.2.22-Debian-'.repeat(9)}`);
      // What holds for the printer holds in this copy.
      const shown = medium ? html.replaceAll(medium, '@media all') : html;
      expect(shown === html).toBe(medium === '');
      const found = await inspect(shown, widthPx);
      expect(found.figures).toBeGreaterThanOrEqual(8);
      expect(found).toMatchObject({ wide: [], overlaps: [] });
      // A telephone shows each figure as a whole; to read it, people enlarge it.
      if (widthPx > 600) expect(found.small).toEqual([]);
    },
  );

  it('can be printed', async (context) => {
    if (!browser) context.skip('needs chromium');
    const pdf = join(directory, 'report.pdf');
    const options = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'];
    const profile = `--user-data-dir=${join(directory, 'profile-print')}`;
    await run(browser ?? '', [...options, profile, `--print-to-pdf=${pdf}`, `file://${page}`]);
    const printed = readFileSync(pdf, 'latin1');
    expect(printed.match(/\/Type ?\/Page\b/g)?.length).toBeGreaterThan(2);
  });

  it('is seen through eyes that notice when it has', async (context) => {
    if (!browser) context.skip('needs chromium');
    const bad = `<figure id="bad"><svg width="300" height="50">
      <text x="5" y="20">one text</text><text x="20" y="22">over another</text>
      <text x="250" y="40" font-size="3">sticks out far and farther</text></svg></figure>
      <div style="width:3000px">wide</div>`;
    const found = await inspect(`<html><body>${bad}</body></html>`, 600);
    expect(found.overlaps).toEqual(['bad: one text / over another']);
    expect(found.small).toHaveLength(1);
    expect(found.wide.length).toBeGreaterThan(0);
  });
});
