// Jain's adaptive stop: stop and copy once the bytes sent again reach a share of the bytes of the first pass.

import { checkOptions } from '../errors/check-options.js';
import { bytesText, percentText } from '../format/text.js';
import type { Policy } from '../migration/decision.js';
import { firstAndRetransferred } from '../migration/pass.js';
import { checkNumbers } from './check-settings.js';
import { decidingAs } from './decide.js';

/** When to stop. */
export interface AdaptiveStopOptions {
  /** How much may be sent again (RD), in percent of the first pass (TD); default: 75. */
  readonly limitPercent?: number | undefined;
}

const decide = decidingAs('adaptive-stop');

/** Stops and copies once a share of the first pass has been sent again (Jain 2021). */
export function adaptiveStop(options: AdaptiveStopOptions = {}): Policy {
  checkOptions(options, ['limitPercent']);
  checkNumbers(options, ['limitPercent']);
  const { limitPercent = 75 } = options;
  return ({ passes }) => {
    const { td, rd } = firstAndRetransferred(passes);
    const share = td > 0 ? rd / td : 0;
    const numbers = { tdBytes: td, rdBytes: rd, sharePercent: share * 100, limitPercent };
    if (td === 0)
      return decide('go-on', 'The first pass is under way: nothing has been sent twice.', numbers);
    const sent = `${bytesText(rd)} sent again are ${percentText(share)} of the first pass's ${bytesText(td)}`;
    return share * 100 >= limitPercent
      ? decide('stop-now', `${sent}, and the limit is ${limitPercent} %.`, numbers)
      : decide('go-on', `${sent}, below the limit of ${limitPercent} %.`, numbers);
  };
}
