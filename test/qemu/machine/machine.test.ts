// A QEMU as a process: why it did not start, and that nothing of it is left behind.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { mebibyte } from '../../../lib/format/bytes.js';
import { Machine } from '../../../lib/qemu/machine/machine.js';
import { packageRoot } from '../../../lib/system/package-root.js';
import { Workspace } from '../../../lib/system/workspace.js';
import { needAnyQemu } from '../../harness/requirements.js';

const ramBytes = 4 * mebibyte;

it('a QEMU that does not start is an error that says why', async (context) => {
  const workspace = Workspace.create(2 * ramBytes);
  context.onTestFinished(() => workspace.remove());
  const { binary } = needAnyQemu(context);
  const options = { name: 'odd', binary, workspace, ramBytes, arguments: ['-nonsense'] };
  await expect(Machine.start({ ...options, accelerator: 'tcg' })).rejects.toThrow(
    /"odd" ended while it started.*-nonsense/s,
  );
  await expect(
    Machine.start({ ...options, binary: '/nowhere', accelerator: 'tcg' }),
  ).rejects.toThrow(/"odd".*\/nowhere/s);
});

describe('no QEMU and no directory is left behind', () => {
  let owner: ChildProcess;

  afterEach(() => {
    owner.kill('SIGKILL');
  });

  /** Starts a guest in a process of its own, from the built package; returns what it made. */
  async function startInAnotherProcess(
    binary: string,
  ): Promise<{ qemu: number; directory: string }> {
    const script = `
      const { Machine } = await import('${packageRoot}/dist/qemu/machine/machine.js');
      const { Workspace } = await import('${packageRoot}/dist/system/workspace.js');
      const workspace = Workspace.create(${ramBytes});
      const machine = await Machine.start({ name: 'orphan', binary: '${binary}', accelerator: 'tcg',
        workspace, ramBytes: ${ramBytes}, firmware: process.argv[1] });
      console.log(JSON.stringify({ qemu: machine.pid, directory: workspace.directory }));
      setInterval(() => {}, 1000);`;
    const firmware = join(mkdtempSync(join(tmpdir(), 'fakedirty-test-')), 'firmware');
    writeFileSync(firmware, Buffer.alloc(65536));
    owner = spawn(process.execPath, ['--input-type=module', '--eval', script, firmware], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (!owner.stdout) throw new Error('no output');
    const [line] = await once(createInterface({ input: owner.stdout }), 'line');
    rmSync(dirname(firmware), { recursive: true });
    return JSON.parse(line);
  }

  async function untilGone(pid: number): Promise<void> {
    // Not our child: its end is no event for us.
    while (existsSync(`/proc/${pid}`)) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  it.for(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'when its owner gets %s',
    async (signal, context) => {
      const { qemu, directory } = await startInAnotherProcess(needAnyQemu(context).binary);
      owner.kill(signal);
      const [, endedBy] = await once(owner, 'exit');
      expect(endedBy).toBe(signal);
      await untilGone(qemu);
      expect(existsSync(directory)).toBe(false);
    },
  );

  it('when its owner is killed outright, by whoever starts next', async (context) => {
    const { qemu, directory } = await startInAnotherProcess(needAnyQemu(context).binary);
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    await untilGone(qemu);
    Workspace.create(ramBytes).remove();
    expect(existsSync(directory)).toBe(false);
  });
});

it('whoever starts next leaves alone what belongs to a process that lives', () => {
  const mine = Workspace.create(ramBytes);
  mkdirSync(mine.path('kept'));
  Workspace.create(ramBytes).remove();
  expect(existsSync(mine.path('kept'))).toBe(true);
  mine.remove();
});
