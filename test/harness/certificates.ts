// Certificates for hosts, by an authority of their own.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../lib/system/processes.js';

async function openssl(...args: string[]): Promise<void> {
  await run('openssl', args);
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** Certificates in one folder, of an authority that nobody else has, for hosts with these addresses. */
export async function makeCertificates(
  folder: string,
  addresses: readonly string[],
): Promise<void> {
  mkdirSync(folder, { mode: 0o700 });
  const file = (name: string) => join(folder, name);
  const authority = ['-keyout', file('ca-key.pem'), '-out', file('ca-cert.pem'), '-days', '2'];
  await openssl('req', '-x509', ...newKey, '-subj', '/CN=authority', ...authority);
  for (const end of ['server', 'client']) {
    const [key, request] = [file(`${end}-key.pem`), file('request.pem')];
    await openssl('req', ...newKey, '-subj', `/CN=${end}`, '-keyout', key, '-out', request);
    const names = addresses.map((address) => `IP:${address}`).join(',');
    writeFileSync(file('more'), `subjectAltName=${names}\n`);
    const by = ['-CA', file('ca-cert.pem'), '-CAkey', file('ca-key.pem'), '-days', '2'];
    const made = ['-extfile', file('more'), '-out', file(`${end}-cert.pem`)];
    await openssl('x509', '-req', '-in', request, ...by, ...made);
  }
}
