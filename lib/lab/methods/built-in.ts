// All methods that are built in. A new one is a file beside this one, and a line here.
import { adaptiveStop, adaptiveStopSha256 } from './adaptive-stop.js';
import { filters } from './filter.js';
import { intelligentHybrid } from './intelligent-hybrid.js';
import { type Method, withFilter } from './method.js';
import { multifd, multifdZstd } from './multifd.js';
import { sha1PageByPage } from './page-by-page.js';
import { plain } from './plain.js';
import { hybrid, postCopy } from './post-copy.js';
import { xbzrle, xbzrleLarge } from './xbzrle.js';

const others = [xbzrle, xbzrleLarge, multifd, multifdZstd, hybrid, intelligentHybrid];

export const methods: readonly Method[] = [
  plain,
  sha1PageByPage,
  ...filters,
  ...others.flatMap((method) => [method, withFilter(method)]),
  adaptiveStop,
  adaptiveStopSha256,
  // Without a pass of pre-copy there is nothing to filter.
  postCopy,
];
