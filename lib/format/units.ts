// Times and sizes as people write them.

const timesMs: Readonly<Record<string, number>> = { '': 1, ms: 1, s: 1000, min: 60_000 };
const sizesBytes: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 1024,
  Mi: 1 << 20,
  Gi: 1 << 30,
  kbit: 125,
  Mbit: 125e3,
  Gbit: 125e6,
};

function scaled(text: string, scale: Readonly<Record<string, number>>): number | undefined {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(text) ?? [];
  const factor = Object.hasOwn(scale, unit) ? scale[unit] : undefined;
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}

export const expectedTime = 'a time such as 300ms, 20s or 2min';
export const expectedSize = 'a size such as 500M, 2G, 64Mi or 1Gbit';

/** Milliseconds; undefined when the text is not a time. */
export function parseMs(text: string): number | undefined {
  return scaled(text, timesMs);
}

/** Bytes; undefined when the text is not a size. A number without a unit is bytes. */
export function parseBytes(text: string): number | undefined {
  return scaled(text, sizesBytes);
}
