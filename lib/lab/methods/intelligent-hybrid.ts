// Pre-copy that switches to post-copy when its policy sees that it does not converge.
import { intelligentHybrid as policy } from '../../policy/intelligent-hybrid.js';
import type { Method } from './method.js';
import { hybrid } from './post-copy.js';

/** Pre-copy that may become post-copy. */
export const intelligentHybrid: Method = {
  ...hybrid,
  name: 'intelligent-hybrid',
  summary: 'pre-copy; if it does not converge, post-copy from a minimum of dirty pages on',
  policy: () => policy(),
};
