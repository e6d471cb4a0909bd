// `fakedirty drain` and its like, as an operator runs them, on real VMs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, it, type TestContext } from 'vitest';
import { parseFleetJournal } from '../../../lib/fleet/journal/entries.js';
import { QmpClient } from '../../../lib/qmp/client.js';
import { fakedirty, main } from '../../cli/fakedirty.js';
import { SiteJournal } from '../../harness/drain-process.js';
import { needQemu } from '../../harness/requirements.js';
import { SmallSite, type SmallSiteOptions } from '../../harness/small-site.js';

const web = { host: 'h1', guest: { pattern: 'rewrite', pages: 1000 } } as const;
const db = { host: 'h1', guest: { pattern: 'rewrite', pages: 2000 } } as const;

async function siteOf(context: TestContext, more: Partial<SmallSiteOptions> = {}) {
  const { binary } = needQemu(context);
  const site = await SmallSite.start(context, { binary, vms: { web, db }, ...more });
  const command = (...args: string[]) => fakedirty(...args, ...site.where);
  return { site, command };
}

it('says what it will do, does it, and says what it did', async (context) => {
  const { site, command } = await siteOf(context);
  const log = site.workspace.path('hooks.log');
  const tell = ['sh', '-c', `echo "$0 $FAKEDIRTY_HOST $FAKEDIRTY_VM $FAKEDIRTY_OUTCOME" >> ${log}`];
  const hooks = Object.fromEntries(
    ['before', 'after', 'cordon', 'uncordon'].map((name) => [name, [...tell, name]]),
  );
  site.rewrite((text) => JSON.stringify({ ...JSON.parse(text), hooks }));

  const dry = command('drain', 'h1', '--dry-run');
  expect(dry.stdout).toMatch(/^VM +to +method +time +bytes\nweb +h2 .*\ndb +h3 /);
  expect(dry.stdout).toMatch(/in the clear: no certificates \(tls\) are given for h1, h2, h3/);
  expect(command('status').stdout).toMatch(/No drain is under way.*h1 +web, db/s);

  const real = command('drain', 'h1');
  expect(real).toMatchObject({ status: 0 });
  expect(real.stdout).toMatch(/web: h1 → h2, pre-copy with ph128\. h2 has the most memory left/);
  expect(real.stdout).toMatch(/web moved: .* in \d+ pass(es)?, downtime \d+ ms/);
  expect(real.stdout).toMatch(/h1: drained\. Every VM has left\./);
  // What the dry run has said is what was predicted.
  const [, predicted = ''] = /web +h2 +pre-copy with ph128 +(about \d+ ms)/.exec(dry.stdout) ?? [];
  expect(real.stdout).toMatch(new RegExp(`web +${predicted} +\\d+ ms`));
  expect(command('status').stdout).toMatch(/h1 +takes nothing\nh2 +web\nh3 +db/);

  // A host that takes nothing is no place to go; one that does is.
  expect(command('drain', 'h2').stdout).toMatch(/web: h2 → h3/);
  expect(command('uncordon', 'h2').stdout).toBe('h2 takes VMs again.\n');
  expect(command('uncordon', 'h2').stdout).toBe('h2 took VMs already.\n');
  expect(readFileSync(log, 'utf8').trim().split('\n')).toEqual([
    'cordon h1  ',
    ...['before h1 web ', 'after h1 web moved', 'before h1 db ', 'after h1 db moved'],
    ...['cordon h2  ', 'before h2 web ', 'after h2 web moved', 'uncordon h2'],
  ]);
});

it('predicts more where VMs are measured first, and is right about them', async (context) => {
  const { command } = await siteOf(context, { megabitsPerSecond: 100 });
  const dry = JSON.parse(command('drain', 'h1', '--dry-run', '--measure', '1s', '--json').stdout);
  const { stdout } = command('drain', 'h1', '--measure', '1s', '--json');
  const entries = parseFleetJournal(stdout);
  const ended = entries.filter((entry) => entry.type === 'ended');
  expect(dry.moves).toHaveLength(2);
  for (const [at, { vm, predicted }] of dry.moves.entries()) {
    const { figures } = ended[at] ?? {};
    // Nothing changes in these guests: each page is sent once. Without KVM nobody can count what they mark.
    expect(predicted.bytes.low, vm).toBeGreaterThan(0);
    expect((figures?.bytes ?? 0) / predicted.bytes.expected, vm).toBeCloseTo(1, 0);
    expect(figures?.bytes, vm).toBeGreaterThanOrEqual(0.9 * predicted.bytes.low);
  }
});

it('chooses the method of each move, if it is asked to, and says why', async (context) => {
  const { command } = await siteOf(context, { vms: { web }, megabitsPerSecond: 100 });
  const dry = JSON.parse(command('drain', 'h1', '--method', 'auto', '--dry-run', '--json').stdout);
  expect(dry.problems).toEqual([]);
  const [{ method, reasons }] = dry.moves;
  expect(reasons.join(' ')).toMatch(/Of \d methods .* is predicted to cost least/);
  const real = command('drain', 'h1', '--method', 'auto');
  expect(real).toMatchObject({ status: 0 });
  expect(real.stdout).toMatch(new RegExp(`web: h1 → h\\d, ${method.name}`));
  expect(real.stdout).toMatch(/predicted to cost least/);
  expect(command('drain', 'h2', '--method', 'auto', '--policy', 'give-up:after=1s').output).toMatch(
    /--policy has no effect without leaving out --method auto/,
  );
});

