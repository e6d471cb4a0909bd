// What becomes of a guest when the controller of its migration fails, at one moment or another: its sockets, its
// terminal, the reader of its output, a signal, its death. Each time the guest runs on exactly one side, the settings are
// back, and journal, exit code and result tell the truth.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, type TestContext, vi } from 'vitest';
import { exitCodes } from '../../../lib/cli/exit-codes.js';
import type { Journal } from '../../../lib/migration/journal.js';
import { JournalDirectory } from '../../../lib/migration/journal-directory.js';
import { migrate } from '../../../lib/migration/migrate.js';
import type { MigrateOptions } from '../../../lib/migration/options.js';
import type { QmpClient } from '../../../lib/qmp/client.js';
import { packageRoot } from '../../../lib/system/package-root.js';
import { needDriven, runsGuest } from '../../harness/driven-qemu.js';
import { some } from '../../harness/methods-and-guests.js';
import { LineCounter, QmpProxy } from '../../harness/qmp-proxy.js';
import { startWithSecondQmp } from '../../harness/second-qmp.js';

vi.setConfig({ testTimeout: 120_000 });

/** Writes 4 MiB over and over; the link takes them in an eighth of a second. */
const guest = { pattern: 'random', pages: 1024, wordsPerPage: 8 } as const;
const limits = ['--bandwidth', '32M', '--downtime', '1ms'];
/** It ends by a decision, so that every stage of a migration is there. */
const policy = ['--policy', 'adaptive-stop:limit=200', '--policy', 'give-up:after=1min'];
const main = join(packageRoot, 'dist', 'cli', 'main.js');

interface Settings {
  readonly capabilities: unknown;
  readonly parameters: unknown;
}

async function settingsOf(qmp: QmpClient): Promise<Settings> {
  const [capabilities, parameters] = await Promise.all([
    qmp.execute('query-migrate-capabilities'),
    qmp.execute('query-migrate-parameters'),
  ]);
  return { capabilities, parameters };
}

async function prepare(context: TestContext, at: number, act: (scene: Scene) => void) {
  const binary = needDriven(context, 'with the series');
  const { pair, paths, listen } = await startWithSecondQmp(context, binary, guest, {
    destinationRuns: true,
  });
  const { source, destination } = pair;
  const before = [await settingsOf(source.qmp), await settingsOf(destination.qmp)] as const;
  const directory = join(paths.source, '..', 'journals');
  mkdirSync(directory);
  const counter = new LineCounter(at, () => act(scene));
  const through = { source: `${paths.source}.proxy`, destination: `${paths.destination}.proxy` };
  const proxies = {
    source: await QmpProxy.listen(through.source, paths.source, counter),
    destination: await QmpProxy.listen(through.destination, paths.destination, counter),
  };
  context.onTestFinished(async () => {
    await Promise.all([proxies.source.close(), proxies.destination.close()]);
  });
  const scene = { pair, paths, listen, directory, through, proxies, counter, before } as Scene;
  return scene;
}

interface Scene extends Awaited<ReturnType<typeof startWithSecondQmp>> {
  readonly directory: string;
  readonly through: { readonly source: string; readonly destination: string };
  readonly proxies: { readonly source: QmpProxy; readonly destination: QmpProxy };
  readonly counter: LineCounter;
  readonly before: readonly [Settings, Settings];
  child?: ChildProcess;
}

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly said: string;
}

