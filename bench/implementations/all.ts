// Everything that is compared, in the order in which it is shown: by algorithm, this package first.
import { algorithmNames } from '../../lib/fingerprint/algorithms.js';
import { fakedirtyImplementations } from './fakedirty.js';
import type { Implementation, ImplementationName } from './implementation.js';
import { nameOf } from './implementation.js';
import { rivalImplementations } from './rivals.js';

export function allImplementations(): Implementation[] {
  const all = [...fakedirtyImplementations(), ...rivalImplementations()];
  return algorithmNames.flatMap((name) => all.filter(({ algorithm }) => algorithm === name));
}

export function findImplementation(wanted: ImplementationName): Implementation {
  const found = allImplementations().find((each) => nameOf(each) === nameOf(wanted));
  if (!found) throw new Error(`${nameOf(wanted)}: not to be had on this Node`);
  return found;
}
