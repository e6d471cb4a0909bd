// Where the destination of an attempt listens.
import { expect, it } from 'vitest';
import { QmpDriver } from '../../../../lib/fleet/drivers/qmp/driver.js';
import type { QmpHost, Site } from '../../../../lib/site/site.js';

it.each([
  ['10.0.0.1', 'tcp:10.0.0.1:49152'],
  ['fd00::1', 'tcp:[fd00::1]:49152'],
  ['h2.example', 'tcp:h2.example:49152'],
])('at the address %s it is %s', (address, listen) => {
  const arrivals = { card: 'nic', address, ports: [49_152, 49_215] as const };
  const h2 = { driver: 'qmp', folder: '/run/vms', arrivals } as unknown as QmpHost;
  const site = { hosts: { h2 }, vms: { web: {} } } as unknown as Site;
  const source = { driver: 'qmp', host: 'h1', qmp: '/qmp' } as const;
  const target = { vm: 'web', source, to: 'h2', method: { name: 'pre-copy', policy: [] } } as const;
  expect(new QmpDriver(site, '/nowhere').arrival(target, 'web-1').listen).toBe(listen);
});
