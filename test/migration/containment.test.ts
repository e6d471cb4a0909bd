// Nothing that a caller hands to a migration, and no connection that breaks, leaves it without a supervisor: it always
// has a result that says what happened, and settings are put back at its end and no sooner.
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Decision, Policy } from '../../lib/migration/decision.js';
import { MigrationRefusedError } from '../../lib/migration/errors.js';
import { startMigration } from '../../lib/migration/migrate.js';
import type { Migration } from '../../lib/migration/migration.js';
import type { MigrateOptions } from '../../lib/migration/options.js';
import { startWatching } from '../../lib/migration/watch.js';
import { FakeQemu } from '../qmp/fake-qemu.js';
import { ScriptedQemu } from './scripted-qemu.js';

let qemu: FakeQemu;
let script: ScriptedQemu;

beforeEach(async () => {
  qemu = new FakeQemu();
  await qemu.listen();
  script = new ScriptedQemu(qemu);
  script.obey();
});
afterEach(() => qemu.close());

async function start(options: Partial<MigrateOptions> = {}): Promise<Migration> {
  return await startMigration(await qemu.connect(), { to: 'exec:cat', ...options });
}

const fail = (): never => {
  throw new Error('a mistake');
};
const goOn: Decision = { choice: 'go-on', policy: 'test', reason: 'Not yet.', numbers: {} };

describe('a callback that fails', () => {
  const mistakes = {
    'onPass throws': { onPass: fail },
    'onProgress throws': { onProgress: fail },
    'record throws': { record: ({ type }) => type === 'pass' && fail() },
    'record throws at once': { record: fail },
    'onPass rejects': { onPass: () => Promise.reject(new Error('a mistake')) },
  } satisfies Record<string, Partial<MigrateOptions>>;

  it.for(Object.entries(mistakes))(
    'is not called again, and the migration goes on: %s',
    async ([what, options]) => {
      const migration = await start(options);
      script.pass();
      await pause(300);
      script.pass();
      await pause(300);
      script.complete();
      const { outcome, callbackFailures } = await migration.result;
      const [callback] = what.split(' ');
      expect({ outcome, callbackFailures }).toEqual({
        outcome: 'completed',
        callbackFailures: [{ callback, message: 'a mistake', elapsedMs: expect.any(Number) }],
      });
      expect(script.asked).not.toContain('migrate_cancel');
      expect(script.asked.indexOf('migrate-set-capabilities')).toBeLessThan(
        script.asked.indexOf('migrate'),
      );
      expect(script.asked.at(-1)).toBe('migrate-set-capabilities');
    },
  );

  it('does not end the watching of a migration of another program either', async () => {
    script.become('active');
    const watch = startWatching(await qemu.connect(), { onPass: fail, record: fail });
    await pause(200);
    script.pass();
    setTimeout(() => script.complete(), 1200);
    const { callbackFailures = [] } = await watch.result;
    expect(callbackFailures.map(({ callback }) => callback)).toContain('record');
    expect(script.asked).toEqual([]);
  });
});

