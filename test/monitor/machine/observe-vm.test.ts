// What is seen of a VM whose processor, network and disk are used at a known rate.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it, type TestContext } from 'vitest';
import { mebibyte } from '../../../lib/format/bytes.js';
import type { VmObservation, VmUse } from '../../../lib/monitor/observation.js';
import { observeVm } from '../../../lib/monitor/observe-vm.js';
import { totalUse } from '../../../lib/monitor/vm-use.js';
import {
  assembleGuest,
  type GuestOptions,
  guestRamBytes,
  untilReady,
} from '../../../lib/qemu/machine/guest.js';
import { Machine } from '../../../lib/qemu/machine/machine.js';
import { QmpClient } from '../../../lib/qmp/client.js';
import { run } from '../../../lib/system/processes.js';
import { Workspace } from '../../../lib/system/workspace.js';
import { needAnyQemu, needRoot } from '../../harness/requirements.js';

const guest: GuestOptions = { pattern: 'rewrite', pages: 64 };
const periodMs = 200;

async function start(
  context: TestContext,
  more: { prefix?: readonly string[]; arguments?: (workspace: Workspace) => string[] } = {},
): Promise<Machine> {
  const { binary } = needAnyQemu(context);
  const workspace = Workspace.create(64 * mebibyte);
  context.onTestFinished(() => workspace.remove());
  const firmware = await assembleGuest(workspace, guest);
  const { prefix = [] } = more;
  const machine = await Machine.start({
    ...{ name: 'vm', binary, accelerator: 'tcg', workspace, firmware, prefix, runs: true },
    ramBytes: guestRamBytes(guest),
    arguments: more.arguments?.(workspace) ?? [],
  });
  context.onTestFinished(() => machine.kill());
  await untilReady(machine.serial);
  return machine;
}

/** Collects what is seen until so much time has been observed. */
async function useFor(machine: Machine, seconds: number): Promise<VmUse[]> {
  const all: VmUse[] = [];
  let observed = 0;
  for await (const observation of observeVm(machine.qmp, { periodMs })) {
    if (observation.type !== 'use') throw new Error(observation.reason);
    all.push(observation.use);
    observed += observation.use.seconds;
    if (observed >= seconds) return all;
  }
  throw new Error('It ended.');
}

function sumOf(all: readonly VmUse[], rate: (use: VmUse) => number | undefined): number {
  return all.reduce((sum, use) => sum + (rate(use) ?? 0) * use.seconds, 0);
}

/** Seconds of processor time of a process, as the kernel counts them for it as a whole. */
function processorSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

it('a guest that works keeps its processor busy, and one that is stopped does not', async (context) => {
  const machine = await start(context);
  const before = processorSeconds(machine.pid);
  const busy = sumOf(await useFor(machine, 1), (use) => totalUse(use).processors);
  const inAll = processorSeconds(machine.pid) - before;
  // Of all that its QEMU uses, nearly all is its vCPU's; what other work leaves it differs.
  expect(busy).toBeGreaterThan(0.05);
  expect(Math.abs(busy - inAll), `${busy} s of ${inAll} s`).toBeLessThan(0.15 * inAll + 0.05);
  await machine.qmp.execute('stop');
  expect(sumOf(await useFor(machine, 1), (use) => totalUse(use).processors)).toBeLessThan(0.05);
});

it('a VM that is gone is told of, and observing ends', async (context) => {
  const machine = await start(context);
  const seen: VmObservation['type'][] = [];
  for await (const { type } of observeVm(machine.qmp, { periodMs })) {
    seen.push(type);
    if (type === 'use') machine.kill();
  }
  expect(seen.at(-1)).toBe('gone');
});

it('what a disk reads and writes is counted', async (context) => {
  const disk = 'disk.raw';
  const machine = await start(context, {
    arguments: (workspace) => {
      const path = workspace.path(disk);
      writeFileSync(path, '');
      truncateSync(path, 8 * mebibyte);
      return ['-drive', `if=virtio,id=disk,file=${path},format=raw`];
    },
  });
  const command = (line: string) =>
    machine.qmp.execute('human-monitor-command', { 'command-line': `qemu-io disk "${line}"` });
  const seen = useFor(machine, 1.5);
  await pause(2 * periodMs);
  await command('aio_write 0 2M');
  await command('aio_write 2M 1M');
  await command('aio_read 0 1M');
  const all = await seen;
  expect(sumOf(all, (use) => totalUse(use).writeBytesPerSecond)).toBeCloseTo(3 * mebibyte, -1);
  expect(sumOf(all, (use) => totalUse(use).readBytesPerSecond)).toBeCloseTo(mebibyte, -1);
});

const vms = 50;
const looks = 4;
const attempts = 4;
/** Of a processor. */
const most = 0.02;

