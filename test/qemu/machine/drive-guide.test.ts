// The programs of docs/guides/driving-migrations.md, run as they stand there.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, type TestContext } from 'vitest';
import { packageRoot } from '../../../lib/system/package-root.js';
import { type DrivenQemu, drivenQemus, needDriven } from '../../harness/driven-qemu.js';
import { startWithSecondQmp } from '../../harness/second-qmp.js';

const run = promisify(execFile);
const guest = { pattern: 'random', pages: 1024, wordsPerPage: 8 } as const;

function start(context: TestContext, which: DrivenQemu) {
  return startWithSecondQmp(context, needDriven(context, which), guest);
}

/** From the checkout, `fakedirty` is the package that was built in it. */
async function output(name: string, ...args: string[]): Promise<string> {
  const program = join(packageRoot, 'docs', 'examples', name);
  const { stdout, stderr } = await run(process.execPath, [program, ...args]);
  expect(stderr).toBe('');
  return stdout;
}

describe.each(drivenQemus)('the programs of the guide, on the QEMU %s', (which) => {
  it('stop a VM and continue it', async (context) => {
    const { paths } = await start(context, which);
    const said = await output('stop-and-continue-a-vm.mjs', paths.source);
    expect(said).toMatch(/^was paused for \d+\.\d ms\nruns again\n$/);
  });

  it('migrate, record, and try a policy on the recording', async (context) => {
    const { pair, paths, listen } = await start(context, which);
    const recording = pair.workspace.path('recording.jsonl');
    const said = await output(
      'migrate-with-a-policy.mjs',
      paths.source,
      paths.destination,
      listen,
      recording,
    );
    expect(said).toMatch(/^pass 1: \d+ bytes, \d+ pages unchanged, \d+ still dirty\n/);
    expect(said).toMatch(
      /\ncompleted: .*\nthe guest is at the destination; \d+ bytes were sent\n$/,
    );
    const tried = await output('try-a-policy.mjs', recording);
    expect(tried).toMatch(/^after \d+ ms: (go-on|stop-now): /);
    expect(tried).toMatch(/predicted after each of \d+ passes\nit took \d+ ms\n$/);
  });
});
