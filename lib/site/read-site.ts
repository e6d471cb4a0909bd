// Reads the file of a site.
import { FakedirtyError } from '../errors/error.js';
import { checkedYaml } from '../format/checked-yaml.js';
import { type Site, siteSchema } from './site.js';

/** This is not a valid description of a site. */
export class SiteError extends FakedirtyError {
  override readonly name = 'SiteError';
  override readonly code = 'ERR_SITE';

  constructor(
    file: string,
    /** What is wrong, each with its line. */
    readonly problems: readonly string[],
  ) {
    const list = problems.map((text) => `  ${text}`).join('\n');
    super(`${file} does not describe a site:\n${list}`);
  }
}

/** Reads the text of a site's file. `file` is its name in messages. */
export function parseSite(text: string, file: string): Site {
  const read = checkedYaml(text, siteSchema);
  if ('problems' in read) throw new SiteError(file, read.problems);
  return read.value;
}
