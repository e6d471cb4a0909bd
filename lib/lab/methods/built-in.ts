// All built-in methods. To add one, add a file beside this one, and a line here.
import { adaptiveStop, adaptiveStopSha256 } from './adaptive-stop.js';
import { auto, effectiveWalm, walm } from './chosen.js';
import { filterEveryPage, filters } from './filter.js';
import { intelligentHybrid } from './intelligent-hybrid.js';
import { type Method, withFilter } from './method.js';
import { multifd, multifdZstd } from './multifd.js';
import { sha1PageByPage } from './page-by-page.js';
import { plain } from './plain.js';
import { hybrid, postCopy } from './post-copy.js';
import { xbzrle, xbzrleLarge } from './xbzrle.js';

const others = [xbzrle, xbzrleLarge, multifd, multifdZstd, hybrid, intelligentHybrid];

/** All built-in methods. */
export const methods: readonly Method[] = [
  plain,
  sha1PageByPage,
  ...filters,
  filterEveryPage,
  ...others.flatMap((method) => [method, withFilter(method)]),
  adaptiveStop,
  adaptiveStopSha256,
  // Has no variant with the filter: without a pass of pre-copy there is nothing to filter.
  postCopy,
  walm,
  effectiveWalm,
  auto,
];