async function run(scene: Scene, args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [main, ...args, '--journal', scene.directory], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  scene.child = child;
  let said = '';
  for (const output of [child.stdout, child.stderr]) {
    output?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { code, signal, said };
}

function migrating({ through, listen }: Scene): string[] {
  const sides = ['--qmp', through.source, '--to-qmp', through.destination, '--listen', listen];
  return ['migrate', ...sides, ...limits, ...policy];
}

/** The journal of the migration, if it came so far. */
function journalOf({ directory }: Scene): Journal | undefined {
  return new JournalDirectory(directory).all()[0]?.journal;
}

const codes: Readonly<Record<string, readonly number[]>> = {
  completed: [exitCodes.ok],
  cancelled: [exitCodes.cancelled, exitCodes.interrupted],
  failed: [exitCodes['migration-failed'], exitCodes['no-qmp'], exitCodes.refused],
};

/** The guest runs on one side, and what was told of it is the truth. */
async function verify(scene: Scene, { code, said }: Pick<Ended, 'code' | 'said'>): Promise<void> {
  const { pair, before } = scene;
  const { source, destination } = pair;
  const where = { source: await runsGuest(source), destination: await runsGuest(destination) };
  expect([where.source, where.destination].filter(Boolean), said).toHaveLength(1);
  const journal = journalOf(scene);
  if (!journal) {
    expect([where.source, code], said).not.toContain(exitCodes.ok);
  } else {
    const { outcome = '', guest: told } = journal.end ?? {};
    expect(told?.where, said).toBe(where.source ? 'source' : 'destination');
    expect(codes[outcome] ?? [], `${outcome}: ${said}`).toContain(code);
  }
  expect(await settingsOf(source.qmp), said).toEqual(before[0]);
  if (where.destination) expect(await settingsOf(destination.qmp), said).toEqual(before[1]);
}

/** What can fail, and how. */
const faults: Readonly<Record<string, (scene: Scene) => void>> = {
  "the source's QMP is cut": ({ proxies }) => proxies.source.cut(),
  "the destination's QMP is cut": ({ proxies }) => proxies.destination.cut(),
  "the source's QMP is garbled": ({ proxies }) => proxies.source.garble(),
  'it is told to end by SIGTERM': ({ child }) => child?.kill('SIGTERM'),
  'it is told to end by SIGHUP': ({ child }) => child?.kill('SIGHUP'),
  'nobody reads its output any more': ({ child }) => {
    child?.stdout?.destroy();
    child?.stderr?.destroy();
  },
};

/** Commands, answers and events of a migration, and then some: about as many as there are. */
const moments = Array.from({ length: 90 }, (_, index) => index + 1);

describe.for(Object.entries(faults))('%s', ([, act]) => {
  it.for(some(moments, [29, 54, 74]))('at line %i', async (at, context) => {
    const scene = await prepare(context, at, act);
    await verify(scene, await run(scene, migrating(scene)));
  });
});

describe('it is killed outright', () => {
  it.for(some(moments, [19, 33, 49, 69]))(
    'at line %i: another process takes over',
    async (at, context) => {
      const scene = await prepare(context, at, ({ child }) => child?.kill('SIGKILL'));
      const first = await run(scene, migrating(scene));
      const left = journalOf(scene);
      if (!left || left.end) {
        // It had not begun, or was done.
        await verify(scene, { code: first.code ?? exitCodes.failure, said: first.said });
        return;
      }
      expect(first.signal).toBe('SIGKILL');
      // Whoever begins again instead is told.
      const again = await run(scene, [...migrating(scene), '--hash', 'crc32']);
      expect(again.said).toMatch(/was killed.*watch --qmp \S+ --take-over --journal/);
      expect(again.code).toBe(exitCodes.refused);
      const args = ['watch', '--qmp', scene.through.source, '--take-over'];
      const second = await run(scene, args);
      expect(second.said).toMatch(/Taken over/);
      await verify(scene, second);
    },
  );
});

it('goes on without output when that was asked for', async (context) => {
  const scene = await prepare(context, 50, ({ child }) => {
    child?.stdout?.destroy();
    child?.kill('SIGHUP');
  });
  const ended = await run(scene, [...migrating(scene), '--on-disconnect', 'finish']);
  expect(ended.code).toBe(exitCodes.ok);
  await verify(scene, ended);
});

it('loses its recording on a full disk, and nothing else', async (context) => {
  const scene = await prepare(context, -1, () => {});
  const ended = await run(scene, [...migrating(scene), '--record', '/dev/full', '--force']);
  expect(ended.said).toMatch(/warning: The recording \/dev\/full ends early: ENOSPC/);
  expect(ended.code).toBe(exitCodes.ok);
  await verify(scene, ended);
});

describe('a callback of the API fails', () => {
  const nth = (count: number) => {
    let calls = 0;
    return () => {
      calls += 1;
      if (calls === count) throw new Error('a mistake');
    };
  };
  const decide = (fail: () => void) => () => {
    fail();
    return { choice: 'go-on', policy: 'test', reason: 'Not yet.', numbers: {} } as const;
  };
  const mistakes: Readonly<Record<string, () => Partial<MigrateOptions>>> = {
    onPass: () => ({ onPass: nth(1) }),
    onProgress: () => ({ onProgress: nth(1) }),
    record: () => ({ record: nth(12) }),
    policy: () => ({ policy: decide(nth(2)), downtimeLimitMs: 1 }),
  };

  it.for(Object.entries(mistakes))('%s', async ([name, options], context) => {
    const scene = await prepare(context, -1, () => {});
    const { pair, listen } = scene;
    const {
      outcome,
      guest: told,
      callbackFailures,
    } = await migrate(pair.source.qmp, {
      to: { qmp: pair.destination.qmp, listen },
      bandwidthBytesPerSecond: 32 << 20,
      downtimeLimitMs: 400,
      ...options(),
    });
    expect(outcome).toBe(name === 'policy' ? 'cancelled' : 'completed');
    expect(callbackFailures).toMatchObject([{ callback: name, message: 'a mistake' }]);
    const where = (await runsGuest(pair.source)) ? 'source' : 'destination';
    expect(await runsGuest(pair[where === 'source' ? 'destination' : 'source'])).toBe(false);
    expect(told).toMatchObject({ where, running: true });
    const { parameters } = await settingsOf(pair.source.qmp);
    expect(parameters).toEqual(scene.before[0].parameters);
  });
});
