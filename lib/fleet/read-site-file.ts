// Reads the file that describes a site.
import { readFileSync } from 'node:fs';
import { messageOf } from '../errors/message-of.js';
import { parseSite, SiteError } from '../site/read-site.js';
import type { Site } from '../site/site.js';

/** Throws SiteError, with a line for each mistake. */
export function readSiteFile(path: string): Site {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new SiteError(path, [`can't be read: ${messageOf(error)}`]);
  }
  return parseSite(text, path);
}
