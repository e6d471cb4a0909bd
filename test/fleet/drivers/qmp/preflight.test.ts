// What a QEMU says of itself that keeps its VM from being moved.
import { expect, it } from 'vitest';
import { runningProblems } from '../../../../lib/fleet/drivers/qmp/preflight.js';
import type { QmpClient } from '../../../../lib/qmp/client.js';
import type { Vm } from '../../../../lib/site/site.js';

const memoryBytes = 2 ** 20;

it('a QEMU that is no process of this machine is refused: nobody could know when it has ended', async () => {
  const answers: Record<string, unknown> = {
    'query-status': { running: true, status: 'running' },
    'query-migrate': {},
    'query-memory-size-summary': { 'base-memory': memoryBytes },
    'query-cpus-fast': [{ 'thread-id': 2 ** 30 }],
  };
  const execute = (command: string) => Promise.resolve(answers[command]);
  const qmp = { execute, isLocal: true } as unknown as QmpClient;
  const vm: Vm = { host: 'h1', memoryBytes, arguments: [] };
  const problems = await runningProblems(qmp, vm, { name: 'pre-copy', policy: [] }, '/nowhere');
  expect(problems).toEqual([expect.stringMatching(/not found among the processes/)]);
});
