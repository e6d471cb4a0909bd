// R7: what can't be combined with the filter is refused by name, with the reason, and changes nothing.
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { algorithms } from '../../../lib/fingerprint/algorithms.js';
import { assembleGuest, guestState, untilReady } from '../../../lib/qemu/machine/guest.js';
import { Machine } from '../../../lib/qemu/machine/machine.js';
import type { FakeDirtyHash, FakeDirtyParameters } from '../../../lib/qmp/schema/fake-dirty.js';
import { Workspace } from '../../../lib/system/workspace.js';
import { needQemu, type Qemu } from '../../harness/requirements.js';

const ramBytes = 4 << 20;
const filter = 'fake-dirty-filter';
const capabilityStates = z.array(z.object({ capability: z.string(), state: z.boolean() }));

let workspace: Workspace;
let machine: Machine | undefined;

beforeEach(() => {
  workspace = Workspace.create(2 * ramBytes);
});
afterEach(async () => {
  await machine?.kill();
  workspace.remove();
});

async function startOfSize(bytes: number, { binary }: Qemu, ...args: string[]): Promise<Machine> {
  const firmware = await assembleGuest(workspace, { pattern: 'rewrite', pages: 256 });
  const options = { name: 'machine', binary, accelerator: 'tcg', workspace, firmware } as const;
  machine = await Machine.start({ ...options, ramBytes: bytes, arguments: args });
  return machine;
}

function start(qemu: Qemu, ...args: string[]): Promise<Machine> {
  return startOfSize(ramBytes, qemu, ...args);
}

function set({ qmp }: Machine, capabilities: Record<string, boolean>): Promise<unknown> {
  return qmp.execute('migrate-set-capabilities', {
    capabilities: Object.entries(capabilities).map(([capability, state]) => ({
      capability,
      state,
    })),
  });
}

async function isOn({ qmp }: Machine, name: string): Promise<boolean> {
  const all = await qmp.query('query-migrate-capabilities', { schema: capabilityStates });
  return all.some(({ capability, state }) => capability === name && state);
}

describe('a QEMU with the series', () => {
  // What this build or this kernel does not have at all, QEMU refuses by itself.
  const refused = [
    ['zero-copy-send', ['multifd'], /'zero-copy-send': the kernel would read guest memory after/],
    ['rdma-pin-all', [], /'rdma-pin-all': RDMA reads guest memory after it was fingerprinted/],
    ['x-colo', [], /'x-colo': the destination runs|without replication module/],
    [
      'background-snapshot',
      [],
      /'background-snapshot': it sends each page once|not supported by host kernel|guest memory conf/,
    ],
  ] as const;
  const list = refused.flatMap(([name, needs, reason]) =>
    ([true, false] as const).map((filterFirst) => {
      const title = filterFirst ? `${name} once the filter is on` : `the filter once ${name} is on`;
      return [title, { name, needs, reason, filterFirst }] as const;
    }),
  );

  it.for(list)('refuses %s', async ([, { name, needs, reason, filterFirst }], context) => {
    const started = await start(needQemu(context));
    const all = [...needs, ...(filterFirst ? [filter, name] : [name, filter])];
    const setAll = async () => {
      for (const capability of all) await set(started, { [capability]: true });
    };
    await expect(setAll()).rejects.toThrow(reason);
    expect([await isOn(started, filter), await isOn(started, name)]).not.toEqual([true, true]);
  });

  it('refuses RDMA when a migration starts, and the guest runs on', async (context) => {
    const started = await start(needQemu(context));
    await set(started, { [filter]: true });
    await started.qmp.execute('cont');
    await untilReady(started.serial);
    await expect(started.qmp.execute('migrate', { uri: 'rdma:127.0.0.1:1' })).rejects.toThrow(
      /not compatible with RDMA/,
    );
    expect(await started.qmp.execute('query-status')).toMatchObject({ running: true });
  });

  it('refuses every hash that the library does not call fit for production, without consent', async (context) => {
    const started = await start(needQemu(context));
    const take = (hash: FakeDirtyHash, more: Partial<FakeDirtyParameters> = {}) =>
      started.qmp.execute('migrate-set-parameters', { 'fake-dirty-hash': hash, ...more });
    await set(started, { [filter]: true });
    for (const { name, production, digestBytes } of algorithms()) {
      if (production) {
        await take(name);
        continue;
      }
      const reason = digestBytes === 4 ? 'with so few bits chance' : 'it has no secret key';
      await expect(take(name)).rejects.toThrow(
        new RegExp(`'${name}' is unsafe: ${reason}.*fake-dirty-unsafe-hash=on accepts`),
      );
      await take(name, { 'fake-dirty-unsafe-hash': true });
      await take('ph128', { 'fake-dirty-unsafe-hash': false });
    }
  });

  it('refuses the filter while such a hash is set without consent', async (context) => {
    const started = await start(needQemu(context));
    await started.qmp.execute('migrate-set-parameters', { 'fake-dirty-hash': 'md5' });
    await expect(set(started, { [filter]: true })).rejects.toThrow(/'md5' is unsafe/);
    expect(await isOn(started, filter)).toBe(false);
  });
});

