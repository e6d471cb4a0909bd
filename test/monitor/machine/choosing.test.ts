// `fakedirty observe`, `explain` and `migrate --method auto` with real VMs.
import { writeFileSync } from 'node:fs';
import { expect, it, type TestContext } from 'vitest';
import { exitCodes } from '../../../lib/cli/exit-codes.js';
import { parseObservation } from '../../../lib/monitor/observation.js';
import type { GuestOptions } from '../../../lib/qemu/machine/guest.js';
import { needDriven } from '../../harness/driven-qemu.js';
import { run, untilLine } from '../../harness/running-command.js';
import { startWithSecondQmp } from '../../harness/second-qmp.js';

/** Changes all of its pages, again and again. */
const random: GuestOptions = { pattern: 'random', pages: 1024, wordsPerPage: 8 };
/** Stores what is there already. */
const rewrite: GuestOptions = { pattern: 'rewrite', pages: 1024 };
const [slowLink, fastLink] = ['4Mi', '10Gbit'];

function start(context: TestContext, guest: GuestOptions) {
  return startWithSecondQmp(context, needDriven(context, 'with the series'), guest);
}

it('what a VM uses is shown, kept as lines, and shown again from these', async (context) => {
  const { pair, paths } = await start(context, random);
  const where = ['--qmp', paths.source, '--period', '200ms', '--for', '1s'];
  const told = run(context, 'observe', ...where);
  expect(await told.ended).toBe(exitCodes.ok);
  expect(told.lines.length).toBeGreaterThan(1);
  expect(told.lines[0]).toMatch(
    /^\d\d:\d\d:\d\d +processors \d\.\d\d +sends 0 kB\/s +receives 0 kB\/s +reads 0 kB\/s +writes/,
  );
  const kept = run(context, 'observe', ...where, '--json');
  expect(await kept.ended).toBe(exitCodes.ok);
  for (const line of kept.lines) expect(parseObservation(line)).toHaveProperty('observation');
  const file = pair.workspace.path('seen.jsonl');
  writeFileSync(file, `${kept.lines.join('\n')}\n`);
  const again = run(context, 'observe', '--replay', file);
  expect(await again.ended).toBe(exitCodes.ok);
  expect(again.lines).toHaveLength(kept.lines.length);
  writeFileSync(file, '{"type":"use"}\n');
  const garbled = run(context, 'observe', '--replay', file);
  expect(await garbled.ended).toBe(exitCodes.usage);
  expect(garbled.lines.join()).toMatch(/line 1: /);
});

it('what would be best is told with numbers, and nothing is changed', async (context) => {
  const { pair, paths } = await start(context, rewrite);
  const explained = run(context, 'explain', '--qmp', paths.source, '--seconds', '1');
  expect(await explained.ended).toBe(exitCodes.ok);
  const said = explained.lines.join('\n');
  expect(said).toMatch(/^The guest \(.*MB\).* a second\.$/m);
  expect(said).toMatch(/^Cheapest: pre-copy/m);
  expect(said).toMatch(/^WALM, by the pages that it marks: hybrid, intelligent-hybrid$/m);
  expect(said).toMatch(/^ {2}not post-copy: /m);
  const { status } = await pair.source.qmp.execute('query-migrate');
  expect(status).toBeUndefined();
});

it('for a slow link it is told that a VM writes too fast for pre-copy', async (context) => {
  const { paths } = await start(context, random);
  const args = ['--qmp', paths.source, '--seconds', '1', '--link', slowLink, '--json'];
  const explained = run(context, 'explain', ...args);
  expect(await explained.ended).toBe(exitCodes.ok);
  const { choices } = JSON.parse(explained.lines.join('\n'));
  const methods = choices.map(({ by, method }: never) => [by, (method as { name: string }).name]);
  expect(Object.fromEntries(methods)).toMatchObject({
    cheapest: 'post-copy',
    'effective-walm': 'post-copy',
  });
});

it('why a migration does not end is told, with what would help', async (context) => {
  const { pair, paths } = await start(context, random);
  let isEnough = false;
  const migrated = pair.migrate({ until: () => isEnough });
  const explained = run(context, 'explain', '--qmp', paths.source, '--seconds', '1');
  expect(await explained.ended).toBe(exitCodes.ok);
  isEnough = true;
  await migrated;
  const said = explained.lines.join('\n');
  expect(said).toMatch(/Its guest marks .* a second.*does not converge/s);
  expect(said).toMatch(/What would help:.*downtime limit.*The filter: .*Auto-converge/s);
});

it('a VM is migrated by the method that was chosen for it, and says which and why', async (context) => {
  const { pair, paths, listen } = await start(context, rewrite);
  const to = ['--to-qmp', paths.destination, '--listen', listen];
  const auto = ['--method', 'auto', '--link', fastLink];
  const migrating = run(context, 'migrate', '--qmp', paths.source, ...to, ...auto);
  await untilLine(migrating, /^By pre-copy/);
  expect(await migrating.ended).toBe(exitCodes.ok);
  expect(migrating.lines.join('\n')).toMatch(
    /predicted to cost least: .*The guest is at the dest/s,
  );
  expect(await pair.compare()).toMatchObject({ differentPages: 0 });
});

it('Ctrl-C while a VM is measured leaves it alone', async (context) => {
  const { pair, paths, listen } = await start(context, rewrite);
  const to = ['--to-qmp', paths.destination, '--listen', listen];
  const migrating = run(context, 'migrate', '--qmp', paths.source, ...to, '--method', 'auto');
  await untilLine(migrating, /^Measuring how the VM writes/);
  migrating.child.kill('SIGINT');
  expect(await migrating.ended).toBe(exitCodes.interrupted);
  expect(await pair.source.qmp.execute('query-status')).toMatchObject({ running: true });
});
