// What virsh is told when a domain is to move: pure. The daemons do it among themselves (--p2p), so that it goes on when
// whoever has told them is gone.
import { isIPv6 } from 'node:net';
import { mebibyte } from '../../../format/bytes.js';
import type { MoveMethod } from '../../../site/move.js';
import type { LibvirtHost } from '../../../site/site.js';

/** Where the source's QEMU sends the guest. The destination's daemon chooses the port. */
export function migrateUri({ arrivals }: LibvirtHost): string {
  const { address } = arrivals;
  return `tcp://${isIPv6(address) ? `[${address}]` : address}`;
}

/** How other hosts' daemons reach that of a host. */
export function peerUri({ peerUri: peer, uri }: LibvirtHost): string {
  return peer ?? uri;
}

/** libvirt counts a rate in whole MiB a second. */
export function bandwidthMebibytes(bytesPerSecond: number): number {
  return Math.max(1, Math.floor(bytesPerSecond / mebibyte));
}

/** How a domain moves, beside its method. */
export interface MigrateHow {
  /** It is defined, and not only running. */
  readonly isPersistent: boolean;
  /** Both hosts have certificates. */
  readonly isEncrypted: boolean;
}

function tlsWords({ tls }: LibvirtHost): string[] {
  return ['--tls', ...(tls?.name === undefined ? [] : ['--tls-destination', tls.name])];
}

/** Words that move a domain. */
export function migrateWords(
  domain: string,
  to: LibvirtHost,
  method: MoveMethod,
  { isPersistent, isEncrypted }: MigrateHow,
): string[] {
  const { name, bytesPerSecond } = method;
  return [
    'migrate',
    '--live',
    '--p2p',
    // It is defined where it runs, and nowhere else: nobody starts it twice.
    ...(isPersistent ? ['--persistent', '--undefinesource'] : []),
    ...(isEncrypted ? tlsWords(to) : []),
    ...(name === 'pre-copy' ? [] : ['--postcopy']),
    ...(bytesPerSecond ? ['--bandwidth', `${bandwidthMebibytes(bytesPerSecond)}`] : []),
    ...['--migrateuri', migrateUri(to)],
    domain,
    peerUri(to),
  ];
}

/** Words that let a broken post-copy go on over a new connection. */
export function resumeWords(
  domain: string,
  to: LibvirtHost,
  method: MoveMethod,
  how: MigrateHow,
): string[] {
  const [command = '', ...words] = migrateWords(domain, to, method, how);
  return [command, '--postcopy-resume', ...words];
}

/**
 * In which pass, the first being 1, the guest goes to the destination before all of it is there; undefined: in none, or
 * in the one that a policy chooses.
 */
export function postCopyFromPass({ name, policy }: MoveMethod): number | undefined {
  if (name === 'post-copy') return 1;
  return name === 'hybrid' && policy.length === 0 ? 2 : undefined;
}
