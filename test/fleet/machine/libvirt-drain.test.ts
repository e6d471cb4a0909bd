// Drains a host of real VMs at work, by libvirt.
import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { driverFor } from '../../../lib/fleet/drivers/driver-for.js';
import { SiteFolder } from '../../../lib/fleet/journal/site-folder.js';
import { drain } from '../../../lib/fleet/run/drain.js';
import { methodSchema } from '../../../lib/site/move.js';
import { fakedirty } from '../../cli/fakedirty.js';
import { LibvirtHosts } from '../../harness/libvirt-hosts.js';
import { needQemu } from '../../harness/requirements.js';

const method = methodSchema.parse({ name: 'pre-copy', hash: 'ph128' });

it('every VM of the host moves to another one, encrypted and at work, and the others are left alone', async (context) => {
  const { binary } = needQemu(context);
  const hosts = await LibvirtHosts.start(context, {
    binary,
    hosts: 3,
    tls: true,
    vms: {
      small: { host: 'h1', guest: { pattern: 'random', pages: 1000, spins: 2000 } },
      large: { host: 'h1', guest: { pattern: 'flip', pages: 4000, wordsPerPage: 4 } },
      other: { host: 'h2', guest: { pattern: 'idle', pages: 500 } },
    },
  });
  const { site } = hosts;
  // Nothing moves in the clear: what moves below is encrypted.
  await expect(
    hosts
      .host('h1')
      .virsh.run(['migrate', '--live', '--p2p', 'small', hosts.host('h2').uris.peerUri]),
  ).rejects.toThrow(/TLS/);
  // A guest that the site does not have there keeps the host from being empty.
  const lacks = hosts.workspace.path('lacks.yaml');
  const { vms, ...rest } = hosts.description as { vms: Record<string, object> };
  const { small } = vms;
  writeFileSync(lacks, JSON.stringify({ ...rest, vms: { small } }));
  const state = ['--site', lacks, '--state', hosts.workspace.path('lacks')];
  const partly = fakedirty('drain', 'h1', '--dry-run', ...state);
  expect(partly).toMatchObject({ status: 10 });
  expect(partly.output).toMatch(
    /large: It runs on h1, and the site does not describe it.*--leave large/,
  );
  const left = fakedirty('drain', 'h1', '--dry-run', '--leave', 'large', ...state);
  expect(left).toMatchObject({ status: 0 });
  expect(fakedirty('drain', 'h1', '--dry-run', '--leave', 'lagre', ...state).output).toMatch(
    /no VM 'lagre'/,
  );
  expect(fakedirty('drain', 'h1', '--hash', 'sha256', ...state).output).toMatch(
    /--hash has no effect with libvirt/,
  );
  const folder = new SiteFolder(hosts.workspace.path('state'));
  await using taken = await folder.take('site.yaml', 'drain h1');
  const outcome = await drain(
    {
      site,
      host: 'h1',
      method,
      stopAfterFailures: 1,
      stallMs: 60_000,
      leave: [],
      measurements: new Map(),
    },
    {
      taken,
      driver: driverFor(site, folder.migrations),
      signal: new AbortController().signal,
      onProgress: () => {},
      onTrouble: () => {},
    },
  );
  expect(outcome).toBe('drained');
  expect([...taken.state.places.keys()]).toEqual(['small', 'large']);
  for (const [name, { host }] of taken.state.places) {
    expect(host).not.toBe('h1');
    expect((await hosts.guest(name, host)).wrongWords).toBe(0);
  }
  expect(await hosts.host('h1').virsh.run(['list', '--all', '--name'])).toEqual([]);
  expect(await hosts.state('other', 'h2')).toBe('running');
  const ended = taken.entries.flatMap((entry) => (entry.type === 'ended' ? [entry] : []));
  for (const { figures } of ended) expect(figures?.downtimeMs).toBeGreaterThan(0);
});
