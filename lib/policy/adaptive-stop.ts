// Jain's adaptive stop: once as much has been sent again as a share of what was sent first, it pays no
// longer to go on.
import type { Policy } from '../migration/decision.js';
import { firstAndRetransferred } from '../migration/pass.js';
import { bytesText, decide, percentText } from './decide.js';

export interface AdaptiveStopOptions {
  /** Of RD in TD, in percent; default 75. */
  readonly limitPercent?: number;
}

export function adaptiveStop({ limitPercent = 75 }: AdaptiveStopOptions = {}): Policy {
  return ({ passes }) => {
    const { td, rd } = firstAndRetransferred(passes);
    const share = td > 0 ? rd / td : 0;
    const numbers = { tdBytes: td, rdBytes: rd, sharePercent: share * 100, limitPercent };
    if (td === 0) return decide('go-on', 'The first pass goes on: nothing is sent twice.', numbers);
    const sent = `${bytesText(rd)} sent again are ${percentText(share)} of the first pass's ${bytesText(td)}`;
    return share * 100 >= limitPercent
      ? decide('stop-now', `${sent}, and the limit is ${limitPercent} %.`, numbers)
      : decide('go-on', `${sent}, below the limit of ${limitPercent} %.`, numbers);
  };
}
