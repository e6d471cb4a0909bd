// What a move costs, as far as that can be told from what was measured.
import { expect, it } from 'vitest';
import { measurementSchema, type VmMeasurement } from '../../../lib/site/measurement.js';
import { methodSchema, predictionSchema } from '../../../lib/site/move.js';
import { withoutInfinity } from '../../../lib/site/range.js';
import { predictMove } from '../../../lib/strategy/model/predict.js';

const gigabit = { bytesPerSecond: 125_000_000 };
const plain = methodSchema.parse({ name: 'pre-copy' });
const filtered = methodSchema.parse({ name: 'pre-copy', hash: 'ph128' });
const postCopy = methodSchema.parse({ name: 'post-copy' });

function vm(more: Partial<VmMeasurement> = {}): VmMeasurement {
  return {
    ...{ format: 1, kind: 'vm', vm: 'a', atMs: 0, memoryBytes: 1_000_000_000 },
    ...more,
  };
}

/** Marks 20,000 pages a second, over and over, of which a tenth change. */
const busy = vm({
  dirtying: {
    seconds: 1,
    marked: { pages: 20_000, errorPages: 200 },
    markedInDoubleTime: { pages: 20_400, errorPages: 200 },
    changed: { pages: 2000, errorPages: 100 },
  },
});

it('promises nothing of a VM that was never measured', () => {
  const { timeMs, bytes } = predictMove(vm(), gigabit, plain);
  expect(timeMs).toMatchObject({ expected: 8040, high: Number.POSITIVE_INFINITY });
  expect(bytes).toMatchObject({ low: 0, expected: 1_000_000_000 });
});

it('knows that zero pages cost nothing', () => {
  const { bytes } = predictMove(vm({ zeroBytes: 600_000_000 }), gigabit, plain);
  expect(bytes).toMatchObject({ low: 400_000_000, expected: 400_000_000 });
});

it('takes longer where a move may take less of the link', () => {
  const slow = { ...plain, bytesPerSecond: gigabit.bytesPerSecond / 2 };
  const [fast, half] = [plain, slow].map((method) => predictMove(busy, gigabit, method));
  expect(half?.timeMs.expected).toBeGreaterThan(1.9 * (fast?.timeMs.expected ?? 0));
});

it('tells what the filter saves, and what post-copy costs', () => {
  const [without, withFilter, post] = [plain, filtered, postCopy].map((method) =>
    predictMove(busy, gigabit, method),
  );
  expect(withFilter?.bytes.expected).toBeLessThan(without?.bytes.expected ?? 0);
  expect(post?.downtimeMs.expected).toBeLessThan(without?.downtimeMs.expected ?? 0);
});

it('is read again as it was written, infinite bounds too', () => {
  const predicted = predictMove(vm(), gigabit, plain);
  const text = JSON.stringify(predicted, withoutInfinity);
  expect(text).toContain('"never"');
  expect(predictionSchema.parse(JSON.parse(text))).toEqual(predicted);
});

it('a measurement says of what it is, and by which form', () => {
  expect(measurementSchema.safeParse(busy).success).toBe(true);
  expect(measurementSchema.safeParse({ ...busy, format: 2 }).success).toBe(false);
  expect(measurementSchema.safeParse({ ...busy, memory: 1 }).success).toBe(false);
});

it('shares the way with the traffic of the VM itself: what it sends, or in post-copy what it receives', () => {
  const timeOf = (more: Partial<VmMeasurement>, method = plain) =>
    predictMove(
      vm({ dirtying: { seconds: 1, changed: { pages: 0, errorPages: 0 } }, ...more }),
      gigabit,
      method,
    ).timeMs.expected;
  const half = gigabit.bytesPerSecond / 2;
  expect(timeOf({ transmitBytesPerSecond: half })).toBeGreaterThan(1.9 * timeOf({}));
  expect(timeOf({ receiveBytesPerSecond: half })).toBe(timeOf({}));
  expect(timeOf({ receiveBytesPerSecond: half }, postCopy)).toBeGreaterThan(
    1.9 * timeOf({}, postCopy),
  );
});
