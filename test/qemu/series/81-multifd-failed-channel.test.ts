// A bug of multifd that has nothing to do with the filter, and that the series mends: a channel that was asked
// for a sync, and finds that another one has failed, ended without a word, and the migration waited for it for good.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { compiledProgram } from '../../../lib/lab/guest/programs.js';
import { guestState } from '../../../lib/qemu/machine/guest.js';
import type { Machine } from '../../../lib/qemu/machine/machine.js';
import { FaultyLink } from '../../harness/faulty-link.js';
import { methods } from '../../harness/methods-and-guests.js';
import { plain, withPair } from '../../harness/migrate-and-compare.js';
import type { MigrationPair } from '../../harness/migration-pair.js';
import { needQemu, needRoot } from '../../harness/requirements.js';

const holdThread = fileURLToPath(new URL('../../../native/test/hold_thread.c', import.meta.url));

/** What is read of a thread, until it has ended. */
function fileOf(directory: string, name: string): string {
  return readFileSync(`${directory}/${name}`, 'utf8');
}

/** Where the kernel tells about the thread of a QEMU with that name. */
function threadOf({ pid }: Machine, wanted: string): string {
  const threads = `/proc/${pid}/task`;
  const found = readdirSync(threads).find(
    (thread) => fileOf(`${threads}/${thread}`, 'comm').trim() === wanted,
  );
  if (!found) throw new Error(`QEMU has no thread ${wanted}`);
  return `${threads}/${found}`;
}

/** Stops a thread, and no other; returns what lets it run again. */
async function held(thread: string): Promise<() => Promise<void>> {
  const number = thread.split('/').at(-1) ?? '';
  const holder = spawn(await compiledProgram(holdThread), [number], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(holder, 'exit');
  const said = await Promise.race([once(holder.stdout, 'data'), ended]);
  expect(String(said[0])).toBe('held\n');
  return async () => {
    holder.stdin.end();
    await ended;
  };
}

async function untilAsleep(thread: string): Promise<void> {
  for (let looks = 0; looks < 5; await pause(10)) {
    looks = /\nState:\tS/.test(fileOf(thread, 'status')) ? looks + 1 : 0;
  }
}

async function untilGone(thread: string): Promise<void> {
  while (existsSync(thread)) await pause(10);
}

/** Lets a channel of a migration fail when both have been asked for the last sync and neither has begun with it. */
async function failOneInSync({ source }: MigrationPair, link: FaultyLink): Promise<void> {
  const states = source.qmp.events('MIGRATION');
  const holds: (() => Promise<void>)[] = [];
  try {
    await states.until(({ data: { status } }) => status === 'pre-switchover');
    const failing = threadOf(source, 'multifdsend_0');
    const other = threadOf(source, 'multifdsend_1');
    const letFail = await held(failing);
    holds.push(letFail);
    const letGoOn = await held(other);
    holds.push(letGoOn);
    link.breakNow();
    // QEMU answers when its main loop has gone round once more: after the sync, if the migration is faster.
    const answered = source.qmp.execute('migrate-continue', { state: 'pre-switchover' });
    await states.until(({ data: { status } }) => status === 'device');
    await untilAsleep(threadOf(source, 'live_migration'));
    await letFail();
    await untilGone(failing);
    await letGoOn();
    await answered;
  } finally {
    states.close();
    for (const letGo of holds) await letGo();
  }
}

it('a channel of multifd that fails during a sync ends the migration, and the guest runs on', async (context) => {
  needRoot(context, 'to hold a thread of QEMU');
  const method = methods.find(({ name }) => name === 'multifd none');
  if (!method) throw new Error('the matrix has shrunk');
  const guest = { pattern: 'idle', pages: 1024 } as const;
  const sourceArguments = ['-name', 'source,debug-threads=on'];
  await withPair({ ...plain(needQemu(context), guest), sourceArguments }, async (pair) => {
    const { source } = pair;
    const [path, to] = [pair.workspace.path('link'), pair.incomingSocket];
    const afterBytes = Number.MAX_SAFE_INTEGER;
    const link = await FaultyLink.listen({ path, to, fault: 'reset', afterBytes });
    const failed = failOneInSync(pair, link);
    const paused = { ...method, capabilities: { 'pause-before-switchover': true } };
    try {
      const migrated = pair.migrate({ ...paused, through: path });
      await Promise.all([expect(migrated).rejects.toMatchObject({ source: 'failed' }), failed]);
    } finally {
      await link.close();
    }
    expect((await guestState(source.serial)).wrongWords).toBe(0);

    await pair.replaceDestination();
    await pair.migrate(method);
    expect(await pair.compare()).toMatchObject({ differentPages: 0 });
    await pair.destination.qmp.execute('cont');
    expect((await guestState(pair.destination.serial)).wrongWords).toBe(0);
  });
});