describe('the command line', () => {
  it('turns the filter on by -global, with its parameters', async (context) => {
    const globals = {
      filter: 'on',
      hash: 'sha1',
      'unsafe-hash': 'on',
      verify: 'on',
      'max-memory': '512M',
      'max-cpu': '150',
      sampling: 'off',
    };
    const args = Object.entries(globals).flatMap(([name, value]) => [
      '-global',
      `migration.x-fake-dirty-${name}=${value}`,
    ]);
    const started = await start(needQemu(context), ...args);
    expect(await isOn(started, filter)).toBe(true);
    expect(await started.qmp.execute('query-migrate-parameters')).toMatchObject({
      'fake-dirty-hash': 'sha1',
      'fake-dirty-unsafe-hash': true,
      'fake-dirty-verify': true,
      'fake-dirty-max-memory': 512 << 20,
      'fake-dirty-max-cpu': 150,
      'fake-dirty-sampling': false,
    });
  });

  it('is refused with an unsafe fingerprint that is not accepted', (context) => {
    const globals = ['filter=on', 'hash=md5'].map((each) => `migration.x-fake-dirty-${each}`);
    const args = globals.flatMap((each) => ['-global', each]);
    const { status, stderr } = spawnSync(
      needQemu(context).binary,
      ['-machine', 'none', '-nodefaults', '-display', 'none', ...args],
      { encoding: 'utf8', timeout: 30_000 },
    );
    expect(stderr).toMatch(/fake-dirty-hash 'md5' is unsafe: .*fake-dirty-unsafe-hash=on/);
    expect(status).toBe(1);
  });

  it('leaves the filter without limits, and sampling, by default', async (context) => {
    const { qmp } = await start(needQemu(context));
    expect(await qmp.execute('query-migrate-parameters')).toMatchObject({
      'fake-dirty-max-memory': 0,
      'fake-dirty-max-cpu': 0,
      'fake-dirty-sampling': true,
    });
  });
});

describe('a limit of effort', () => {
  it('takes up to 255 cores, and no more', async (context) => {
    const { qmp } = await start(needQemu(context));
    await qmp.execute('migrate-set-parameters', { 'fake-dirty-max-cpu': 25_500 });
    await expect(
      qmp.execute('migrate-set-parameters', { 'fake-dirty-max-cpu': 25_501 }),
    ).rejects.toThrow(/'fake-dirty-max-cpu' expects percent of one core, from 0 .* to 25500/);
    expect(await qmp.execute('query-migrate-parameters')).toMatchObject({
      'fake-dirty-max-cpu': 25_500,
    });
  });
});

