// The options by which all commands for sites find one.
import { type Command, Option } from 'commander';
import { didYouMean } from '../../errors/nearest.js';
import { FleetStateError } from '../../fleet/errors.js';
import { defaultSiteFolder, SiteFolder } from '../../fleet/journal/site-folder.js';
import { readSiteFile } from '../../fleet/read-site-file.js';
import type { Site } from '../../site/site.js';

export interface SiteFlags {
  readonly site: string;
  readonly state?: string;
}

export interface FoundSite {
  readonly site: Site;
  readonly folder: SiteFolder;
}

export function addSiteOptions(command: Command): Command {
  return command
    .requiredOption('--site <file>', 'the description of the site (YAML)')
    .addOption(
      new Option(
        '--state <folder>',
        'where its moves are remembered; default: ~/.local/state/fakedirty/sites/NAME',
      ),
    );
}

/** Throws unless the site has a host of that name. */
export function checkHost({ hosts }: Site, host: string): void {
  if (Object.hasOwn(hosts, host)) return;
  const known = Object.keys(hosts);
  throw new FleetStateError(`The site has no host '${host}'.${didYouMean(host, known)}`);
}

export function findSite({ site: file, state }: SiteFlags): FoundSite {
  const site = readSiteFile(file);
  return { site, folder: new SiteFolder(state ?? defaultSiteFolder(file)) };
}
