// fakedirty/monitor: measures running VMs.
export {
  type DirtyingMeasurement,
  type MeasurementOverhead,
  type MeasureOptions,
  measureDirtying,
  type PageEstimate,
} from './dirtying-measurement.js';
export { MeasurementError } from './errors.js';
