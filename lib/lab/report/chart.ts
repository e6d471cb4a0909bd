// Charts as SVG, without a browser: what all figures have in common.
import * as echarts from 'echarts';
import type { MeasuredRun } from '../model/run.js';
import type { CellSummary, Comparable } from './summary.js';
import { operationsBy } from './work.js';

/** All that figures are made of. */
export interface Results {
  readonly cells: readonly CellSummary[];
  readonly groups: readonly Comparable[];
  /** In the order of the experiment. */
  readonly methods: readonly string[];
}

export interface Figure {
  /** The name of its files. */
  readonly id: string;
  readonly title: string;
  /** What it shows, for those who don't see it. */
  readonly alternative: string;
  readonly svg: string;
}

/** One kind of figure: a file each. Nothing to show: no figures. */
export type FigureMaker = (results: Results) => Figure[];

const fontFamily = 'DejaVu Sans, Liberation Sans, Arial, sans-serif';
export const widthPx = 960;
export const textStyle = { fontFamily, color: '#000000' };
export const smallText = { ...textStyle, fontSize: 12 };
/** Of the axis below a chart. */
export const axisBelow = {
  nameLocation: 'middle',
  nameGap: 30,
  nameTextStyle: smallText,
  axisLabel: { ...smallText, hideOverlap: true },
};
export const gridLine = { lineStyle: { color: '#c8c8c8' } };

/** Okabe and Ito's colours, which colour-blind people tell apart, from the darkest on. */
const colors = [
  '#000000',
  '#0072b2',
  '#d55e00',
  '#009e73',
  '#cc79a7',
  '#e69f00',
  '#56b4e9',
  '#b0b0b0',
];

export function colorAt(at: number): string {
  return colors[at % colors.length] ?? '#000000';
}

/** Legends break into lines by themselves, but leave no room for that. */
export function legendPx(names: readonly string[]): number {
  const perLine = Math.max(1, Math.floor((widthPx - 80) / (Math.max(...names.map(lengthPx)) + 50)));
  return Math.ceil(names.length / perLine) * 22;
}

export function lengthPx(text: string): number {
  return text.length * 7.2;
}

/** Without a browser nobody knows how wide a text is; too narrow and texts lie over each other. */
echarts.setPlatformAPI({
  measureText: (text, font) => {
    const fontPx = Number(/([\d.]+)px/.exec(font ?? '')?.[1] ?? 12);
    return { width: (lengthPx(text) * fontPx) / 12 };
  },
});

export function draw(heightPx: number, option: echarts.EChartsCoreOption): string {
  const init = { renderer: 'svg', ssr: true, width: widthPx, height: heightPx } as const;
  const chart = echarts.init(null, null, init);
  try {
    chart.setOption({
      animation: false,
      backgroundColor: '#ffffff',
      textStyle,
      // In print, and to those who see no colours, patterns tell the series apart.
      aria: { enabled: true, decal: { show: true } },
      ...option,
    });
    return chart.renderToSVGString();
  } finally {
    // It keeps a clock running otherwise, and the process with it.
    chart.dispose();
  }
}

/** Reports may be heard late and then several at once: nothing finer means anything. */
const stepMs = 400;

/** Operations a second, by seconds since the migration began. */
export function throughputOf({ measurement }: MeasuredRun): [number, number][] {
  const { reports, migrationBeganMs } = measurement.workload;
  const lastMs = reports.at(-1)?.heardMs ?? 0;
  const points: [number, number][] = [];
  const firstMs = reports[0]?.heardMs ?? 0;
  let told = operationsBy(reports, firstMs);
  for (let ms = firstMs + stepMs; ms <= lastMs; ms += stepMs) {
    const now = operationsBy(reports, ms);
    points.push([(ms - stepMs / 2 - migrationBeganMs) / 1000, ((now - told) * 1000) / stepMs]);
    told = now;
  }
  return points;
}
