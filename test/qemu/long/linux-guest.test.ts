// A Linux guest at work: after a migration with the filter memory is equal, and the guest goes on rightly.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GuestControl } from '../../../lib/lab/guest/control.js';
import { guestImage, type Image } from '../../../lib/lab/guest/image.js';
import { LinuxVm, type LinuxVmOptions } from '../../../lib/lab/guest/linux-vm.js';
import { createHosts, type Host, type Hosts } from '../../../lib/lab/hosts/hosts.js';
import { defaultLink } from '../../../lib/lab/hosts/link.js';
import { compareMemory } from '../../../lib/qemu/machine/compare-memory.js';
import { Workspace } from '../../../lib/qemu/machine/workspace.js';
import { mebibyte, move } from '../../lab/machine/guests.js';
import { needQemu } from '../machine/available.js';
import { filterCountsOf } from '../machine/migrate-and-compare.js';

const timeout = 300_000;
const answerMs = 60_000;
const memoryBytes = 256 * mebibyte;

let workspace: Workspace;
let hosts: Hosts;
let image: Image;
const vms: LinuxVm[] = [];

beforeEach(async () => {
  workspace = Workspace.create(2 * memoryBytes);
  hosts = await createHosts({ workspace, link: defaultLink, kind: 'loopback' });
  image = await guestImage({ workspace, programs: ['working-set'], network: false });
}, timeout);
afterEach(async () => {
  await Promise.all(vms.splice(0).map(({ machine }) => machine.kill()));
  hosts?.close();
  workspace?.remove();
});

const [here, there] = [0, 1].map((at) => ({ name: `host${at + 1}`, prefix: [], address: null }));

describe('a Linux guest', () => {
  const list = ['ph128', 'sha1', 'xxh3-64'].flatMap((hash) =>
    ['flip', 'random', 'same'].map((pattern) => ({ hash, pattern })),
  );

  it.for(list)('$pattern, $hash: memory is equal', { timeout }, async (entry, context) => {
    const { binary } = needQemu(context);
    const globals = { filter: 'on', hash: entry.hash };
    const common = {
      binary,
      workspace,
      image,
      memoryBytes,
      accelerator: 'tcg',
      processors: 2,
    } as const;
    const options: LinuxVmOptions = {
      ...common,
      name: 'source',
      host: here as Host,
      arguments: Object.entries(globals).flatMap(([name, value]) => [
        '-global',
        `migration.x-fake-dirty-${name}=${value}`,
      ]),
    };
    const source = await LinuxVm.start(options);
    vms.push(source);
    const control = new GuestControl();
    await source.boot(control);
    const running = control.next('running', answerMs);
    control.tell(`start /bin/working-set bytes=32000000 pattern=${entry.pattern} words=4`);
    await running;
    const before = await control.next('report', answerMs);

    const arrived = await move(
      source,
      { ...common, name: 'destination', host: there as Host },
      hosts,
    );
    vms.push(arrived);
    const counts = await source.machine.qmp.execute('query-migrate');
    expect(filterCountsOf(counts).checked).toBeGreaterThan(memoryBytes / 4096 / 2);
    expect(await compareMemory(source.machine.ramFile, arrived.machine.ramFile)).toMatchObject({
      differentPages: 0,
    });

    arrived.connect(control);
    const report = control.next('report', answerMs);
    await arrived.machine.qmp.execute('cont');
    expect((await report).operations).toBeGreaterThan(before.operations);
    const check = control.next('check', answerMs);
    control.tell('stop');
    expect(await check).toMatchObject({ what: 'words', wrong: 0 });
  });
});
