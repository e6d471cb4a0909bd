// What can be said of a few noisy numbers.

/** The value in the middle, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The range, as a share of the median. */
export function spread(values: readonly number[]): number {
  return (Math.max(...values) - Math.min(...values)) / median(values);
}

/** The arithmetic mean. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The variance of the population, estimated from a sample. */
function variance(values: readonly number[]): number {
  const middle = mean(values);
  return values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1);
}

/** Two-sided 99 % quantiles of Student's t, for 1, 2, 3, ... degrees of freedom. */
const t99 = [
  63.66, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.25, 3.169, 3.106, 3.055, 3.012, 2.977,
  2.947, 2.921, 2.898, 2.878, 2.861, 2.845, 2.831, 2.819, 2.807, 2.797, 2.787, 2.779, 2.771, 2.763,
  2.756, 2.75,
];

/** The same of 95 %. */
const t95 = [
  12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145,
  2.131, 2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048,
  2.045, 2.042,
];

function studentT(quantiles: readonly number[], degreesOfFreedom: number): number {
  const whole = Math.max(1, Math.floor(degreesOfFreedom));
  return quantiles[Math.min(whole, quantiles.length) - 1] ?? Number.NaN;
}

/** A ratio, and the confidence interval in which it lies. */
export interface Ratio {
  readonly ratio: number;
  readonly atLeast: number;
  readonly atMost: number;
}

/** A lower bound for the standard deviation: a few rounds may agree better than that by chance. */
const minDeviation = 0.003;
/** With fewer values there is no estimate of how far they scatter. */
export const minValues = 3;

/**
 * How many times as large the first values are as the second ones, by Welch's test on their logarithms. Null when there
 * are too few values, or one is not positive and so has no logarithm. The interval is that of 99 %.
 */
export function ratioOf(values: readonly number[], others: readonly number[]): Ratio | null {
  if (Math.min(values.length, others.length) < minValues) return null;
  if (Math.min(...values, ...others) <= 0) return null;
  const [logs, otherLogs] = [values.map(Math.log), others.map(Math.log)];
  const squareOfError = (each: number[]) =>
    Math.max(variance(each), minDeviation ** 2) / each.length;
  const a = squareOfError(logs);
  const b = squareOfError(otherLogs);
  const degrees = (a + b) ** 2 / (a ** 2 / (logs.length - 1) + b ** 2 / (otherLogs.length - 1));
  const difference = mean(logs) - mean(otherLogs);
  const margin = studentT(t99, degrees) * Math.sqrt(a + b);
  return {
    ratio: Math.exp(difference),
    atLeast: Math.exp(difference - margin),
    atMost: Math.exp(difference + margin),
  };
}

/** The 99 % confidence interval of the mean; null when there are too few values. */
export function meanInterval(values: readonly number[]): readonly [number, number] | null {
  if (values.length < minValues) return null;
  const margin = studentT(t99, values.length - 1) * Math.sqrt(variance(values) / values.length);
  return [Math.max(0, mean(values) - margin), mean(values) + margin];
}

/**
 * How many times as large the first values are as the second ones, each as its partner of the same round, with the
 * 95 % confidence interval of that. Null when there are too few pairs, or a value is not positive.
 */
export function pairedRatio(values: readonly number[], partners: readonly number[]): Ratio | null {
  const count = Math.min(values.length, partners.length);
  if (count < minValues || Math.min(...values, ...partners) <= 0) return null;
  const logs = Array.from({ length: count }, (_, at) =>
    Math.log((values[at] ?? Number.NaN) / (partners[at] ?? Number.NaN)),
  );
  const margin = studentT(t95, count - 1) * Math.sqrt(variance(logs) / count);
  const middle = mean(logs);
  return {
    ratio: Math.exp(middle),
    atLeast: Math.exp(middle - margin),
    atMost: Math.exp(middle + margin),
  };
}
