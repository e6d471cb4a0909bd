// fakedirty/monitor: observes and measures running VMs.
export type { VmMeasurement } from '../site/measurement.js';
export {
  type DirtyingMeasurement,
  type MeasurementOverhead,
  type MeasureOptions,
  measureDirtying,
  type PageEstimate,
} from './dirtying-measurement.js';
export { MeasurementError } from './errors.js';
export { measureVm, type VmFigures } from './measure-vm.js';
export { parseObservation, type VmObservation, type VmUse } from './observation.js';
export { type ObserveOptions, observeVm } from './observe-vm.js';
