// What decides before a migration, as methods: WALM, the same by what really changes, and the method that is predicted to
// cost least. The guest is measured first, which takes its time.
import { measureVm } from '../../monitor/measure-vm.js';
import type { Chooser } from '../../strategy/method/choice.js';
import { chooseMethod } from '../../strategy/method/choose-method.js';
import { methodName } from '../../strategy/method/method-options.js';
import type { Method, ToChooseFor } from './method.js';

/** The length of one of the measurements. */
const seconds = 1;

interface Choosing extends Pick<Method, 'name' | 'summary' | 'needsFilter'> {
  readonly by: Chooser;
}

function chooses({ by, name, summary, needsFilter }: Choosing): Method {
  const choose = async ({ qmp, signal, linkBytesPerSecond, downtimeLimitMs }: ToChooseFor) => {
    const { measurement } = await measureVm(name, qmp, { seconds, signal });
    const { method, reason, options } = chooseMethod(measurement, {
      ...{ by, linkBytesPerSecond, downtimeLimitMs },
      filterPossible: needsFilter,
    });
    const { policy, ...others } = options;
    const postcopy = method.name !== 'pre-copy';
    return { method: methodName(method), reason, postcopy, policy, options: others };
  };
  return { name, summary, needsFilter, postcopy: false, choose, options: () => ({}) };
}

/** As published. */
export const walm = chooses({
  by: 'walm',
  name: 'walm',
  summary:
    'WALM: post-copy, pre-copy or intelligent hybrid, by what the guest marks and by its traffic',
  needsFilter: false,
});

/** By what really changes. */
export const effectiveWalm = chooses({
  by: 'effective-walm',
  name: 'effective-walm',
  summary: 'WALM by the pages that really change, with the filter',
  needsFilter: true,
});

/** The cheapest. */
export const auto = chooses({
  by: 'cheapest',
  name: 'auto',
  summary: 'the method that is predicted to take least time, the filter included',
  needsFilter: true,
});
