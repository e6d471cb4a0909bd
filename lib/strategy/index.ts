// fakedirty/strategy: decides before a migration, from what was measured. Pure.
export type { VmMeasurement } from '../site/measurement.js';
export type { MoveMethod, MovePrediction } from '../site/move.js';
export { explainRunning, type RunningExplained } from './explain/running.js';
export { type Goal, goals } from './method/cheapest.js';
export type { Chooser, MethodChoice, RejectedMethod } from './method/choice.js';
export {
  type ChooseMethodOptions,
  type ChosenMethod,
  chooseMethod,
} from './method/choose-method.js';
export type { MethodOptions } from './method/method-options.js';
export { type Thresholds, usualThresholds } from './method/nature.js';
