// A program outside the guest: what it says, and how long it may be silent.
import { expect, it } from 'vitest';
import type { GuestMessage } from '../../../lib/lab/guest/guest-message.js';
import { OutsideProgram } from '../../../lib/lab/workloads/outside-program.js';

/** Starts a shell script in place of the program. */
async function start(script: string, silenceMs?: number) {
  const messages: GuestMessage[] = [];
  const host = { name: 'client', prefix: ['sh', '-c', script], address: null };
  const commands = { program: 'stream', arguments: [] };
  let spoken = () => {};
  const speaks = new Promise<void>((resolve) => {
    spoken = resolve;
  });
  const onMessage = (message: GuestMessage) => {
    messages.push(message);
    spoken();
  };
  const options = silenceMs === undefined ? { onMessage } : { onMessage, silenceMs };
  return { messages, speaks, program: await OutsideProgram.start(host, commands, options) };
}

async function said(script: string) {
  const { messages, program } = await start(script);
  return { messages, end: await program.ended };
}

it('passes messages on, and keeps other output as a complaint', async () => {
  const { messages, end } = await said(`echo '{"type":"running"}'; echo oh no; exit 3`);
  expect(messages).toEqual([{ type: 'running' }]);
  expect(end).toEqual({ status: 3, signal: null, complaint: 'oh no' });
});

it('survives a program that is killed in the middle of a message', async () => {
  const { messages, end } = await said(`printf '{"type":"report","atMs":6'; kill -KILL $$`);
  expect(messages).toEqual([]);
  expect(end).toMatchObject({ signal: 'SIGKILL', complaint: '{"type":"report","atMs":6' });
});

const progress = (done: number) => `{"type":"progress","text":"${done} of 9 keys set"}`;

it('lets a program take its time to end as long as it is not silent', async () => {
  const check = '{"type":"check","what":"keys","checked":9,"wrong":0}';
  const checks = `for i in 1 2 3 4 5 6; do sleep 0.5; echo '${progress(1)}'; done; echo '${check}'; exit 0`;
  const { messages, speaks, program } = await start(
    `trap "${checks.replaceAll('"', '\\"')}" TERM; echo '${progress(0)}'; while :; do sleep 0.05; done`,
    2000,
  );
  await speaks;
  expect(await program.stop()).toMatchObject({ status: 0, signal: null });
  expect(messages.map(({ type }) => type)).toEqual([...Array(7).fill('progress'), 'check']);
});

it('ends a silent program, and says what was awaited', async () => {
  const { program, speaks } = await start(
    `trap '' TERM; echo '${progress(3)}'; exec sleep 60`,
    300,
  );
  await speaks;
  await expect(program.awaiting('a report', new Promise(() => {}))).rejects.toThrow(
    'stream was silent for 300 ms while waiting for a report; its last line: 3 of 9 keys set',
  );
  await expect(program.stop()).rejects.toThrow(/while waiting for its end/);
  expect(await program.ended).toMatchObject({ signal: 'SIGKILL' });
});
