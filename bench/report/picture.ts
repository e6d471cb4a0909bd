// How long each implementation takes for one page: bars on a logarithmic scale, told apart by their
// patterns, so that it reads the same in print. Like the hash computation times in studies of fake dirty
// pages, but with everything that is compared here.
import * as echarts from 'echarts';
import { threeDigits } from '../../lib/format/columns.js';
import { isAsync } from '../implementations/implementation.js';
import { machineLine, settingsLine } from '../results/describe.js';
import { groupsOf, type RowWithFigures } from '../results/figures.js';
import type { Run } from '../results/schema.js';

const widthPx = 1000;
const barPx = 17;
const topPx = 88;
const bottomPx = 92;
const leftPx = 316;
const rightPx = 80;
const fontFamily = 'DejaVu Sans, Liberation Sans, Arial, sans-serif';

interface Series {
  readonly name: string;
  readonly color: string;
  readonly lines?: { readonly rotation: number; readonly gap: number };
  readonly holds: (row: RowWithFigures) => boolean;
}

const series: readonly Series[] = [
  {
    name: 'fakedirty, in batches',
    color: '#222222',
    holds: (row) => row.package === 'fakedirty' && row.mode === 'batch',
  },
  {
    name: 'fakedirty, one page a call',
    color: '#ffffff',
    lines: { rotation: -Math.PI / 4, gap: 4 },
    holds: (row) => row.package === 'fakedirty' && row.mode === 'page',
  },
  {
    name: 'other packages, one page a call',
    color: '#c8c8c8',
    holds: (row) => row.package !== 'fakedirty',
  },
];

function barsOf({ name, color, lines, holds }: Series, rows: readonly RowWithFigures[]) {
  const decal = lines
    ? {
        symbol: 'rect',
        color: '#000000',
        dashArrayX: [1, 0],
        dashArrayY: [1, lines.gap],
        rotation: lines.rotation,
      }
    : { symbol: 'none' };
  return {
    type: 'bar' as const,
    name,
    barGap: '-100%',
    barCategoryGap: '22%',
    itemStyle: { color, borderColor: '#000000', borderWidth: 1, decal },
    label: {
      show: true,
      position: 'right' as const,
      fontFamily,
      fontSize: 11,
      color: '#000000',
      formatter: ({ value }: { value?: unknown }) =>
        typeof value === 'number' ? threeDigits(value) : '',
    },
    data: rows.map((row) => (holds(row) ? row.figures.nsPerPage / 1000 : null)),
  };
}

/** A power of ten at or below the shortest bar, and one above the longest. */
function axisOf(rows: readonly RowWithFigures[]) {
  const us = rows.map(({ figures }) => figures.nsPerPage / 1000);
  const min = 10 ** Math.floor(Math.log10(Math.min(...us) / 1.5));
  // Bars begin at the axis, not at 1.
  return { min, startValue: min, max: 10 ** Math.ceil(Math.log10(Math.max(...us) * 1.2)) };
}

/** Random pages of 4096 bytes if there are any: contents change next to nothing, sizes little. */
function groupShown(run: Run) {
  const groups = groupsOf(run);
  const shown =
    groups.find(({ contents, pageSizeBytes }) => contents === 'random' && pageSizeBytes === 4096) ??
    groups[0];
  if (!shown) throw new Error('a run without rows has no picture');
  return { ...shown, rows: shown.rows.filter(({ mode }) => !isAsync(mode)) };
}

export function svgOf(run: Run): string {
  const { rows, pageSizeBytes, contents } = groupShown(run);
  const heightPx = topPx + bottomPx + rows.length * barPx;
  const chart = echarts.init(null, null, {
    renderer: 'svg',
    ssr: true,
    width: widthPx,
    height: heightPx,
  });
  const text = { fontFamily, color: '#000000' };
  try {
    chart.setOption({
      animation: false,
      backgroundColor: '#ffffff',
      textStyle: text,
      aria: { enabled: true, decal: { show: true } },
      title: {
        text: `Time to hash a page of ${pageSizeBytes} bytes, ${contents}`,
        left: 'center',
        top: 10,
        textStyle: { ...text, fontSize: 17, fontWeight: 'bold' },
      },
      legend: {
        top: 44,
        itemWidth: 26,
        itemGap: 28,
        textStyle: { ...text, fontSize: 12 },
      },
      grid: { top: topPx, bottom: bottomPx, left: leftPx, right: rightPx },
      xAxis: {
        type: 'log',
        ...axisOf(rows),
        name: 'microseconds a page (logarithmic; shorter is faster)',
        nameLocation: 'middle',
        nameGap: 30,
        nameTextStyle: { ...text, fontSize: 12 },
        axisLabel: { ...text, formatter: (value: number) => String(Number(value.toPrecision(6))) },
        splitLine: { lineStyle: { color: '#b0b0b0' } },
      },
      yAxis: {
        type: 'category',
        inverse: true,
        data: rows.map(({ algorithm, package: from, mode }) => `${algorithm}: ${from}, ${mode}`),
        axisTick: { show: false },
        axisLabel: { ...text, fontSize: 12, interval: 0 },
      },
      series: series.map((each) => barsOf(each, rows)),
      graphic: [machineLine(run), settingsLine(run)].map((line, at) => ({
        type: 'text',
        left: 'center',
        top: heightPx - 40 + at * 17,
        style: { text: line, fill: '#000000', fontFamily, fontSize: 11 },
      })),
    });
    return chart.renderToSVGString();
  } finally {
    // It keeps a clock running otherwise, and the process with it.
    chart.dispose();
  }
}
