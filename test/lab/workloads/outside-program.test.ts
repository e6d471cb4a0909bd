// A program outside the guest: what it says, and how long it may be silent.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
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

it('lets a program take its time to end as long as it is not silent', async (context) => {
  // A clock that only the test moves: the time to be silent is over before its end, but never without a message.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  context.onTestFinished(() => void vi.useRealTimers());
  const silenceMs = 2000;
  const check = '{"type":"check","what":"keys","checked":9,"wrong":0}';
  const checks = `for i in 1 2 3 4 5 6; do read -r go; echo '${progress(1)}'; done; echo '${check}'; exit 0`;
  const go = join(mkdtempSync(join(tmpdir(), 'fakedirty-test-')), 'go');
  context.onTestFinished(() => rmSync(dirname(go), { recursive: true }));
  execFileSync('mkfifo', [go]);
  const { messages, speaks, program } = await start(
    `exec <>${go}; trap "${checks.replaceAll('"', '\\"')}" TERM; echo '${progress(0)}'; while :; do sleep 0.05; done`,
    silenceMs,
  );
  await speaks;
  const stopped = program.stop();
  for (let said = 1; said <= 6; said++) {
    vi.advanceTimersByTime(0.9 * silenceMs);
    writeFileSync(go, 'go\n');
    while (messages.length <= said) await turn();
  }
  expect(await stopped).toMatchObject({ status: 0, signal: null });
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
