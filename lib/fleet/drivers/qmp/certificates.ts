// The certificates by which both sides of a migration know each other, as objects of their QEMUs.
import type { MigrateOptions } from '../../../migration/options.js';
import { QmpCommandError } from '../../../qmp/errors.js';
import type { LastingQmp } from '../../../qmp/lasting-qmp.js';
import type { Certificates, QmpHost } from '../../../site/site.js';

/** What QEMU calls them. */
const id = 'fakedirty-tls';

/** The words that give them to the QEMU of a destination. */
export function certificateWords({ tls }: QmpHost): string[] {
  if (!tls) return [];
  return ['-object', `tls-creds-x509,id=${id},dir=${tls.folder},endpoint=server,verify-peer=on`];
}

/** Takes them from a QEMU: an earlier attempt may have left some. */
export async function forgetCertificates(qmp: LastingQmp): Promise<void> {
  try {
    await qmp.execute('object-del', { id });
  } catch (error) {
    // There were none.
    if (!(error instanceof QmpCommandError)) throw error;
  }
}

/** Takes from a QEMU what its guest's arrival has left: it would be taken for the certificates of its next move. */
export async function forgetArrival(qmp: LastingQmp): Promise<void> {
  await qmp.execute('migrate-set-parameters', { 'tls-creds': '' });
  await forgetCertificates(qmp);
}

/** Has both sides use their certificates, if they have some; returns what the migration is told then. */
export async function useCertificates(
  source: LastingQmp,
  destination: LastingQmp,
  { host, sourceTls }: { readonly host: QmpHost; readonly sourceTls: Certificates | undefined },
): Promise<Pick<MigrateOptions, 'parameters'>> {
  if (!host.tls || !sourceTls) return {};
  await destination.execute('migrate-set-parameters', { 'tls-creds': id });
  await forgetCertificates(source);
  const endpoint = { endpoint: 'client', dir: sourceTls.folder, 'verify-peer': true } as const;
  await source.execute('object-add', { 'qom-type': 'tls-creds-x509', id, ...endpoint });
  const hostname = host.tls.name ?? host.arrivals.address;
  return { parameters: { 'tls-creds': id, 'tls-hostname': hostname } };
}
