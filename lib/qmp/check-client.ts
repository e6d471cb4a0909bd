// Checks that an argument is a QmpClient.
import { OptionError } from '../errors/option-error.js';
import { shown } from '../errors/shown.js';

/** Throws OptionError unless commands can be sent over it, and events come from it. */
export function checkClient(qmp: unknown): void {
  const { execute, events } = (qmp ?? {}) as { readonly execute?: unknown; events?: unknown };
  if (typeof execute === 'function' && typeof events === 'function') return;
  const expected = 'expected a QmpClient, such as `await QmpClient.connect(address)`';
  throw new OptionError('qmp', `is ${shown(qmp)}; ${expected}`);
}
