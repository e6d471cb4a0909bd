import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHosts } from '../../../lib/lab/hosts/create-hosts.js';
import type { Host, Hosts } from '../../../lib/lab/hosts/host.js';
import { removeAbandonedNamespaces } from '../../../lib/lab/hosts/namespaced.js';
import { defaultLink, linkSchema } from '../../../lib/lab/model/link.js';
import { packageRoot } from '../../../lib/system/package-root.js';
import { Workspace } from '../../../lib/system/workspace.js';
import { needNamespaces, needNetem, needNoNetem } from '../networks.js';

let workspace: Workspace;
let hosts: Hosts | undefined;

beforeEach(() => {
  workspace = Workspace.create(0);
});
afterEach(() => {
  hosts?.close();
  hosts = undefined;
  workspace.remove();
});

function hostAt({ list }: Hosts, at: number): Host {
  const host = list[at];
  if (!host) throw new Error(`there is no host ${at}`);
  return host;
}

function startOn(host: Host, ...command: string[]): ChildProcess {
  const [program, ...args] = [...host.prefix, ...command];
  return spawn(program ?? '', args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('no output');
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return line;
}

/** How long that many bytes take from one host to another, until the last one has arrived. */
async function sendMs(from: Host, to: Host, bytes: number): Promise<number> {
  const receive = `require('net').createServer((s) => {
    let n = 0;
    s.on('data', (d) => { n += d.length; if (n === ${bytes}) s.end('x'); });
  }).listen(5000, '${to.address}', () => console.log('listening'))`;
  const send = `const t = process.hrtime.bigint();
    const s = require('net').connect(5000, '${to.address}', () => s.write(Buffer.alloc(${bytes})));
    s.on('data', () => { console.log(Number(process.hrtime.bigint() - t) / 1e6); process.exit(); })`;
  const receiver = startOn(to, process.execPath, '-e', receive);
  try {
    await firstLine(receiver);
    return Number(await firstLine(startOn(from, process.execPath, '-e', send)));
  } finally {
    receiver.kill('SIGKILL');
  }
}

/** Of so many small packets, one each millisecond, how many get from one host to another. */
async function arrivedShare(from: Host, to: Host, packets: number): Promise<number> {
  const receive = `let n = 0;
    const s = require('dgram').createSocket('udp4');
    s.on('message', (m) => { if (String(m) === 'end') { console.log(n); process.exit(); } n += 1; });
    s.bind(5000, '${to.address}', () => console.log('listening'))`;
  // One of the last ones gets there.
  const send = `const s = require('dgram').createSocket('udp4');
    let n = 0;
    setInterval(() => {
      n += 1;
      if (n > ${packets} + 50) process.exit();
      s.send(n > ${packets} ? 'end' : 'x', 5000, '${to.address}');
    }, 1);`;
  const receiver = startOn(to, process.execPath, '-e', receive);
  if (!receiver.stdout) throw new Error('no output');
  const lines = createInterface({ input: receiver.stdout })[Symbol.asyncIterator]();
  try {
    await lines.next();
    startOn(from, process.execPath, '-e', send);
    const { value: arrived } = await lines.next();
    return Number(arrived) / packets;
  } finally {
    receiver.kill('SIGKILL');
  }
}

/** Those that a process has made, if it is one of ours, or all with that name. */
function namespacesOf(owner: number | string): string[] {
  if (!existsSync('/run/netns')) return [];
  return readdirSync('/run/netns').filter((name) => `-${name}-`.includes(`-${owner}-`));
}

describe('hosts in namespaces', () => {
  it('reach each other and the client, no faster than the link', async (context) => {
    needNamespaces(context);
    const link = linkSchema.parse({ megabitsPerSecond: 100 });
    hosts = await createHosts({ workspace, link, count: 3 });
    expect(hosts.description).toContain('100 Mbit/s');
    const bytes = 2_500_000;
    // 200 ms, less what tbf lets through at once on the way in and out.
    for (const [from, to] of [
      [hostAt(hosts, 0), hostAt(hosts, 2)],
      [hosts.client, hostAt(hosts, 1)],
    ] as const) {
      expect(await sendMs(from, to, bytes)).toBeGreaterThan(150);
    }
    expect(await arrivedShare(hostAt(hosts, 2), hosts.client, 100)).toBe(1);
  });

  it('use one congestion control, whatever this machine does', async (context) => {
    needNamespaces(context);
    hosts = await createHosts({ workspace, link: defaultLink });
    expect(hosts.description).toContain('TCP with reno');
    const [from, to] = [hostAt(hosts, 0), hostAt(hosts, 1)];
    const listen = `require('net').createServer(() => {}).listen(5000, '${to.address}', () =>
      console.log('listening'))`;
    const connect = `require('net').connect(5000, '${to.address}', () => console.log('connected'))`;
    const listener = startOn(to, process.execPath, '-e', listen);
    context.onTestFinished(() => void listener.kill('SIGKILL'));
    await firstLine(listener);
    const caller = startOn(from, process.execPath, '-e', connect);
    context.onTestFinished(() => void caller.kill('SIGKILL'));
    await firstLine(caller);
    for (const { prefix } of [from, to]) {
      const [program = '', ...args] = [...prefix, 'ss', '--tcp', '--info', '--no-header'];
      expect(execFileSync(program, args, { encoding: 'utf8' })).toMatch(/^\s+reno /m);
    }
  });

  it('keep their addresses when VMs come and go', async (context) => {
    needNamespaces(context);
    hosts = await createHosts({ workspace, link: defaultLink });
    const host = hostAt(hosts, 0);
    const [program = '', ...prefix] = host.prefix;
    const read = () =>
      execFileSync(program, [...prefix, 'ip', '-brief', 'link', 'show', 'br0'], {
        encoding: 'utf8',
      });
    const address = (text: string) => /\S+:\S+/.exec(text)?.[0];
    const before = address(read());
    expect(before).toMatch(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/);
    // Their addresses are random: one of so many is the least of all.
    for (let taps = 0; taps < 15; taps += 1) await hosts.addTap(host);
    expect(address(read())).toBe(before);
  });

  it('leave the machine’s own devices alone, and are gone when closed', async (context) => {
    needNamespaces(context);
    const before = Object.keys(networkInterfaces());
    hosts = await createHosts({ workspace, link: defaultLink });
    const first = hostAt(hosts, 0);
    expect(await hosts.addTap(first)).not.toBe(await hosts.addTap(first));
    expect(namespacesOf(process.pid)).toHaveLength(4);
    expect(Object.keys(networkInterfaces())).toEqual(before);
    const left = startOn(first, 'sleep', '1000');
    const ended = once(left, 'exit');
    hosts.close();
    expect((await ended)[1]).toBe('SIGKILL');
    expect(namespacesOf(process.pid)).toEqual([]);
  });

  it('delay packets', async (context) => {
    needNetem(context);
    hosts = await createHosts({ workspace, link: linkSchema.parse({ delayMs: 40 }) });
    // Two ways to connect, and the bytes and their answer.
    expect(await sendMs(hostAt(hosts, 0), hostAt(hosts, 1), 1)).toBeGreaterThan(155);
  });

  it('lose packets', async (context) => {
    needNetem(context);
    hosts = await createHosts({ workspace, link: linkSchema.parse({ lossPercent: 30 }) });
    const [from, to] = [hostAt(hosts, 0), hostAt(hosts, 1)];
    const share = await arrivedShare(from, to, 400);
    expect(share).toBeGreaterThan(0.55);
    expect(share).toBeLessThan(0.85);
  });

  it('name the kernel option that delay and loss need', async (context) => {
    needNoNetem(context);
    for (const [link, said] of [
      [{ delayMs: 40 }, /40 ms each way.*CONFIG_NET_SCH_NETEM/s],
      [{ lossPercent: 1 }, /1 % lost.*CONFIG_NET_SCH_NETEM/s],
    ] as const) {
      await expect(createHosts({ workspace, link: linkSchema.parse(link) })).rejects.toThrow(said);
    }
    expect(namespacesOf(process.pid)).toEqual([]);
  });

  it('are removed by the next run if their owner was killed, but not if it lives', async (context) => {
    needNamespaces(context);
    hosts = await createHosts({ workspace, link: defaultLink });
    const foreign = `fdtest-${process.pid}`;
    execFileSync('ip', ['netns', 'add', foreign]);
    try {
      const script = `
        const { spawn } = await import('node:child_process');
        const { Workspace } = await import('${packageRoot}/dist/system/workspace.js');
        const { createHosts } = await import('${packageRoot}/dist/lab/hosts/create-hosts.js');
        const { defaultLink } = await import('${packageRoot}/dist/lab/model/link.js');
        const hosts = await createHosts({ workspace: Workspace.create(0), link: defaultLink });
        const [program, ...args] = [...hosts.list[0].prefix, 'sleep', '1000'];
        const { pid } = spawn(program, args, { stdio: 'ignore', detached: true });
        console.log(pid);
        setInterval(() => {}, 1000);`;
      const owner = spawn(process.execPath, ['--input-type=module', '--eval', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const sleeper = Number(await firstLine(owner));
      const theirs = () => namespacesOf(owner.pid ?? 'none');
      removeAbandonedNamespaces();
      expect(theirs()).toHaveLength(4);
      owner.kill('SIGKILL');
      await once(owner, 'exit');
      removeAbandonedNamespaces();
      expect(theirs()).toEqual([]);
      expect(namespacesOf(process.pid)).toHaveLength(4 + 1);
      expect(namespacesOf(foreign)).toEqual([foreign]);
      while (existsSync(`/proc/${sleeper}`)) await new Promise((done) => setTimeout(done, 5));
    } finally {
      spawnSync('ip', ['netns', 'del', foreign]);
    }
  });
});

describe('hosts without privileges', () => {
  it('say that QEMU limits itself, and use private sockets', async () => {
    hosts = await createHosts({ workspace, link: defaultLink, kind: 'loopback' });
    expect(hosts.qemuBytesPerSecond).toBe(125e6);
    expect(hosts.description).toMatch(/without a network.*QEMU's own limit/);
    expect(hosts.migrationUri(hostAt(hosts, 1))).toContain(workspace.directory);
    expect(await hosts.addTap(hostAt(hosts, 0))).toBeNull();
  });

  it('refuse a link with delay or loss', async () => {
    const link = linkSchema.parse({ delayMs: 10 });
    await expect(createHosts({ workspace, link, kind: 'loopback' })).rejects.toThrow(
      /10 ms each way.*Run as root/s,
    );
  });
});
