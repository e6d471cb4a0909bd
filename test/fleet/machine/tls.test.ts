// Guests travel encrypted between hosts that have certificates, and not at all to a host that they do not know.
import { expect, it, type TestContext } from 'vitest';
import { fakedirty } from '../../cli/fakedirty.js';
import { makeCertificates } from '../../harness/certificates.js';
import { needQemu } from '../../harness/requirements.js';
import { guestAt, SmallSite } from '../../harness/small-site.js';

const addresses = ['10.77.0.1', '10.77.0.2'];

/** One VM, and two hosts; the folders of their certificates. */
async function twoHosts(context: TestContext, ours: string, theirs: string) {
  const { binary } = needQemu(context);
  const guest = { pattern: 'flip', pages: 1000 } as const;
  const site = await SmallSite.start(context, {
    binary,
    vms: { web: { host: 'h1', guest } },
    hosts: 2,
  });
  await makeCertificates(site.workspace.path('trusted'), addresses);
  await makeCertificates(site.workspace.path('foreign'), addresses);
  const folders = { h1: ours, h2: theirs };
  site.rewrite((text) => {
    const described = JSON.parse(text);
    for (const [host, folder] of Object.entries(folders)) {
      described.hosts[host].tls = { folder: site.workspace.path(folder) };
    }
    return JSON.stringify(described);
  });
  return site;
}

it('moves a VM by TLS, and back', async (context) => {
  const site = await twoHosts(context, 'trusted', 'trusted');
  expect(fakedirty('drain', 'h1', ...site.where)).toMatchObject({ status: 0 });
  expect(fakedirty('uncordon', 'h1', ...site.where)).toMatchObject({ status: 0 });
  const { status, output } = fakedirty('drain', 'h2', ...site.where);
  expect({ status, output }).toMatchObject({ status: 0 });
  expect(output).not.toMatch(/in the clear/);
  // What its arrivals have left is not in the way of a move without certificates.
  site.rewrite((text) => {
    const described = JSON.parse(text);
    for (const host of Object.values<{ tls?: object }>(described.hosts)) delete host.tls;
    return JSON.stringify(described);
  });
  expect(fakedirty('uncordon', 'h2', ...site.where)).toMatchObject({ status: 0 });
  const clear = fakedirty('drain', 'h1', ...site.where);
  expect(clear).toMatchObject({ status: 0 });
  expect(clear.output).toMatch(/in the clear/);
});

it('does not move a VM to a host whose certificate nobody knows', async (context) => {
  const site = await twoHosts(context, 'trusted', 'foreign');
  const { status, output } = fakedirty('drain', 'h1', ...site.where);
  expect(output).toMatch(/certificate/);
  expect(status).toBe(11);
  expect((await guestAt(site.folderOf('web'))).wrongWords).toBe(0);
  const qom = fakedirty('drain', 'h1', '--dry-run', ...site.where);
  expect(qom.status).toBe(0);
});

it('says what is missing before anything is moved', async (context) => {
  const site = await twoHosts(context, 'trusted', 'absent');
  const { status, output } = fakedirty('drain', 'h1', ...site.where);
  expect(output).toMatch(/there is no \S+absent\/server-key.pem, which TLS needs/);
  expect(status).toBe(10);
});