describe('a limit of memory', () => {
  it.for([
    ['', false],
    [', with the copies of verify mode', true],
  ] as const)(
    'fails the start of a migration whose tables need more%s, and says how much; that much suffices',
    async ([, verify], context) => {
      const { qmp, serial } = await start(needQemu(context));
      const sink = { uri: 'exec:cat >/dev/null' };
      const limit = (bytes: number) =>
        qmp.execute('migrate-set-parameters', { 'fake-dirty-max-memory': bytes });
      const events = qmp.events('MIGRATION');
      const ends = (end: string) => events.until(({ data: { status } }) => status === end);
      if (machine) await set(machine, { [filter]: true, events: true });
      await qmp.execute('migrate-set-parameters', { 'fake-dirty-verify': verify });
      await qmp.execute('cont');
      await untilReady(serial);

      await limit(4096);
      await qmp.execute('migrate', sink);
      await ends('failed');
      const { 'error-desc': reason = '' } = await qmp.execute('query-migrate');
      expect(reason).toMatch(
        /bytes are needed for fingerprints.* fake-dirty-max-memory allows 4096/,
      );
      expect(/ and copies.*turn fake-dirty-verify off/.test(reason)).toBe(verify);
      expect(await qmp.execute('query-status')).toMatchObject({ running: true });
      expect((await guestState(serial)).wrongWords).toBe(0);

      const needed = Number(/(\d+) bytes are needed/.exec(reason)?.[1]);
      expect(needed).toBeGreaterThan((ramBytes / 4096) * (verify ? 4096 + 16 : 16) - 1);
      await limit(needed - 1);
      await qmp.execute('migrate', sink);
      await ends('failed');
      await limit(needed);
      await qmp.execute('migrate', sink);
      await ends('completed');
      expect(await qmp.execute('query-migrate')).toMatchObject({
        'fake-dirty': { 'table-bytes': needed },
      });
      events.close();
    },
  );
});

describe('a table that cannot be allocated', () => {
  /** Leaves a running QEMU that much more address space than it has, for now. */
  function leaveBytes({ pid }: Machine, bytes: number): void {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kibibytes = Number(/^VmSize:\s+(\d+) kB$/m.exec(status)?.[1]);
    const limit = kibibytes * 1024 + bytes;
    execFileSync('prlimit', ['--pid', String(pid), `--as=${limit}:`]);
  }

  /** The names of its threads, as QEMU gives them. */
  function threadsOf({ pid }: Machine): string[] {
    const tasks = `/proc/${pid}/task`;
    return readdirSync(tasks).map((id) => readFileSync(`${tasks}/${id}/comm`, 'utf8').trim());
  }

  it.for([
    ['', {}],
    [' that has a return path', { 'return-path': true }],
  ] as const)(
    'fails the start of a migration%s with a clear error, and the guest runs on',
    async ([, capabilities], context) => {
      const started = await startOfSize(512 << 20, needQemu(context));
      await set(started, { [filter]: true, events: true, ...capabilities });
      // With the copies that verifying wants the tables are as large as the memory.
      await started.qmp.execute('migrate-set-parameters', { 'fake-dirty-verify': true });
      await started.qmp.execute('cont');
      await untilReady(started.serial);
      const events = started.qmp.events('MIGRATION');
      const sink = createServer();
      const closed = new Promise((resolve) => {
        sink.once('connection', (socket) => socket.resume().once('close', resolve));
      });
      const path = workspace.path('sink');
      await new Promise<void>((resolve) => sink.listen(path, resolve));
      try {
        // Enough for threads and their stacks.
        leaveBytes(started, 128 << 20);
        await started.qmp.execute('migrate', { uri: `unix:${path}` });
        await events.until(({ data: { status } }) => status === 'failed');
        expect(await started.qmp.execute('query-migrate')).toMatchObject({
          'error-desc': expect.stringMatching(/fake-dirty-filter: .*table.*can't be allocated/),
        });
        // The destination learns of it, and nobody here waits for what it might say.
        await closed;
        expect(threadsOf(started)).not.toContainEqual(expect.stringContaining('return'));
      } finally {
        sink.close();
      }
      expect(await started.qmp.execute('query-status')).toMatchObject({ running: true });
      expect((await guestState(started.serial)).wrongWords).toBe(0);

      // The next attempt has what it needs.
      execFileSync('prlimit', ['--pid', String(started.pid), '--as=unlimited:']);
      await set(started, { 'return-path': false });
      await started.qmp.execute('migrate', { uri: 'exec:cat >/dev/null' });
      await events.until(({ data: { status } }) => status === 'completed');
      events.close();
    },
  );
});
