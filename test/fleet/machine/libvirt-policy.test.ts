// Policies while libvirt moves a VM: they see the passes of its QEMU, and what they choose is done by libvirt.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Domain } from '../../../lib/fleet/drivers/libvirt/domain.js';
import { connectToDomain } from '../../../lib/fleet/drivers/libvirt/domain-qmp.js';
import { watchMigration } from '../../../lib/migration/watch.js';
import { QmpCommandError } from '../../../lib/qmp/errors.js';
import { methodSchema } from '../../../lib/site/move.js';
import { fakedirty, main } from '../../cli/fakedirty.js';
import { busy, flip, Killed, LibvirtTrial, slow } from '../../harness/libvirt-trial.js';

const by = (name: 'pre-copy' | 'hybrid', ...policy: string[]) =>
  methodSchema.parse({ name, policy });

it('a policy that gives up leaves the VM where it was, and says why', async (context) => {
  const method = by('pre-copy', 'give-up:passes=2');
  const trial = await LibvirtTrial.start(context, { guest: busy }, { method, ...slow });
  expect(await trial.goOn()).toBe('stayed');
  await trial.expectOnly('h1');
  expect(trial.ended?.reason).toMatch(/^The policy gave up: .* The guest runs at the source\.$/);
  expect(trial.decided).toMatchObject({ policy: 'give-up', choice: 'give-up' });
  const { passes } = trial.decided?.numbers ?? {};
  expect(passes).toBeGreaterThanOrEqual(2);
});

it('a policy that stops the guest ends a migration that would not end', async (context) => {
  const method = by('pre-copy', 'adaptive-stop:limit=50');
  const trial = await LibvirtTrial.start(context, { guest: busy }, { method, ...slow });
  expect(await trial.goOn()).toBe('moved');
  await trial.expectOnly('h2');
  expect(trial.decided).toMatchObject({ policy: 'adaptive-stop', choice: 'stop-now' });
  const limit = await trial.hosts.host('h2').virsh.run(['migrate-getmaxdowntime', 'vm']);
  expect(limit).toEqual(['300']);
});

it('a policy that chooses post-copy has libvirt switch to it', async (context) => {
  const method = by('hybrid', 'intelligent-hybrid:threshold=1,watch=2');
  const trial = await LibvirtTrial.start(context, { guest: busy }, { method, ...slow });
  expect(await trial.goOn()).toBe('moved');
  await trial.expectOnly('h2');
  expect(trial.decided).toMatchObject({ policy: 'intelligent-hybrid', choice: 'post-copy' });
  expect(trial.seen).toContain('ours-in-post-copy, ours-in-post-copy');
});

it('a policy that sees what is fake lets a VM go on that only rewrites', async (context) => {
  const guest = { ...busy, pattern: 'rewrite' } as const;
  const method = by('hybrid', 'fake-aware');
  const trial = await LibvirtTrial.start(context, { guest }, { method, ...slow });
  expect(await trial.goOn()).toBe('moved');
  await trial.expectOnly('h2');
  expect(trial.seen).not.toContain('ours-in-post-copy, ours-in-post-copy');
});

it('whoever goes on with a move follows its policy', async (context) => {
  const method = by('pre-copy', 'give-up:passes=4');
  const trial = await LibvirtTrial.start(context, { guest: busy }, { method, ...slow });
  trial.when('ours, ours', () => trial.kill());
  await expect(trial.goOn()).rejects.toThrow(Killed);
  expect(await trial.goOn()).toBe('stayed');
  await trial.expectOnly('h1');
  expect(trial.ended?.reason).toMatch(/^The policy gave up: /);
});

it('a migration of libvirt is watched by its QMP, with all its passes and what the filter found', async (context) => {
  const guest = { ...busy, pattern: 'rewrite' } as const;
  const trial = await LibvirtTrial.start(context, { guest }, slow);
  const domain = new Domain(trial.hosts.host('h1').virsh, 'vm');
  await using qmp = await connectToDomain(domain);
  await expect(qmp.execute('no-such-command')).rejects.toThrow(QmpCommandError);
  const statuses: unknown[] = [];
  const watched = watchMigration(qmp, {
    record: (entry) => {
      if (entry.type === 'event') statuses.push(...Object.values(entry.data));
    },
  });
  expect(await trial.goOn()).toBe('moved');
  const { outcome, passes } = await watched;
  expect(outcome).toBe('completed');
  expect(passes[0]?.verdicts?.first).toBeGreaterThan(2500);
  expect(statuses).toEqual(expect.arrayContaining(['pre-switchover', 'completed']));
});

it('"fakedirty watch" and "estimate" find a VM by its domain', async (context) => {
  // Large enough for QEMU to sample it.
  const guest = { ...busy, pattern: 'rewrite', pages: 34_000 } as const;
  const trial = await LibvirtTrial.start(context, { guest }, { megabitsPerSecond: 300 });
  const { uri } = trial.hosts.host('h1').uris;
  const where = ['--domain', 'vm', '--connect', uri];
  const estimate = JSON.parse(fakedirty('estimate', '--json', '--seconds', '1s', ...where).stdout);
  expect(estimate.measurement).toMatchObject({ contents: 'sample' });
  const watching = spawn(process.execPath, [main, 'watch', ...where], { stdio: 'pipe' });
  context.onTestFinished(() => void watching.kill('SIGKILL'));
  let output = '';
  for (const stream of [watching.stdout, watching.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const ended = once(watching, 'close');
  while (!output.includes('Waiting for a migration')) await pause(50);
  expect(await trial.goOn()).toBe('moved');
  const [code] = await ended;
  expect({ code, output }).toMatchObject({ code: 0 });
  expect(output).toMatch(/All memory is at the destination/);
  expect(fakedirty('watch', '--domain', 'nobody', '--connect', uri).output).toMatch(/nobody/);
  expect(fakedirty('watch').output).toMatch(/--qmp.*--domain/);
});

it('a domain without a QEMU says so when its QMP is asked for', async (context) => {
  const trial = await LibvirtTrial.start(context, { guest: flip });
  const { virsh } = trial.hosts.host('h1');
  await virsh.run(['destroy', 'vm']);
  await expect(connectToDomain(new Domain(virsh, 'vm'))).rejects.toThrow(/domain is not running/);
  const place = fakedirty(
    'place',
    'vm',
    'h1',
    ...trial.hosts.where,
    '--state',
    trial.hosts.workspace.path('other'),
  );
  expect(place.stderr).toMatch(/vm does not run at qemu:/);
});
