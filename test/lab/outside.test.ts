import { expect, it } from 'vitest';
import type { GuestMessage } from '../../lib/lab/guest/control.js';
import { OutsideProgram } from '../../lib/lab/workloads/outside.js';

/** Runs a shell's words in the place of the program. */
async function said(script: string) {
  const messages: GuestMessage[] = [];
  const host = { name: 'client', prefix: ['sh', '-c', script], address: null };
  const commands = { program: 'stream', arguments: [] };
  const program = await OutsideProgram.start(host, commands, (message) => messages.push(message));
  return { messages, end: await program.ended };
}

it('takes messages as they come, and what is none for a complaint', async () => {
  const { messages, end } = await said(`echo '{"type":"running"}'; echo oh no; exit 3`);
  expect(messages).toEqual([{ type: 'running' }]);
  expect(end).toEqual({ status: 3, signal: null, complaint: 'oh no' });
});

it('lives on when the program is killed in the middle of a message', async () => {
  const { messages, end } = await said(`printf '{"type":"report","atMs":6'; kill -KILL $$`);
  expect(messages).toEqual([]);
  expect(end).toMatchObject({ signal: 'SIGKILL', complaint: '{"type":"report","atMs":6' });
});