describe('a policy that fails', () => {
  const wrong: Record<string, [policy: () => unknown, message: RegExp]> = {
    throws: [fail, /a mistake/],
    'returns nothing': [() => undefined, /returned nothing/],
    'returns a promise': [() => Promise.resolve(goOn), /returned a promise/],
    'returns a promise that is rejected': [() => Promise.reject(new Error('x')), /a promise/],
    'returns another choice': [() => ({ ...goOn, choice: 'wait' }), /no decision.*choice/],
    'returns a word': [() => 'go-on', /no decision/],
    'chooses post-copy where there is none': [
      () => ({ ...goOn, choice: 'post-copy' }),
      /post-copy, which is not possible/,
    ],
  };

  it.for(Object.entries(wrong))(
    'has the migration cancelled: it %s',
    async ([, [policy, message]]) => {
      const migration = await start({ policy: policy as Policy });
      const { outcome, reason, guest, callbackFailures } = await migration.result;
      expect({ outcome, guest }).toMatchObject({
        outcome: 'cancelled',
        guest: { where: 'source', running: true },
      });
      expect(reason).toMatch(/^The policy failed, so the migration was cancelled: /);
      expect(reason).toMatch(message);
      expect(callbackFailures?.map(({ callback }) => callback)).toEqual(['policy']);
      expect(script.asked.at(-1)).toBe('migrate-set-capabilities');
    },
  );

  it('leaves the migration to QEMU where the caller wants that', async () => {
    let calls = 0;
    const policy = () => {
      calls += 1;
      return fail();
    };
    const migration = await start({ policy, onPolicyFailure: 'go-on' });
    await pause(50);
    script.pass();
    await pause(200);
    script.complete();
    expect(await migration.result).toMatchObject({
      outcome: 'completed',
      callbackFailures: [{ callback: 'policy', message: 'a mistake' }],
    });
    expect(calls).toBe(1);
  });

  it('is refused before anything is changed if it is async', async () => {
    const policy = (async () => goOn) as unknown as Policy;
    await expect(start({ policy })).rejects.toThrow(MigrationRefusedError);
    expect(script.asked).toEqual([]);
  });
});

describe('a connection that breaks', () => {
  /** Breaks the connection with the n-th command, before it is answered; `after`: after QEMU has carried it out. */
  let hasBroken = false;
  function breakAt(nth: number, after: boolean): void {
    hasBroken = false;
    const { on } = script;
    let count = 0;
    script.on = (request) => {
      count += 1;
      if (count !== nth) return on(request);
      if (after) {
        on(request);
        if (!/^(query-|qom-get)/.test(request.execute ?? ''))
          script.asked.push(`${request.execute} (done)`);
      }
      hasBroken = true;
      qemu.socket?.destroy();
      return true;
    };
  }

  it.for(
    Array.from({ length: 14 }, (_, index) => index + 1).flatMap((nth) =>
      [false, true].map((after) => [nth, after] as const),
    ),
  )(
    'is made again at command %i (carried out: %s), and the result is the truth',
    async ([nth, after]) => {
      breakAt(nth, after);
      let began: Migration | undefined;
      try {
        began = await start();
      } catch {
        // Told in time: nothing runs, and everything is as it was.
        expect([hasBroken, script.status]).toEqual([true, undefined]);
        return;
      }
      script.pass();
      await pause(100);
      script.complete();
      expect(await began.result).toMatchObject({ outcome: 'completed' });
      expect(hasBroken).toBe(true);
      expect(script.asked.filter((name) => name === 'migrate').length).toBe(1);
      expect(script.asked.findLast((name) => !name.includes('done'))).toBe(
        'migrate-set-capabilities',
      );
    },
  );

  it('has the result "unknown" when QEMU is gone before it says whether it has begun', async () => {
    script.on = ({ execute }) => {
      if (execute !== 'migrate') return undefined;
      void qemu.end();
      return true;
    };
    const entries: string[] = [];
    const write = ({ type }: { readonly type: string }) => void entries.push(type);
    const { result } = await start({ journal: { write } });
    expect(await result).toMatchObject({
      outcome: 'unknown',
      reason: expect.stringMatching(/QEMU closed the QMP connection/),
      guest: { where: 'unknown' },
    });
    expect(script.asked.at(-1)).toBe('migrate');
    expect(entries).toEqual(['begin', 'migrate', 'cancel', 'end']);
  });

  it('has the result "unknown" when QEMU is gone, and nothing is put back', async () => {
    const migration = await start();
    await pause(100);
    const before = script.asked.length;
    await qemu.end();
    const { outcome, guest, reason } = await migration.result;
    expect({ outcome, guest }).toEqual({
      outcome: 'unknown',
      guest: { where: 'unknown', status: 'unknown', running: false },
    });
    expect(reason).toMatch(
      /could not be controlled any more: QEMU closed the QMP connection.*Look at both sides/,
    );
    expect(script.asked.length).toBe(before);
  });
});
