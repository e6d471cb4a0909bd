// Charts as SVG, drawn without a browser: what all built-in figures have in common.
import * as echarts from 'echarts';

const fontFamily = 'DejaVu Sans, Liberation Sans, Arial, sans-serif';
/** The width of every figure. */
export const widthPx = 960;
/** The style of text in charts. */
export const textStyle = { fontFamily, color: '#000000' };
/** The style of smaller text in charts. */
export const smallText = { ...textStyle, fontSize: 12 };
/** Options of the axis below a chart. */
export const axisBelow = {
  nameLocation: 'middle',
  nameGap: 30,
  nameTextStyle: smallText,
  axisLabel: { ...smallText, hideOverlap: true },
};
/** The style of grid lines. */
export const gridLine = { lineStyle: { color: '#c8c8c8' } };

/** Okabe and Ito's colours, which colour-blind people can tell apart, darkest first. */
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

/** The colour of a series, by its number. */
export function colorAt(at: number): string {
  return colors[at % colors.length] ?? '#000000';
}

/** The height of a legend with these names: legends wrap by themselves, but do not reserve the height for it. */
export function legendPx(names: readonly string[]): number {
  const perLine = Math.max(1, Math.floor((widthPx - 80) / (Math.max(...names.map(lengthPx)) + 50)));
  return Math.ceil(names.length / perLine) * 22;
}

/** The width of a text, estimated. */
export function lengthPx(text: string): number {
  return text.length * 7.2;
}

/** Without a browser, the width of a text has to be estimated; if it is too small, texts overlap. */
echarts.setPlatformAPI({
  measureText: (text, font) => {
    const fontPx = Number(/([\d.]+)px/.exec(font ?? '')?.[1] ?? 12);
    return { width: (lengthPx(text) * fontPx) / 12 };
  },
});

/** Draws a chart with these options of ECharts, and returns its SVG. */
export function draw(heightPx: number, option: Readonly<Record<string, unknown>>): string {
  const init = { renderer: 'svg', ssr: true, width: widthPx, height: heightPx } as const;
  const chart = echarts.init(null, null, init);
  try {
    chart.setOption({
      animation: false,
      backgroundColor: '#ffffff',
      textStyle,
      // In print and for readers who see no colours, patterns tell the series apart.
      aria: { enabled: true, decal: { show: true } },
      ...option,
    });
    return chart.renderToSVGString();
  } finally {
    // Else its timer keeps the process alive.
    chart.dispose();
  }
}
