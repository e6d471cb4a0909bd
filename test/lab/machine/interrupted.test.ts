// An experiment that is ended at any moment: after Ctrl-C nothing is left; after SIGKILL the next start cleans up. Both
// times the next start resumes.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { exitCodes } from '../../../lib/cli/exit-codes.js';
import { isMeasured } from '../../../lib/lab/model/run.js';
import { packageRoot } from '../../../lib/system/package-root.js';
import { some } from '../../harness/methods-and-guests.js';
import { leftBehind, newStore, textOf } from './experiments.js';
import { needLabQemu } from './guests.js';

/** A moment of a run has come when one of its directories holds that. */
const moments = [
  { moment: 'its guest is made', holds: '' },
  { moment: 'its guest boots', holds: 'source.qmp' },
  { moment: 'its guest moves', holds: 'destination.qmp' },
] as const;

const accidents = (['SIGINT', 'SIGTERM', 'SIGKILL'] as const).flatMap((signal) =>
  moments.map((moment) => ({ signal, ...moment })),
);

it.for(some(accidents, [1, 8]))('resumes after $signal when $moment', async (accident, context) => {
  const { signal, holds } = accident;
  const { binary } = needLabQemu(context);
  const store = newStore(context);
  const file = join(store.directory, 'trial.yaml');
  const lines =
    'workloads: [{ name: idle, options: { bytes: 8000000 } }]\nmethods: [plain, xbzrle]';
  writeFileSync(file, textOf(lines));
  const main = join(packageRoot, 'dist', 'cli', 'main.js');
  const args = [main, 'lab', 'run', file, '--out', store.directory, '--qemu', binary];

  const started = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(started, 'exit');
  const left = () => leftBehind(started.pid);
  for await (const line of createInterface({ input: started.stdout })) {
    if (/^2\/2.*: idle /.test(line)) break;
  }
  while (!left().some((directory) => existsSync(join(directory, holds)))) {
    if (started.exitCode !== null) throw new Error(`the lab ended before there was ${holds}`);
    await pause(2);
  }
  started.kill(signal);
  const [status] = await ended;
  if (signal === 'SIGKILL') {
    expect(left().length).toBeGreaterThan(0);
  } else {
    expect(status).toBe(exitCodes.interrupted);
    expect(left()).toEqual([]);
  }
  expect(store.runs()).toHaveLength(1);

  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(stdout).toMatch(/1 run measured, 1 measured before, 0 failed/);
  // The last lines say where the results are, and what to open first.
  const [where, first] = stdout.trimEnd().split('\n').slice(-2);
  expect(where).toContain(`results: ${store.directory} (`);
  expect(first).toContain(`open first: ${join(store.directory, 'index.html')} (`);
  expect(left()).toEqual([]);
  expect(store.runs().filter(isMeasured)).toHaveLength(2);
});
