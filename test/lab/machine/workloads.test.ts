import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { mebibyte } from '../../../lib/format/bytes.js';
import { builtIn } from '../../../lib/lab/catalogue/built-in.js';
import { makeDisk } from '../../../lib/lab/guest/disk.js';
import { guestImage, type Image } from '../../../lib/lab/guest/image.js';
import { LinuxControl } from '../../../lib/lab/guest/linux-control.js';
import { LinuxVm, type LinuxVmOptions } from '../../../lib/lab/guest/linux-vm.js';
import { createHosts } from '../../../lib/lab/hosts/create-hosts.js';
import type { Host, Hosts } from '../../../lib/lab/hosts/host.js';
import { defaultLink } from '../../../lib/lab/model/link.js';
import { workloads } from '../../../lib/lab/workloads/built-in.js';
import { contentsFor } from '../../../lib/lab/workloads/guest-contents.js';
import { LinuxWorkloadRun } from '../../../lib/lab/workloads/linux-workload-run.js';
import { compareMemory } from '../../../lib/qemu/machine/compare-memory.js';
import { Workspace } from '../../../lib/system/workspace.js';
import { memoryBytes, move, needLabQemu } from './guests.js';

const { FAKEDIRTY_LONG } = process.env;
const long = FAKEDIRTY_LONG === '1';
const address = '10.77.0.100';

/** Small, so that each begins and is checked in no time. */
const small: Record<string, object> = {
  'working-set': { bytes: 4 * mebibyte, words: 3, order: 'sequential' },
  'same-values': { bytes: 4 * mebibyte },
  'flip-flop': { bytes: 4 * mebibyte },
  idle: { bytes: 4 * mebibyte },
  disk: { bytes: 4 * mebibyte },
  quicksort: { bytes: 2 * mebibyte },
  memcached: { share: 0.2, keys: 500, valueBytes: 700, getsPercent: 50 },
  ...Object.fromEntries([...'abcdef'].map((letter) => [`ycsb-${letter}`, { records: 1000 }])),
};

const environment = { memoryBytes, processors: 2, address: null, seed: 1 };

let workspace: Workspace;
let hosts: Hosts;
let image: Image;
let disk = '';
let control: LinuxControl;
let vm: LinuxVm | undefined;
let moves = 0;

function hostAt(at: number): Host {
  const host = hosts.list[at % hosts.list.length];
  if (!host) throw new Error('no hosts');
  return host;
}

async function optionsFor(name: string, binary: string, host: Host): Promise<LinuxVmOptions> {
  const tap = await hosts.addTap(host);
  return {
    ...{ name, binary, workspace, host, image, memoryBytes },
    ...{ accelerator: 'tcg', processors: 1 },
    ...(tap ? { network: { tap, address, mac: '52:54:00:fd:00:01' } } : {}),
    disk,
  };
}

/** The guest that all share, booted by whoever needs it first. */
async function needGuest(context: TestContext): Promise<LinuxVm> {
  if (vm) return vm;
  const { binary } = needLabQemu(context);
  vm = await LinuxVm.start(await optionsFor('first', binary, hostAt(0)));
  await vm.boot(control);
  return vm;
}

/** Those that need the Linux guest. */
const ofLinux = workloads.filter(({ bareGuest }) => !bareGuest);
const workloadNames = ofLinux.map(({ name }) => name);

function needNetworkFor(name: string, context: TestContext): void {
  if (builtIn.workload(name).needsNetwork && !hosts.client.address) {
    context.skip(`needs hosts in namespaces: ${hosts.description}`);
  }
}

function start(name: string, options: object = {}): Promise<LinuxWorkloadRun> {
  return LinuxWorkloadRun.start({
    workload: builtIn.workload(name),
    options: { ...small[name], ...options },
    environment: {
      memoryBytes,
      processors: 1,
      address: hosts.client.address && address,
      seed: 1,
    },
    control,
    client: hosts.client,
  });
}

/** Moves the guest to the other host, where it goes on; the memories must be equal. */
async function moveGuest(context: TestContext): Promise<void> {
  const source = await needGuest(context);
  const { binary, patched } = needLabQemu(context);
  // Without the series, TCG loses marks: only a guest at rest arrives whole. It arrives sooner, too.
  if (!patched || !long) await source.machine.qmp.execute('stop');
  moves += 1;
  const options = await optionsFor(`move${moves}`, binary, hostAt(moves));
  vm = await move(source, options, hosts);
  const comparison = await compareMemory(source.machine.ramFile, vm.machine.ramFile);
  expect(comparison).toMatchObject({ differentPages: 0 });
  vm.connect(control);
  await vm.machine.qmp.execute('cont');
  await source.machine.kill();
}

async function untilMoreReports(running: LinuxWorkloadRun): Promise<void> {
  const before = running.reports.length;
  while (running.reports.length < before + 2) await new Promise((done) => setTimeout(done, 20));
}

beforeAll(async () => {
  workspace = Workspace.create(2 * memoryBytes);
  hosts = await createHosts({ workspace, link: defaultLink });
  disk = makeDisk(hosts);
  control = new LinuxControl();
  const contents = await contentsFor(ofLinux);
  image = await guestImage({ workspace, ...contents, network: true, disk: true });
});

afterAll(async () => {
  await vm?.machine.kill();
  hosts?.close();
  workspace?.remove();
});

