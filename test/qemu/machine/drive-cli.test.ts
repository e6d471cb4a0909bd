// The commands and real QEMUs: a migration, one that is watched, one that is interrupted, one that fails.
import { readFileSync } from 'node:fs';
import { describe, expect, it, type TestContext } from 'vitest';
import { exitCodes } from '../../../lib/cli/exit-codes.js';
import { parseRecording } from '../../../lib/migration/recording.js';
import { guestState } from '../../../lib/qemu/machine/guest.js';
import { needDriven } from '../../harness/driven-qemu.js';
import { run, untilLine } from '../../harness/running-command.js';
import { startWithSecondQmp } from '../../harness/second-qmp.js';

const random = { pattern: 'random', pages: 1024, wordsPerPage: 8 } as const;
const slowly = ['--bandwidth', '8Mi', '--downtime', '1ms'];

function start(context: TestContext) {
  return startWithSecondQmp(context, needDriven(context, 'with the series'), random);
}

describe('fakedirty migrate', () => {
  it('migrates, and records what a policy decides', async (context) => {
    const { pair: machines, paths, listen } = await start(context);
    const file = machines.workspace.path('recording.jsonl');
    const args = ['migrate', '--qmp', paths.source, '--to-qmp', paths.destination];
    const policy = ['--policy', 'give-up:after=1min', '--policy', 'adaptive-stop:limit=50'];
    const migrating = run(
      context,
      ...args,
      '--listen',
      listen,
      '--hash',
      'ph128',
      ...slowly,
      ...policy,
      '--record',
      file,
    );
    expect([await migrating.ended, migrating.lines]).toEqual([exitCodes.ok, expect.anything()]);
    const said = migrating.lines.join('\n');
    expect(said).toMatch(/pass +time +sent/);
    expect(said).toMatch(/stop-now: .* of the first pass's/);
    expect(said).toMatch(/^completed after .*downtime/m);
    expect(said).toMatch(/ph128 found [\d,]+ pages? unchanged/);
    expect(said).toMatch(/The guest is at the destination/);
    expect(await machines.compare()).toMatchObject({ differentPages: 0 });
    const { entries } = parseRecording(readFileSync(file, 'utf8'));
    expect(entries.at(-1)).toMatchObject({ type: 'end', result: { outcome: 'completed' } });
    const replayed = run(context, 'replay', file);
    expect(await replayed.ended).toBe(exitCodes.ok);
    expect(replayed.lines.join('\n')).toMatch(/stop-now: .*first pass's/);
  });

  it('is cancelled by Ctrl-C, and says where the guest is', async (context) => {
    const { pair: machines, paths, listen } = await start(context);
    await machines.destination.qmp.execute('migrate-incoming', { uri: listen });
    const migrating = run(context, 'migrate', '--qmp', paths.source, '--to', listen, ...slowly);
    await untilLine(migrating, /^ +1 /);
    migrating.child.kill('SIGINT');
    expect(await migrating.ended).toBe(exitCodes.interrupted);
    expect(migrating.lines.join('\n')).toMatch(
      /cancelled after.*The guest is at the source and runs\./s,
    );
    expect((await guestState(machines.source.serial)).wrongWords).toBe(0);
  });

  it('writes JSON Lines for programs, and reports a failure by its exit code', async (context) => {
    const { pair: machines, paths } = await start(context);
    const nobody = `unix:${machines.workspace.path('nobody')}`;
    const migrating = run(context, 'migrate', '--qmp', paths.source, '--to', nobody, '--json');
    expect(await migrating.ended).toBe(exitCodes['migration-failed']);
    const entries = migrating.lines.map((line) => JSON.parse(line));
    expect(entries[0]).toMatchObject({ type: 'start' });
    expect(entries.at(-1)).toMatchObject({
      type: 'end',
      result: { outcome: 'failed', guest: { where: 'source', running: true } },
    });
    expect((await guestState(machines.source.serial)).wrongWords).toBe(0);
  });
});

describe('fakedirty watch', () => {
  it('shows a migration that another program runs', async (context) => {
    const { pair: machines, paths } = await start(context);
    const watching = run(context, 'watch', '--qmp', paths.source);
    await untilLine(watching, /Waiting for a migration/);
    await machines.migrate({ passes: 3 });
    expect(await watching.ended).toBe(exitCodes.ok);
    expect(watching.lines.join('\n')).toMatch(/^completed after/m);
    expect(watching.lines.filter((line) => /^ +\d+(-\d+)? /.test(line)).length).toBeGreaterThan(0);
  });
});
