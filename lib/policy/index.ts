// fakedirty/policy: policies that decide when to stop a migration, switch it to post-copy or give it up, and
// predictions of what each choice would cost.
export { type AdaptiveStopOptions, adaptiveStop } from './adaptive-stop.js';
export { type FakeAwareOptions, fakeAware } from './fake-aware.js';
export {
  type Forecast,
  type ForecastMethod,
  type ForecastOptions,
  forecast,
  type MethodForecast,
} from './forecast.js';
export { type IntelligentHybridOptions, intelligentHybrid } from './intelligent-hybrid.js';
export {
  type AutoConvergeFirstOptions,
  autoConvergeFirst,
  chain,
  type GiveUpOptions,
  giveUp,
} from './limits.js';
export { PolicyError, parsePolicies, policyNames } from './named.js';
export {
  type Behaviour,
  type PredictedRange,
  type Prediction,
  type PredictionSet,
  predict,
} from './prediction.js';
export {
  type ActualTimes,
  evaluatePredictions,
  type PredictionComparison,
  type PredictionReport,
  passesOf,
  policyEvaluationsOf,
  replay,
  type TimedPredictions,
} from './replay.js';
export { type StallOptions, stall } from './stall.js';