describe('each workload runs in the guest, reports, and checks its data', () => {
  it.for(workloadNames)('%s', async (name, context) => {
    await needGuest(context);
    needNetworkFor(name, context);
    const running = await start(name);
    const checks = await running.stop();
    const [report] = running.reports;
    expect(report?.receivedMs).toBeGreaterThan(0);
    // By a clock that began with the work, after what prepares it.
    expect(report?.atMs).toBeLessThan(30_000);
    if (name !== 'idle') expect(report?.operations).toBeGreaterThan(0);
    expect(checks.length).toBeGreaterThan(0);
    for (const check of checks) {
      expect(check).toMatchObject({ wrong: 0 });
      expect(check.checked).toBeGreaterThan(0);
    }
  });
});

/** The function by which the programs in the guest make values out of numbers. */
function mix(number: bigint): bigint {
  const word = (value: bigint) => BigInt.asUintN(64, value);
  let x = word(number);
  x = word((x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n);
  x = word((x ^ (x >> 27n)) * 0x94d049bb133111ebn);
  return x ^ (x >> 31n);
}

/** The first of the random numbers that begin with a state. */
function firstRandom(state: bigint): bigint {
  return mix(state + 0x9e3779b97f4a7c15n);
}

function bytesOf(word: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(word);
  return bytes;
}

/** Changes a bit of every place in the guest's memory, or disk, that holds these bytes; answers how many. */
function corrupt(path: string, wanted: Buffer): number {
  const memory = readFileSync(path);
  const file = openSync(path, 'r+');
  let found = 0;
  for (let at = memory.indexOf(wanted); at >= 0; at = memory.indexOf(wanted, at + 1)) {
    writeSync(file, Buffer.from([(wanted[0] ?? 0) ^ 1]), 0, 1, at);
    found += 1;
  }
  closeSync(file);
  return found;
}

describe('the check of a workload notices corrupted data', () => {
  /** What `key-value-load` puts under its fourth key first. */
  const letters = [...bytesOf(firstRandom((3n << 32n) | 1n))].map((byte) => 97 + (byte & 15));
  const cases = [
    { name: 'idle', options: {}, bytes: bytesOf(mix((5n << 20n) | 7n)) },
    { name: 'disk', options: { readsPercent: 100 }, bytes: bytesOf(mix((5n << 20n) | 7n)) },
    { name: 'ycsb-c', options: {}, bytes: bytesOf(firstRandom((3n * 10n + 4n) << 32n)) },
    { name: 'memcached', options: { getsPercent: 100 }, bytes: Buffer.from(letters) },
  ];

  it.for(cases)('$name', async ({ name, options, bytes }, context) => {
    const guest = await needGuest(context);
    needNetworkFor(name, context);
    const running = await start(name, options);
    await guest.machine.qmp.execute('stop');
    const where = builtIn.workload(name).needsDisk ? disk : guest.machine.ramFile;
    expect(corrupt(where, bytes)).toBeGreaterThan(0);
    await guest.machine.qmp.execute('cont');
    const wrong = (await running.stop()).reduce((sum, check) => sum + check.wrong, 0);
    expect(wrong).toBeGreaterThan(0);
  });
});

it('sysbench ends with a message when a search finds too few primes', async (context) => {
  await needGuest(context);
  const sysbench = builtIn.workload('sysbench');
  const { inGuest } = sysbench.commands({ maxPrime: 100 }, environment);
  const workload = {
    ...sysbench,
    commands: () => ({ inGuest: inGuest.map((word) => word.replace('primes=24', 'primes=25')) }),
  };
  const start = { workload, options: {}, environment, control, client: hosts.client };
  await expect(LinuxWorkloadRun.start(start)).rejects.toThrow(
    /ended in the guest by itself.*24 primes were found where there are 25/,
  );
});

describe('a workload continues at the destination, and its connections survive', () => {
  it.for(long ? workloadNames : ['memcached', 'network-send', 'disk'])(
    '%s',
    async (name, context) => {
      await needGuest(context);
      needNetworkFor(name, context);
      const running = await start(name);
      await untilMoreReports(running);
      const before = running.reports.at(-1)?.operations ?? 0;
      await moveGuest(context);
      await untilMoreReports(running);
      if (name !== 'idle') expect(running.reports.at(-1)?.operations).toBeGreaterThan(before);
      for (const check of await running.stop()) expect(check).toMatchObject({ wrong: 0 });
    },
  );
});

describe('the options of a workload', () => {
  it('are refused if one is unknown, and the error lists all', () => {
    const ask = () => builtIn.workload('quicksort').commands({ sizes: 3 }, environment);
    expect(ask).toThrow(/quicksort.*sizes.*share, bytes, seed/s);
  });

  it('give sysbench the right number of primes', () => {
    const { inGuest } = builtIn.workload('sysbench').commands({ maxPrime: 10_000 }, environment);
    expect(inGuest).toContain('--primes=1228');
  });

  it('are refused if the workload needs a network that is missing', () => {
    expect(() => builtIn.workload('memcached').commands({}, environment)).toThrow(/network/);
  });

  it('default to what fits into the guest', () => {
    const { inGuest } = builtIn.workload('working-set').commands(undefined, environment);
    expect(inGuest).toContain(`bytes=${memoryBytes / 2}`);
  });
});
