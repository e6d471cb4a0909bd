// Where the destination of an attempt listens.
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { QmpDriver } from '../../../../lib/fleet/drivers/qmp/driver.js';
import type { QmpHost, Site } from '../../../../lib/site/site.js';

const source = { driver: 'qmp', host: 'h1', qmp: '/qmp' } as const;
const target = { vm: 'web', source, to: 'h2', method: { name: 'pre-copy', policy: [] } } as const;

function driverFor(address: string, ports: readonly [number, number]): QmpDriver {
  const arrivals = { card: 'nic', address, ports };
  const h2 = { driver: 'qmp', folder: '/run/vms', arrivals } as unknown as QmpHost;
  const site = { hosts: { h2 }, vms: { web: {} } } as unknown as Site;
  return new QmpDriver(site, '/nowhere');
}

it.each([
  ['10.0.0.1', 'tcp:10.0.0.1:49152'],
  ['fd00::1', 'tcp:[fd00::1]:49152'],
  ['h2.example', 'tcp:h2.example:49152'],
])('at the address %s it is %s', async (address, listen) => {
  const arrival = await driverFor(address, [49_152, 49_215]).arrival(target, 'web-1');
  expect(arrival.listen).toBe(listen);
});

it('takes its ports in turn, and leaves out those on which somebody listens', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const driver = driverFor('127.0.0.1', [port - 1, port]);
  for (let number = 1; number <= 3; number += 1) {
    const { listen } = await driver.arrival(target, `web-${number}`);
    expect(listen).toBe(`tcp:127.0.0.1:${port - 1}`);
  }
  server.close();
  await once(server, 'close');
  const { listen } = await driver.arrival(target, 'web-4');
  expect(listen).toBe(`tcp:127.0.0.1:${port}`);
});

it('names a port of its range also where all are taken: QEMU says then why it can not be had', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { listen } = await driverFor('127.0.0.1', [port, port]).arrival(target, 'web-1');
  expect(listen).toBe(`tcp:127.0.0.1:${port}`);
  server.close();
});