it(`${vms} VMs are observed once a second for 2 % of a processor, asking QEMU apart`, async (context) => {
  const sockets = Array.from({ length: vms }, (_, at) => `qmp${at}`);
  let paths: string[] = [];
  const machine = await start(context, {
    arguments: (workspace) => {
      paths = sockets.map((name) => workspace.path(name));
      return paths.flatMap((path) => ['-qmp', `unix:${path},server=on,wait=off`]);
    },
  });
  await machine.qmp.execute('stop');
  const clients = await Promise.all(paths.map((path) => QmpClient.connect(path)));
  context.onTestFinished(() => Promise.all(clients.map((qmp) => qmp.close())).then(() => {}));
  const cpuMs = async (work: () => Promise<unknown>) => {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  const seen = clients.map((qmp) => observeVm(qmp));
  const look = () => Promise.all(seen.map((each) => each.next()));
  // What each of these looks asks QEMU, and nothing else.
  const ask = () => Promise.all(clients.map((qmp) => qmp.execute('query-blockstats')));
  await look();
  const shares: number[] = [];
  // Other work takes the caches away from this: the least is what observing costs.
  for (let attempt = 0; attempt < attempts && !shares.some((share) => share < most); attempt += 1) {
    const observing = await cpuMs(async () => {
      for (let at = 0; at < looks; at += 1) await look();
    });
    const asking = await cpuMs(async () => {
      for (let at = 0; at < looks; at += 1) await ask();
    });
    shares.push(Math.max(0, observing - asking) / (looks * 1000));
  }
  await Promise.all(seen.map((each) => each.return()));
  const share = Math.min(...shares);
  console.log(`${vms} VMs: ${(100 * share).toFixed(2)} % of a processor`);
  expect(share).toBeLessThan(most);
});

const [packets, packetBytes, headerBytes] = [2000, 1000, 42];

/** Sends packets to a neighbour behind a tap, spread over a second. */
const sender = `
  const socket = require('node:dgram').createSocket('udp4');
  let left = ${packets};
  const timer = setInterval(() => {
    for (let at = 0; at < 40 && left > 0; at += 1, left -= 1)
      socket.send(Buffer.alloc(${packetBytes}), 9, '10.99.0.2');
    if (left === 0) { clearInterval(timer); setTimeout(() => socket.close(), 100); }
  }, 20);
`;

it('what goes through its taps is counted, in another network namespace', async (context) => {
  needRoot(context, 'to make a network namespace');
  const namespace = `fakedirty-observe-${process.pid}`;
  const ip = (...words: string[]) => run('ip', words);
  await ip('netns', 'add', namespace);
  context.onTestFinished(() => ip('netns', 'del', namespace).then(() => {}));
  for (const tap of ['tap0', 'tap1']) {
    await ip('-n', namespace, 'tuntap', 'add', 'dev', tap, 'mode', 'tap');
    await run('ip', [
      'netns',
      'exec',
      namespace,
      'sysctl',
      '-qw',
      `net.ipv6.conf.${tap}.disable_ipv6=1`,
    ]);
    await ip('-n', namespace, 'link', 'set', tap, 'up');
  }
  await ip('-n', namespace, 'addr', 'add', '10.99.0.1/24', 'dev', 'tap0');
  const neighbour = ['lladdr', '02:00:00:00:00:02', 'dev', 'tap0'];
  await ip('-n', namespace, 'neigh', 'add', '10.99.0.2', ...neighbour);
  // What arrives at one end of QEMU's hub leaves by the other: no guest has to take part.
  const ends = ['tap0', 'tap1'].flatMap((tap) => [
    ...['-netdev', `tap,id=${tap},ifname=${tap},script=no,downscript=no`],
    ...['-netdev', `hubport,id=hub-${tap},hubid=0,netdev=${tap}`],
  ]);
  const enter = ['nsenter', `--net=/run/netns/${namespace}`];
  const machine = await start(context, { prefix: enter, arguments: () => ends });
  const seen = useFor(machine, 2.5);
  await pause(2 * periodMs);
  const [program = '', ...words] = [...enter, process.execPath, '-e', sender];
  await once(spawn(program, words, { stdio: 'inherit' }), 'close');
  const all = await seen;
  const bytes = packets * (packetBytes + headerBytes);
  const of = (tap: string, rate: 'transmitBytesPerSecond' | 'receiveBytesPerSecond') =>
    sumOf(all, ({ interfaces }) => interfaces?.find(({ name }) => name === tap)?.[rate]);
  // The VM receives by the one what it sends by the other.
  expect(of('tap0', 'receiveBytesPerSecond') / bytes).toBeCloseTo(1, 2);
  expect(of('tap1', 'transmitBytesPerSecond') / bytes).toBeCloseTo(1, 2);
  expect(of('tap0', 'transmitBytesPerSecond')).toBeLessThan(bytes / 100);
});