it('tells programs all that it writes down, as JSON', async (context) => {
  const { site, command } = await siteOf(context, { vms: { web } });
  const dry = command('drain', 'h1', '--dry-run', '--json');
  expect(JSON.parse(dry.stdout)).toMatchObject({
    moves: [{ vm: 'web', from: 'h1', to: 'h2', predicted: { timeMs: { high: 'never' } } }],
    left: [],
    problems: [],
  });
  const { stdout } = command('drain', 'h1', '--json');
  const journal = readFileSync(site.workspace.path('state/journal.jsonl'), 'utf8');
  expect(journal.endsWith(stdout)).toBe(true);
  expect(parseFleetJournal(stdout).at(-1)).toMatchObject({ type: 'drained', outcome: 'drained' });
  expect(JSON.parse(command('status', '--json').stdout)).toMatchObject({
    hosts: { web: 'h2' },
    cordoned: ['h1'],
    isCarriedOut: false,
  });
});

it('shows a table of all moves on a terminal, there and to whoever asks', async (context) => {
  const { site } = await siteOf(context, { megabitsPerSecond: 20 });
  const words = [process.execPath, main, 'drain', 'h1', ...site.where].join(' ');
  const terminal = spawn('script', ['--quiet', '--return', '--command', words, '/dev/null']);
  let seen = '';
  terminal.stdout.on('data', (data: Buffer) => {
    seen += data.toString();
  });
  const journal = new SiteJournal(site);
  await journal.until(0, (entry) => entry.type === 'seen' && entry.source === 'ours');
  const following = fakedirty('status', '--follow', ...site.where);
  const [code] = await once(terminal, 'close');
  expect({ code, seen }).toMatchObject({ code: 0 });
  expect(seen).toMatch(/VM +to +state +sent +passes\s+web +h2 +is moved +[\d.]+ [kM]B +\d/);
  expect(seen).toMatch(/db +h3 +waits\s+Draining h1: 0 of 2 moves have ended, \d+ %/);
  expect(seen).toMatch(/web +h2 +moved +.*\s+db +h3 +is moved/);
  expect(following.stdout).toMatch(/Draining h1: \d of 2 moves have ended, \d+ %.*\n/);
  expect(following.stdout).toMatch(/No drain is under way/);
});

it('lists all that is in the way, and moves nothing', async (context) => {
  const { site, command } = await siteOf(context);
  await using qmp = await QmpClient.connect(`${site.folderOf('web')}/qmp.sock`);
  await qmp.execute('stop');
  await qmp.close();
  site.rewrite((text) => {
    const described = JSON.parse(text);
    described.vms.db.arguments.push('-incoming', 'defer');
    described.vms.third = { host: 'h1', memory: '1TiB', qmp: '/nowhere', arguments: [] };
    described.vms.fourth = { host: 'h1', memory: '1MiB', qmp: '/nowhere/qmp', arguments: [] };
    return JSON.stringify(described);
  });
  const { status, stderr } = command('drain', 'h1');
  expect(status).toBe(10);
  expect(stderr).toMatch(/Nothing was moved:/);
  expect(stderr).toMatch(/web: its guest does not run \(paused\): continue it first/);
  expect(stderr).toMatch(/db: leave "-incoming" out of its arguments/);
  expect(stderr).toMatch(/third: No host takes it: h2 has .* left, and 1099.51 GB are needed/);
  expect(stderr).toMatch(/fourth: its QMP \/nowhere\/qmp can't be asked/);
  expect(command('status').stdout).toMatch(/No drain is under way.*h1 +web, db/s);
  // Those that are in the way may be left where they are.
  site.rewrite((text) => text.replace('"-incoming","defer"', '"-no-reboot"'));
  const leave = ['web', 'third', 'fourth'].flatMap((vm) => ['--leave', vm]);
  const { stdout } = command('drain', 'h1', ...leave);
  expect(stdout).toMatch(/h1: drained\. Every VM has left but for web, third, fourth\./);
});

it('a program that refuses a move before it begins leaves the VM where it is', async (context) => {
  const { site, command } = await siteOf(context, { vms: { web } });
  const before = ['sh', '-c', 'echo "backup is running" >&2; exit 1'];
  site.rewrite((text) => JSON.stringify({ ...JSON.parse(text), hooks: { before } }));
  const { status, stdout } = command('drain', 'h1');
  expect(stdout).toMatch(/web stayed: The hook "before" failed: backup is running/);
  expect(status).toBe(11);
  expect(command('status').stdout).toMatch(/h1 +takes nothing +web/);
});

it('mistakes are told in a sentence, with what was probably meant', async (context) => {
  const { site, command } = await siteOf(context, { vms: { web } });
  expect(command('drain', 'h12')).toMatchObject({
    status: 10,
    stderr: expect.stringMatching(/no host 'h12'.*'?h1'?/),
  });
  expect(command('pause')).toMatchObject({
    status: 10,
    stderr: expect.stringMatching(/nothing to pause: no drain is under way/),
  });
  expect(command('settle', 'web', 'lost').stderr).toMatch(/No move of web is under way/);
  expect(command('settle', 'web', 'here').stderr).toMatch(/source, destination, lost/);
  expect(command('place', 'web', 'h2').stderr).toMatch(/Say with --qmp where the QMP of web is/);
  expect(command('place', 'wob', 'h2').stderr).toMatch(/no VM 'wob'.*'?web'?/);
  expect(command('drain', 'h1', '--by', 'noon').stderr).toMatch(/time of day, such as 18:00/);
  expect(command('drain', 'h1', '--policy', 'hope').stderr).toMatch(/hope/);
  site.rewrite((text) => text.replace('"format": 1', '"format": 9').replace('"driver"', '"drive"'));
  const { status, stderr } = command('status');
  expect(status).toBe(2);
  expect(stderr).toMatch(/does not describe a site:\n +line \d+: .*\n +line \d+: /);
  expect(fakedirty('status', '--site', '/nowhere/site.yaml')).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/can't be read: ENOENT/),
  });
});
