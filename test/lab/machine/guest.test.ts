import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GuestControl, parseGuestMessage } from '../../../lib/lab/guest/control.js';
import { guestImage, type Image } from '../../../lib/lab/guest/image.js';
import { LinuxVm, type LinuxVmOptions } from '../../../lib/lab/guest/linux-vm.js';
import { createHosts, type Host, type Hosts } from '../../../lib/lab/hosts/hosts.js';
import { defaultLink } from '../../../lib/lab/hosts/link.js';
import { compareMemory } from '../../../lib/qemu/machine/compare-memory.js';
import { Workspace } from '../../../lib/qemu/machine/workspace.js';
import { mebibyte, move, needLabQemu } from './guests.js';

const timeout = 180_000;
const answerMs = 60_000;
const memoryBytes = 256 * mebibyte;

let workspace: Workspace;
let hosts: Hosts;
let image: Image;
const vms: LinuxVm[] = [];

beforeAll(async () => {
  workspace = Workspace.create(2 * memoryBytes);
  hosts = await createHosts({ workspace, link: defaultLink, kind: 'loopback' });
  image = await guestImage({ workspace, programs: ['working-set', 'quicksort'], network: false });
}, timeout);

afterAll(async () => {
  await Promise.all(vms.map(({ machine }) => machine.kill()));
  hosts?.close();
  workspace?.remove();
});

async function started(options: LinuxVmOptions): Promise<LinuxVm> {
  const vm = await LinuxVm.start(options);
  vms.push(vm);
  return vm;
}

const [here, there] = [0, 1].map((at) => ({ name: `host${at + 1}`, prefix: [], address: null }));

function optionsFor(name: string, binary: string, host = here as Host): LinuxVmOptions {
  const common = { accelerator: 'tcg', memoryBytes, processors: 1 } as const;
  return { ...common, name, binary, workspace, host, image };
}

describe('the Linux guest', () => {
  it('boots, runs a workload, moves with it, and finds its memory right over there', {
    timeout,
  }, async (context) => {
    const { binary, patched } = needLabQemu(context);
    const vm = await started(optionsFor('source', binary));
    const control = new GuestControl();
    await vm.boot(control);

    const memory = control.next('memory', answerMs);
    control.tell('memory');
    expect((await memory).totalBytes).toBeGreaterThan(0.8 * memoryBytes);

    const running = control.next('running', answerMs);
    control.tell('start /bin/working-set bytes=16000000 pattern=flip words=4');
    await running;
    const before = await control.next('report', answerMs);
    // Without the series, TCG loses marks: only a guest at rest arrives whole.
    if (!patched) await vm.machine.qmp.execute('stop');
    const arrived = await move(vm, optionsFor('destination', binary, there), hosts);
    vms.push(arrived);
    expect(await compareMemory(vm.machine.ramFile, arrived.machine.ramFile)).toMatchObject({
      pages: memoryBytes / 4096,
      differentPages: 0,
    });

    arrived.connect(control);
    const report = control.next('report', answerMs);
    await arrived.machine.qmp.execute('cont');
    expect((await report).operations).toBeGreaterThan(before.operations);
    const [check, exit] = [control.next('check', answerMs), control.next('exit', answerMs)];
    control.tell('stop');
    expect(await check).toMatchObject({ what: 'words', wrong: 0 });
    expect((await check).checked).toBeGreaterThan(1_900_000);
    expect(await exit).toMatchObject({ status: 0, signal: 0 });

    // Another one can follow.
    const sorting = control.next('running', answerMs);
    control.tell('start /bin/quicksort bytes=1000000');
    await sorting;
    await control.next('report', answerMs);
    const [sorted, over] = [control.next('check', answerMs), control.next('exit', answerMs)];
    control.tell('stop');
    await over;
    expect(await sorted).toMatchObject({ what: 'arrays', checked: 976, wrong: 0 });

    // What does not work is an error for whoever waits.
    const never = control.next('running', answerMs);
    control.tell('stop');
    await expect(never).rejects.toThrow(/no workload is running/);
    const failing = control.next('exit', answerMs);
    control.tell('start /bin/nonsense');
    expect(await failing).toMatchObject({ status: 127 });
  });

  it('says on its console why it does not boot', { timeout }, async (context) => {
    const { binary } = needLabQemu(context);
    const broken = { ...image, initramfs: image.kernel };
    const vm = await started({ ...optionsFor('broken', binary), image: broken });
    // It ends when the kernel panics.
    await expect(vm.boot(new GuestControl())).rejects.toThrow(/did not boot.*Kernel panic/s);
  });

  it('has its memory where it is asked to', { timeout }, async (context) => {
    const { binary } = needLabQemu(context);
    const vm = await started({ ...optionsFor('unnamed', binary), memory: 'memfd' });
    expect(await compareMemory(vm.machine.ramFile, vm.machine.ramFile)).toMatchObject({
      pages: memoryBytes / 4096,
    });
  });
});

describe('what a guest says', () => {
  it.for(['', 'login:', '{"type":"check"}', '{"type":"report","atMs":-1}', '[]'])(
    'is refused when it is no message: %s',
    (line) => {
      expect(() => parseGuestMessage(line)).toThrow(/no message of its first process/);
    },
  );
});
