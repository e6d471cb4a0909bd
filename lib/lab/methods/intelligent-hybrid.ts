import { intelligentHybrid as policy } from '../../policy/intelligent-hybrid.js';
import type { Method } from './method.js';
import { hybrid } from './post-copy.js';

export const intelligentHybrid: Method = {
  ...hybrid,
  name: 'intelligent-hybrid',
  summary: 'pre-copy, then post-copy from a minimum of dirty pages on once it does not converge',
  policy: () => policy(),
};
