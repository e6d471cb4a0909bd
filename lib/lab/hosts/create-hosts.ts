// Makes hosts on one machine: in namespaces if they can be had, else in name only.
import { mkdirSync } from 'node:fs';
import { describeLink } from '../model/link.js';
import type { Hosts, HostsKind, HostsOptions } from './host.js';
import { HostsError } from './hosts-error.js';
import { needsNetem } from './link-shaping.js';
import { LoopbackHosts } from './loopback.js';
import { congestionControl, NamespacedHosts, whyNoNamespaces } from './namespaced.js';

/** The reason why hosts have no network between them here; undefined: they have one. */
export function whyNoNetwork(kind: HostsKind): string | undefined {
  return kind === 'loopback' ? 'as asked' : whyNoNamespaces();
}

/** Makes hosts joined by the link; removes what killed runs have left first. */
export async function createHosts(options: HostsOptions): Promise<Hosts> {
  const { workspace, link, kind = 'auto' } = options;
  const sharedDirectory = workspace.path('shared');
  mkdirSync(sharedDirectory, { recursive: true });
  const reason = whyNoNetwork(kind);
  if (!reason) {
    const description = `namespaces of this machine, a switch between them: ${describeLink(link)}, TCP with ${congestionControl}`;
    return await NamespacedHosts.create(options, sharedDirectory, description);
  }
  if (kind === 'namespaces') throw new HostsError(`Hosts in namespaces can't be made: ${reason}.`);
  if (needsNetem(link)) {
    throw new HostsError(
      `A link with ${describeLink(link)} needs hosts in namespaces: ${reason}. ` +
        'Run as root, or remove delayMs and lossPercent.',
    );
  }
  return new LoopbackHosts(options, sharedDirectory, reason);
}
