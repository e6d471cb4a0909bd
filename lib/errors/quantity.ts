// A number in a message with the unit that the name of its option ends in: `downtimeLimitMs`, `cacheBytes`.

type Scale = readonly (readonly [unit: string, size: number])[];

const times: Scale = [
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
];
const sizes: Scale = [
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
  ['GB', 1e9],
  ['MB', 1e6],
  ['kB', 1e3],
];

interface Unit {
  readonly ending: RegExp;
  readonly name: string;
  /** What stands after a larger unit too. */
  readonly per?: string;
  /** Larger units, the largest first. */
  readonly larger?: Scale;
}

const units: readonly Unit[] = [
  { ending: /Ms$/, name: 'ms', larger: times },
  { ending: /^seconds$|Seconds$/, name: 's' },
  { ending: /BytesPerSecond$/, name: 'bytes', per: '/s', larger: sizes },
  { ending: /Bytes$/, name: 'bytes', larger: sizes },
  { ending: /MiB$/, name: 'MiB' },
  { ending: /Percent$/, name: '%' },
];

/**
 * The number with its unit and, where it is a whole number of a larger one, with that: "3600000 ms (1 h)". Without a
 * unit in the name, the number alone.
 */
export function quantity(optionName: string, value: number | bigint): string {
  const unit = units.find(({ ending }) => ending.test(optionName));
  if (!unit) return String(value);
  const { name, per = '', larger = [] } = unit;
  const number = Number(value);
  const [bigger, size = 1] = larger.find(([, each]) => number !== 0 && number % each === 0) ?? [];
  const inBigger = bigger === undefined ? '' : ` (${number / size} ${bigger}${per})`;
  return `${value} ${name}${per}${inBigger}`;
}
