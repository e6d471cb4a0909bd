// One VM at work, moved between two real daemons of libvirt.
import { writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { mebibyte } from '../../../lib/format/bytes.js';
import { methodSchema } from '../../../lib/site/move.js';
import {
  busy,
  flip,
  Killed,
  postCopy,
  slow,
  LibvirtTrial as Trial,
} from '../../harness/libvirt-trial.js';

const { FAKEDIRTY_LONG } = process.env;
const isLong = FAKEDIRTY_LONG === '1';

it('a VM that is defined moves at work, and is defined where it runs and nowhere else', async (context) => {
  const trial = await Trial.start(context, { guest: flip, autostart: true });
  expect(await trial.goOn()).toBe('moved');
  await trial.expectOnly('h2');
  const info = (await trial.hosts.host('h2').virsh.run(['dominfo', 'vm'])).join('\n');
  expect(info).toMatch(/Persistent: +yes/);
  expect(info).toMatch(/Autostart: +enable/);
  expect(trial.ended?.figures?.bytes).toBeGreaterThan(6000 * 4096);
});

it('a VM that writes what is there already moves over a slow link, since that is skipped', async (context) => {
  const trial = await Trial.start(context, { guest: { ...busy, pattern: 'rewrite' } }, slow);
  expect(await trial.goOn()).toBe('moved');
  await trial.expectOnly('h2');
  // All of its memory once, and little more.
  expect(trial.ended?.figures?.bytes).toBeLessThan(1.5 * 3000 * 4096);
});

it('a move keeps the limits that it was given', async (context) => {
  const limits = { bytesPerSecond: 2 * mebibyte, downtimeLimitMs: 1234 };
  const method = methodSchema.parse({ name: 'pre-copy', ...limits });
  const trial = await Trial.start(context, { guest: busy }, { method });
  const { virsh } = trial.hosts.host('h1');
  trial.when('ours, ours', async () => {
    while ((await virsh.run(['migrate-getmaxdowntime', 'vm']))[0] !== '1234') await pause(50);
    expect(await virsh.run(['migrate-getspeed', 'vm'])).toEqual(['2']);
    trial.giveUp();
  });
  expect(await trial.goOn()).toBe('stayed');
  // libvirt takes them back.
  expect(await virsh.run(['migrate-getmaxdowntime', 'vm'])).toEqual(['300']);
});

it('a VM that only runs moves in post-copy, and is defined nowhere', async (context) => {
  const vm = { guest: busy, transient: true };
  const trial = await Trial.start(context, vm, { method: postCopy, ...slow });
  expect(await trial.goOn()).toBe('moved');
  expect(trial.seen).toContain('ours-in-post-copy, ours-in-post-copy');
  await trial.expectOnly('h2');
  const info = (await trial.hosts.host('h2').virsh.run(['dominfo', 'vm'])).join('\n');
  expect(info).toMatch(/Persistent: +no/);
});

it('a move whose controller is killed goes on, and the next controller sees it end', async (context) => {
  const method = methodSchema.parse({ name: 'hybrid' });
  const trial = await Trial.start(context, { guest: busy }, { method, ...slow });
  trial.when('ours, ours', () => trial.kill());
  await expect(trial.goOn()).rejects.toThrow(Killed);
  expect(await trial.goOn()).toBe('moved');
  await trial.expectOnly('h2');
  const acts = trial.taken.entries.flatMap((entry) => (entry.type === 'act' ? entry.action : []));
  expect(new Set(acts)).toEqual(new Set(['migrate', 'switch-to-post-copy']));
});

it('a controller that was killed before libvirt was told finds that nothing has begun', async (context) => {
  const trial = await Trial.start(context, { guest: flip });
  trial.taken.append({ type: 'act', attempt: 'vm-1', action: 'migrate' });
  expect(await trial.goOn()).toBe('stayed');
  await trial.expectOnly('h1');
});

it('a move that is given up leaves the VM where it was', async (context) => {
  const trial = await Trial.start(context, { guest: busy }, slow);
  trial.when('ours, ours', () => trial.giveUp());
  expect(await trial.goOn()).toBe('stayed');
  await trial.expectOnly('h1');
});

it('a destination that refuses is said why, and the VM stays', async (context) => {
  const trial = await Trial.start(context, { guest: flip });
  const { virsh } = trial.hosts.host('h2');
  const file = trial.hosts.workspace.path('other.xml');
  const xml = "<name>vm</name><memory unit='MiB'>8</memory><os><type>hvm</type></os>";
  writeFileSync(file, `<domain type='qemu'>${xml}</domain>`);
  await virsh.run(['define', file]);
  expect(await trial.goOn()).toBe('stayed');
  expect(trial.ended?.reason).toMatch(/domain 'vm' already exists with uuid/);
  expect((await trial.hosts.guest('vm', 'h1')).wrongWords).toBe(0);
});

it('a destination whose daemon is killed gets nothing, and the VM stays', async (context) => {
  const trial = await Trial.start(context, { guest: busy }, slow);
  const to = trial.hosts.host('h2');
  trial.when('ours, ours', () => to.killDaemon());
  trial.when('not-started, unknown', () => to.startDaemon());
  expect(await trial.goOn()).toBe('stayed');
  await trial.expectOnly('h1');
});

it('a source whose daemon is killed runs on, and nothing is left at the destination', async (context) => {
  const trial = await Trial.start(context, { guest: busy }, slow);
  const from = trial.hosts.host('h1');
  trial.when('ours, ours', async () => {
    await from.killDaemon();
    await from.startDaemon();
  });
  expect(await trial.goOn()).toBe('stayed');
  await trial.expectOnly('h1');
});

it('a VM whose QEMU is killed before it has arrived is lost, and is started nowhere', async (context) => {
  const trial = await Trial.start(context, { guest: busy }, slow);
  trial.when('ours, ours', () => trial.hosts.host('h1').killQemu('vm'));
  expect(await trial.goOn()).toBe('lost');
  expect(await trial.hosts.state('vm', 'h1')).toBe('shut off');
  expect(await trial.hosts.state('vm', 'h2')).toBeUndefined();
});

it('a VM whose source is killed in post-copy is lost, and its half is ended', async (context) => {
  const trial = await Trial.start(context, { guest: busy }, { method: postCopy, ...slow });
  trial.when('ours-in-post-copy, ours-in-post-copy', () => trial.hosts.host('h1').killQemu('vm'));
  expect(await trial.goOn()).toBe('lost');
  expect(await trial.hosts.state('vm', 'h1')).toBe('shut off');
  expect(await trial.hosts.state('vm', 'h2')).toBeUndefined();
});

it.runIf(isLong)(
  'a link that goes down in pre-copy leaves the VM where it was',
  async (context) => {
    const trial = await Trial.start(context, { guest: busy }, slow);
    const from = trial.hosts.host('h1');
    trial.when('ours, ours', () => from.setLink('down'));
    expect(await trial.goOn()).toBe('stayed');
    await from.setLink('up');
    await trial.expectOnly('h1');
  },
);

it.runIf(isLong)('post-copy goes on over a link that goes down and comes back', async (context) => {
  const trial = await Trial.start(context, { guest: busy }, { method: postCopy, ...slow });
  const from = trial.hosts.host('h1');
  trial.when('ours-in-post-copy, ours-in-post-copy', () => from.setLink('down'));
  // Its destination knows only when it asks for a page.
  trial.when('interrupted, ours-in-post-copy', () => from.setLink('up'));
  expect(await trial.goOn()).toBe('moved');
  await trial.expectOnly('h2');
});

it('post-copy over a link that is down is interrupted, and goes on when the link is back', async (context) => {
  const trial = await Trial.start(context, { guest: busy }, { method: postCopy, ...slow });
  trial.stallMs = 2000;
  const from = trial.hosts.host('h1');
  trial.when('ours-in-post-copy, ours-in-post-copy', () => from.setLink('down'));
  trial.when('interrupted, ours-in-post-copy', () => from.setLink('up'));
  expect(await trial.goOn()).toBe('moved');
  await trial.expectOnly('h2');
});

it.runIf(isLong)(
  'a move over a link that is down is given up, and the VM stays',
  async (context) => {
    const trial = await Trial.start(context, { guest: busy }, slow);
    trial.stallMs = 2000;
    const from = trial.hosts.host('h1');
    trial.when('ours, ours', () => from.setLink('down'));
    expect(await trial.goOn()).toBe('stayed');
    await from.setLink('up');
    expect(await trial.hosts.state('vm', 'h1')).toBe('running');
  },
);

it('a guest whose source daemon is killed in post-copy moves on', async (context) => {
  const trial = await Trial.start(context, { guest: busy }, { method: postCopy, ...slow });
  const from = trial.hosts.host('h1');
  trial.when('ours-in-post-copy, ours-in-post-copy', async () => {
    await from.killDaemon();
    await from.startDaemon();
  });
  expect(await trial.goOn()).toBe('moved');
  await trial.expectOnly('h2');
});

it('a guest that has just left waits for the daemon of its destination, which is started again', async (context) => {
  const trial = await Trial.start(context, { guest: busy }, { method: postCopy, ...slow });
  const to = trial.hosts.host('h2');
  trial.when('ours-in-post-copy, ours-in-post-copy', async () => {
    await to.killDaemon();
    // The source's daemon ends what has left in the meantime.
    await pause(8000);
    await to.startDaemon();
  });
  expect(await trial.goOn()).toBe('moved');
  await trial.expectOnly('h2');
});

it('a destination whose QEMU is killed leaves the VM where it was', async (context) => {
  const trial = await Trial.start(context, { guest: busy }, slow);
  trial.when('ours, ours', () => trial.hosts.host('h2').killQemu('vm'));
  expect(await trial.goOn()).toBe('stayed');
  await trial.expectOnly('h1');
});
