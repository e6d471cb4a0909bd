// Times, sizes and shares as people write them: one parser for every command and every policy.

const timesMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const decimal: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};
const sizesBytes: Readonly<Record<string, number>> = {
  ...decimal,
  ...Object.fromEntries(Object.entries(decimal).map(([unit, bytes]) => [`${unit}B`, bytes])),
  kbit: 125,
  Mbit: 125e3,
  Gbit: 125e6,
};

function scaled(
  text: string,
  scale: Readonly<Record<string, number>>,
  unitless?: number,
): number | undefined {
  const [, digits, unit = ''] = /^(\d+\.?\d*|\.\d+) ?([A-Za-z]*)$/.exec(text.trim()) ?? [];
  const known = Object.hasOwn(scale, unit) ? scale[unit] : undefined;
  const factor = unit === '' ? (unitless ?? known) : known;
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}

export const expectedTime = 'a time such as 300ms, 0.5s, 2min or 1h';
export const expectedSize = 'a size such as 500M, 1.5GiB, 64Mi or 1Gbit';
export const expectedPercent = 'a percentage such as 75';

/** Milliseconds; undefined when the text is not a time. A number without a unit counts as `unitlessMs` each. */
export function parseMs(text: string, unitlessMs = 1): number | undefined {
  return scaled(text, timesMs, unitlessMs);
}

/** Bytes; undefined when the text is not a size. A number without a unit is bytes. */
export function parseBytes(text: string): number | undefined {
  return scaled(text, sizesBytes);
}

/** Percent, with or without the sign; undefined when the text is not a number. */
export function parsePercent(text: string): number | undefined {
  return scaled(text.replace(/ ?%$/, ''), { '': 1 });
}
