// fakedirty/fleet: moves of many VMs, decided by what is seen and carried out so that they can be interrupted anywhere.

export {
  type Measurement,
  measurementFormat,
  measurementSchema,
  type VmMeasurement,
} from '../site/measurement.js';
export {
  type Move,
  type MoveMethod,
  type MovePrediction,
  methodSchema,
  moveSchema,
  predictionSchema,
} from '../site/move.js';
export { type Place, placeSchema } from '../site/place.js';
export { type Plan, planSchema } from '../site/plan.js';
export { type Range, rangeSchema } from '../site/range.js';
export { parseSite, SiteError } from '../site/read-site.js';
export {
  type Arrivals,
  type Card,
  type Certificates,
  type HookName,
  type Host,
  type LibvirtHost,
  type QmpHost,
  type Rule,
  type Site,
  siteFormat,
  type Vm,
} from '../site/site.js';
export type { TimeWindow } from '../site/time-window.js';
export { type Path, predictMove } from '../strategy/model/predict.js';
export type {
  Act,
  Arrival,
  Guidance,
  MoveDriver,
  MoveInHand,
  MoveProgress,
  Target,
} from './drivers/driver.js';
export {
  ActError,
  FleetBusyError,
  FleetJournalError,
  FleetStateError,
  FleetWriteError,
  PreflightError,
} from './errors.js';
export {
  type EntryOf,
  type FleetEntry,
  fleetJournalFormat,
  type Intent,
  type MoveFigures,
  type Settlement,
  type Wish,
} from './journal/entries.js';
export { defaultSiteFolder, SiteFolder, type TakenFolder } from './journal/site-folder.js';
export type { FleetState, OpenAttempt, OpenDrain } from './journal/state.js';
export {
  type Action,
  type Decisions,
  type DestinationSighting,
  nextAction,
  type Observation,
  type Outcome,
  type SourceSighting,
} from './move/next-action.js';
export type { DrainPlan } from './plan-drain.js';
export { readSiteFile } from './read-site-file.js';
export {
  completePlan,
  type DrainOptions,
  type MeasureVmsOptions,
  measureVms,
  plan,
  preflight,
  remarks,
} from './run/before-drain.js';
export { type DrainContext, type DrainEnd, drain } from './run/drain.js';
export { type FleetStatus, type LiveMove, statusOf } from './status.js';
