// WALM (Ilma 2024): the workload of a VM decides how it is migrated. As published, by the pages that it marks; and by those
// that really change, which is what the filter leaves to be sent.
import type { VmMeasurement } from '../../site/measurement.js';
import type { MoveMethod } from '../../site/move.js';
import type { Path } from '../model/predict.js';
import type { MethodChoice, Possible } from './choice.js';
import { type Nature, natureOf, type Thresholds, usualThresholds } from './nature.js';

const intelligentHybrid = 'intelligent-hybrid';

/** What WALM does with each kind of workload. */
const methodFor: Readonly<Record<Nature, Pick<MoveMethod, 'name' | 'policy'>>> = {
  memory: { name: 'post-copy', policy: [] },
  incoming: { name: 'pre-copy', policy: [] },
  outgoing: { name: 'post-copy', policy: [] },
  neither: { name: 'hybrid', policy: [intelligentHybrid] },
};

/** How WALM is to choose. */
export interface WalmOptions {
  readonly path: Path;
  readonly possible: Possible;
  readonly thresholds?: Thresholds | undefined;
}

function choose(
  measurement: VmMeasurement,
  { path, possible, thresholds = usualThresholds }: WalmOptions,
  by: 'walm' | 'effective-walm',
): MethodChoice {
  const pages = by === 'walm' ? 'marked' : 'changed';
  const { nature, why, numbers } = natureOf(measurement, path, pages, thresholds);
  const wanted = methodFor[nature];
  // As published it knows no filter; by what really changes it stands on one.
  const filter =
    by === 'effective-walm' && possible.hash !== undefined && wanted.name !== 'post-copy';
  const hash = filter ? { hash: possible.hash } : {};
  if (possible.postCopy || wanted.name === 'pre-copy') {
    return { by, method: { ...wanted, ...hash }, reason: `Its workload is ${why}.`, numbers };
  }
  return {
    by,
    method: { name: 'pre-copy', policy: [], ...hash },
    reason: `Its workload is ${why}. That asks for ${wanted.name}, but ${possible.whyNoPostCopy}.`,
    numbers,
  };
}

/** Chooses as WALM does, by the pages that the guest marks. */
export function walm(measurement: VmMeasurement, options: WalmOptions): MethodChoice {
  return choose(measurement, options, 'walm');
}

/** Chooses as WALM does, by the pages that really change. */
export function effectiveWalm(measurement: VmMeasurement, options: WalmOptions): MethodChoice {
  return choose(measurement, options, 'effective-walm');
}
