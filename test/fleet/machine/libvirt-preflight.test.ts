// What keeps a VM from being moved by libvirt is told before anything is moved, all of it at once.
import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Target } from '../../../lib/fleet/drivers/driver.js';
import { nodeText } from '../../../lib/fleet/drivers/libvirt/description.js';
import { LibvirtDriver } from '../../../lib/fleet/drivers/libvirt/driver.js';
import {
  availableBytes,
  methodProblems,
  qemuUser,
} from '../../../lib/fleet/drivers/libvirt/preflight.js';
import { type MoveMethod, methodSchema } from '../../../lib/site/move.js';
import { LibvirtHosts } from '../../harness/libvirt-hosts.js';
import { needQemu } from '../../harness/requirements.js';

const preCopy = methodSchema.parse({ name: 'pre-copy', hash: 'ph128' });
const postCopy = methodSchema.parse({ name: 'post-copy', hash: 'ph128' });
const guest = { pattern: 'idle', pages: 500 } as const;

function targetOf(vm: string, method: MoveMethod = preCopy): Target {
  return { vm, source: { driver: 'libvirt', host: 'h1', uuid: vm }, to: 'h2', method };
}

/** A domain with all that can be in the way of its move. */
function hopeless(emulator: string, disk: string): string {
  return `<domain type='qemu'>
  <name>hopeless</name>
  <memory unit='GiB'>4096</memory>
  <memoryBacking><source type='file'/></memoryBacking>
  <os><type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type></os>
  <cpu mode='host-passthrough'/>
  <devices>
    <emulator>${emulator}</emulator>
    <disk type='file' device='disk'><source file='${disk}'/><target dev='vda' bus='virtio'/></disk>
    <hostdev mode='subsystem' type='usb'>
      <source><vendor id='0x1234'/><product id='0xbeef'/></source>
    </hostdev>
    <filesystem type='mount'><source dir='/tmp'/><target dir='shared'/></filesystem>
  </devices>
</domain>`;
}

it('all that is in the way is told at once, and what is not is only remarked', async (context) => {
  const { binary } = needQemu(context);
  const hosts = await LibvirtHosts.start(context, {
    binary,
    vms: {
      fine: { host: 'h1', guest },
      plain: { host: 'h1', guest, plain: true },
      hopeless: { host: 'h1', guest, notStarted: true },
    },
  });
  const [from, to] = [hosts.host('h1'), hosts.host('h2')];
  const driver = new LibvirtDriver(hosts.site);
  expect(await driver.preflight(targetOf('fine'))).toEqual([]);
  expect(await driver.preflight(targetOf('fine', postCopy))).toEqual([]);
  expect(await driver.remarks(targetOf('fine'))).toEqual([]);
  expect(await driver.preflight(targetOf('plain'))).toEqual([]);
  expect(await driver.remarks(targetOf('plain'))).toEqual([
    expect.stringContaining('nothing skips its fake dirty pages'),
  ]);

  const disk = hosts.workspace.path('hopeless.img');
  const file = hosts.workspace.path('hopeless.xml');
  writeFileSync(disk, '');
  writeFileSync(file, hopeless(binary, disk));
  await from.virsh.run(['define', file]);
  const other = "<name>hopeless</name><memory unit='MiB'>8</memory><os><type>hvm</type></os>";
  writeFileSync(file, `<domain type='qemu'>${other}</domain>`);
  await to.virsh.run(['define', file]);
  expect(await driver.preflight(targetOf('hopeless', postCopy))).toEqual([
    'its guest is shut off: start it first, or leave it there (--leave)',
    expect.stringMatching(/^it has 1 of its host's devices for itself/),
    expect.stringMatching(/^it shares 1 folders with its host/),
    `its disk ${disk} is on a file system of its host alone: disks do not move`,
    expect.stringMatching(/with its disk vda in the host's cache/),
    expect.stringMatching(/^its memory is in files, and post-copy would lose it/),
    expect.stringMatching(
      /^it has 4194304MiB of memory, and its description says \d+MiB: write 4194304MiB$/,
    ),
    expect.stringMatching(/^the destination has .* of memory to give, and it needs/),
    expect.stringMatching(/^the destination has another domain with its name/),
  ]);

  await to.killDaemon();
  expect(await driver.preflight(targetOf('fine'))).toEqual([
    expect.stringMatching(/failed to connect to the hypervisor/),
  ]);
  expect(await driver.preflight(targetOf('nobody'))).toEqual([
    expect.stringMatching(/has no domain nobody: .*"fakedirty place"/),
  ]);
});

it('a destination that lacks the emulator, or has another machine, is told', async (context) => {
  const { binary } = needQemu(context);
  const vms = { old: { host: 'h1', guest, notStarted: true } };
  const hosts = await LibvirtHosts.start(context, { binary, vms });
  const file = hosts.workspace.path('old.xml');
  const { virsh } = hosts.host('h1');
  const driver = new LibvirtDriver(hosts.site);
  const os = "<os><type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type></os>";
  const devices = `<devices><emulator>${binary}</emulator></devices>`;
  const head = "<name>old</name><memory unit='MiB'>3</memory>";
  writeFileSync(file, `<domain type='qemu'>${head}${os}${devices}</domain>`);
  await virsh.run(['define', file]);
  // What a source accepts, a destination need not.
  await hosts.host('h2').hide(binary);
  expect(await driver.preflight(targetOf('old'))).toContainEqual(
    expect.stringMatching(/ can't run it: .*/),
  );
});

it('what libvirt can not do of a method is told', () => {
  expect(methodProblems({ ...preCopy, bytesPerSecond: 1000 })).toHaveLength(1);
  expect(methodProblems({ ...postCopy, policy: ['fake-aware'] })).toHaveLength(1);
  expect(methodProblems({ ...preCopy, bytesPerSecond: 5_000_000 })).toEqual([]);
});

it('memory that a host could give is what is free or can be given back', () => {
  const lines = ['total  :  100 KiB', 'free   :  10 KiB', 'buffers:  2 KiB', 'cached :  30 KiB'];
  expect(availableBytes(lines)).toBe(42 * 1024);
});

it('nodes are read as virsh prints them', () => {
  expect(nodeText(' file="/a &amp; b &quot;c&quot;.img"')).toBe('/a & b "c".img');
  expect(nodeText('/usr/bin/qemu')).toBe('/usr/bin/qemu');
});

it('the user of QEMUs is known from what a daemon says of its labels', () => {
  const models = (user: string) => `<secmodel><model>none</model><doi>0</doi></secmodel>
    <secmodel><model>dac</model><doi>0</doi>
      <baselabel type='kvm'>+${user}:+${user}</baselabel>
      <baselabel type='qemu'>+${user}:+${user}</baselabel></secmodel>`;
  expect(qemuUser(models('64055'))).toBe(64_055);
  expect(qemuUser(models('0'))).toBe(0);
  expect(qemuUser('<host/>')).toBeUndefined();
});
