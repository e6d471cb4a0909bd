// What migrate() does with a QEMU that behaves as real ones rarely do.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MigrationRefusedError } from '../../lib/migration/errors.js';
import type { JournalEntry } from '../../lib/migration/journal.js';
import { migrate } from '../../lib/migration/migrate.js';
import type { MigrateOptions } from '../../lib/migration/options.js';
import { FakeQemu } from '../qmp/fake-qemu.js';
import { ScriptedQemu } from './scripted-qemu.js';

let qemu: FakeQemu;

beforeEach(async () => {
  qemu = new FakeQemu();
  await qemu.listen();
});
afterEach(() => qemu.close());

async function run(options: Partial<MigrateOptions> = {}, timeoutMs?: number) {
  return await migrate(await qemu.connect({ timeoutMs }), { to: 'exec:cat', ...options });
}

const stopNow = () =>
  ({ choice: 'stop-now', policy: 'test', reason: 'Enough.', numbers: {} }) as const;

describe('migrate', () => {
  it('stops a guest for which no downtime limit is long enough, and says so', async () => {
    const script = new ScriptedQemu(qemu);
    script.on = ({ execute }) => {
      if (execute === 'migrate') script.beginSoon();
      if (execute === 'stop') {
        script.state = 'postmigrate';
        qemu.event('STOP');
        setImmediate(() => script.become('completed'));
      }
      return undefined;
    };
    const result = await run({ policy: stopNow });
    expect(result).toMatchObject({
      outcome: 'completed',
      reason: expect.stringMatching(/^Enough\. .*"cont" continues it at the destination/),
      guest: { where: 'destination', running: false },
    });
    const acts = script.asked.slice(script.asked.indexOf('migrate'));
    expect(acts.slice(0, 3)).toEqual(['migrate', 'migrate-set-parameters', 'stop']);
  }, 20_000);

  it.for([true, false])(
    'waits for a QEMU that answers nobody for a while (its guest is stopped for the end: %s)',
    async (isStopped) => {
      const script = new ScriptedQemu(qemu);
      let isSilent = false;
      script.on = ({ execute }) => {
        if (execute === 'migrate') {
          script.beginSoon();
          setTimeout(() => {
            isSilent = true;
            if (isStopped) qemu.event('STOP');
            script.pass();
          }, 300);
          // Longer than the client otherwise waits for an answer.
          setTimeout(() => {
            isSilent = false;
            script.state = 'postmigrate';
            script.become('completed');
          }, 1500);
        }
        return isSilent;
      };
      expect(await run({}, 400)).toMatchObject({ outcome: 'completed', totalMs: 1234 });
    },
  );

  it('continues a guest that it stopped when the migration then fails', async () => {
    const script = new ScriptedQemu(qemu);
    script.on = ({ execute }) => {
      if (execute === 'migrate') script.beginSoon();
      if (execute === 'stop') {
        script.state = 'paused';
        qemu.event('STOP');
        setImmediate(() => script.become('failed'));
      }
      if (execute === 'cont') script.state = 'running';
      return undefined;
    };
    expect(await run({ policy: stopNow })).toMatchObject({
      outcome: 'failed',
      guest: { where: 'source', running: true },
    });
    expect(script.asked).toContain('cont');
  }, 20_000);

  it('reports a migration as cancelled although QEMU calls it failed', async () => {
    const script = new ScriptedQemu(qemu);
    const controller = new AbortController();
    script.on = ({ execute }) => {
      if (execute === 'migrate') script.beginSoon();
      if (execute === 'migrate_cancel') setImmediate(() => script.become('failed'));
      return undefined;
    };
    const onPass = () => controller.abort(new Error('enough'));
    expect(await run({ signal: controller.signal, onPass })).toMatchObject({
      outcome: 'cancelled',
      reason: 'The caller cancelled it: enough',
      guest: { where: 'source', running: true },
    });
  });

  it('cancels at once however often passes end, and queries QEMU no more than needed', async () => {
    const script = new ScriptedQemu(qemu);
    const controller = new AbortController();
    let before = 0;
    script.on = ({ execute }) => {
      if (execute === 'migrate') {
        script.beginSoon();
        const passing = setInterval(() => {
          script.pass();
          if (script.syncs < 50) return;
          clearInterval(passing);
          before = qemu.requests.length;
          controller.abort(new Error('enough'));
        }, 20);
      }
      if (execute === 'migrate_cancel') script.become('cancelled');
      return undefined;
    };
    const sinceMs = performance.now();
    const { passes } = await run({ signal: controller.signal });
    // One question may have been on its way; then only whether it is safe to cancel is asked.
    const after = qemu.requests.slice(before).map(({ execute }) => execute);
    const [first, ...next] = after.slice(0, after.indexOf('migrate_cancel'));
    expect(['query-migrate', 'query-status']).toContain(first);
    expect(new Set(next)).toEqual(new Set(['query-status', 'migrate-set-parameters']));
    // Ten a second; on a busy machine fewer.
    expect(passes.length).toBeLessThan(2 + (performance.now() - sinceMs) / 100);
    expect(passes.at(-1)?.number).toBeGreaterThan(12);
  });

  it('does not report a failure when the migration ends while the policy decides', async () => {
    const script = new ScriptedQemu(qemu);
    script.on = ({ execute, id }) => {
      if (execute === 'migrate') script.beginSoon();
      if (execute !== 'migrate-start-postcopy') return undefined;
      script.state = 'postmigrate';
      script.become('completed');
      qemu.say({ error: { class: 'GenericError', desc: 'too late' }, id });
      return true;
    };
    expect(await run({ method: 'hybrid' })).toMatchObject({ outcome: 'completed' });
  });

  it('reports times that QEMU tells only a moment after the end', async () => {
    const script = new ScriptedQemu(qemu);
    script.queriesWithoutTimes = 2;
    script.on = ({ execute }) => {
      if (execute !== 'migrate') return undefined;
      script.state = 'postmigrate';
      setImmediate(() => script.become('completed'));
      return undefined;
    };
    expect(await run()).toMatchObject({ outcome: 'completed', totalMs: 1234, downtimeMs: 56 });
  });

  it('starts no guest when the link breaks in post-copy and each side holds a part', async () => {
    const script = new ScriptedQemu(qemu);
    script.on = ({ execute }) => {
      if (execute === 'migrate') setImmediate(() => script.become('active'));
      if (execute === 'migrate-start-postcopy') {
        script.become('postcopy-active');
        setImmediate(() => script.become('postcopy-paused'));
      }
      return undefined;
    };
    const result = await run({ method: 'post-copy' });
    expect(result).toMatchObject({ outcome: 'interrupted', guest: { where: 'both' } });
    expect(result.reason).toMatch(/migrate-recover/);
    expect(script.asked).not.toContain('cont');
    // Each half still needs the settings: nothing is put back.
    expect(script.asked.at(-1)).toBe('migrate-start-postcopy');
  });

  it('does not cancel once post-copy has begun', async () => {
    const script = new ScriptedQemu(qemu);
    const controller = new AbortController();
    script.on = ({ execute }) => {
      if (execute === 'migrate') setImmediate(() => script.become('active'));
      if (execute === 'migrate-start-postcopy') {
        script.become('postcopy-active');
        setTimeout(() => controller.abort(new Error('late')), 20);
        setTimeout(() => {
          script.state = 'postmigrate';
          script.become('completed');
        }, 500);
      }
      return undefined;
    };
    const result = await run({ method: 'post-copy', signal: controller.signal });
    expect(result).toMatchObject({
      outcome: 'completed',
      reason: expect.stringMatching(/too late to cancel/),
    });
    expect(script.asked).not.toContain('migrate_cancel');
  });

  it('puts settings back when QEMU refuses to migrate', async () => {
    const script = new ScriptedQemu(qemu);
    script.on = ({ execute, id }) => {
      if (execute !== 'migrate') return undefined;
      qemu.say({ error: { class: 'GenericError', desc: 'no such protocol' }, id });
      return true;
    };
    const error = await run().catch((caught) => caught);
    expect(error).toBeInstanceOf(MigrationRefusedError);
    expect(error.problems).toEqual([expect.stringMatching(/no such protocol/)]);
    const sets = qemu.requests.filter(({ execute }) => execute === 'migrate-set-capabilities');
    expect(sets.map(({ arguments: given }) => given)).toEqual([
      { capabilities: [{ capability: 'events', state: true }] },
      { capabilities: [{ capability: 'events', state: false }] },
    ]);
  });

  it('its journal says that it was cancelled when the signal is aborted before QEMU is told', async () => {
    const script = new ScriptedQemu(qemu);
    const controller = new AbortController();
    script.on = ({ execute }) => {
      if (execute === 'migrate-set-capabilities') controller.abort(new Error('never mind'));
      return undefined;
    };
    const entries: JournalEntry[] = [];
    const journal = { write: (entry: JournalEntry) => void entries.push(entry) };
    const begun = run({ signal: controller.signal, journal });
    await expect(begun).rejects.toThrow('never mind');
    expect(script.asked).not.toContain('migrate');
    expect(entries.at(-1)).toMatchObject({ type: 'end', outcome: 'cancelled' });
  });

  it('does not begin when the signal was aborted before', async () => {
    const signal = AbortSignal.abort(new Error('never mind'));
    await expect(run({ signal })).rejects.toThrow('never mind');
    expect(qemu.requests.map(({ execute }) => execute)).toEqual(['qmp_capabilities']);
  });
});
