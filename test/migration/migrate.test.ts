// What the controller does with a QEMU that behaves as real ones rarely do.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MigrationRefusedError } from '../../lib/migration/errors.js';
import { migrate } from '../../lib/migration/migrate.js';
import type { MigrateOptions } from '../../lib/migration/options.js';
import { FakeQemu, type Request } from '../qmp/fake-qemu.js';

let qemu: FakeQemu;

beforeEach(async () => {
  qemu = new FakeQemu();
  await qemu.listen();
});
afterEach(() => qemu.close());

/** A migration that goes on until the script ends it. */
class Script {
  status: string | undefined;
  state = 'running';
  syncs = 1;
  readonly asked: string[] = [];
  /** How often it is asked after its end before it says how long it took. */
  lateLooks = 0;
  /** What happens besides when a command comes; true: it has been answered. */
  on: (request: Request) => boolean | undefined = () => undefined;

  constructor() {
    qemu.onRequest = (request) => {
      const { execute = '', id } = request;
      if (!execute.startsWith('query-')) this.asked.push(execute);
      if (!this.on(request)) qemu.say({ return: this.#answer(execute), id });
    };
  }

  become(status: string): void {
    this.status = status;
    qemu.event('MIGRATION', { status });
  }

  /** Runs, and has ended a pass, once `migrate` has been answered. */
  beginSoon(): void {
    setImmediate(() => this.become('active'));
    setImmediate(() => this.pass());
  }

  pass(): void {
    this.syncs += 1;
    qemu.event('MIGRATION_PASS', { pass: this.syncs });
  }

  #answer(command: string): unknown {
    switch (command) {
      case 'query-status':
        return { running: this.state === 'running', status: this.state };
      case 'query-migrate':
        return this.#migration();
      case 'query-migrate-capabilities':
        return ['events', 'postcopy-ram'].map((capability) => ({ capability, state: false }));
      case 'query-migrate-parameters':
        return { 'downtime-limit': 300 };
      case 'query-qmp-schema':
        return [];
      case 'query-memory-size-summary':
        return { 'base-memory': 1 << 20 };
      case 'query-cpus-fast':
        return [];
      default:
        return {};
    }
  }

  #migration() {
    if (this.status === undefined) return {};
    if (['failed', 'cancelled'].includes(this.status)) return { status: this.status };
    const counters = { duplicate: 0, normal: 0, 'normal-bytes': 0, 'dirty-pages-rate': 0, mbps: 0 };
    const rest = { 'postcopy-requests': 0, 'multifd-bytes': 0, 'pages-per-second': 0 };
    const ram = { transferred: 4096 * this.syncs, remaining: 40_960, total: 1 << 20 };
    const sizes = { 'dirty-sync-count': this.syncs, 'page-size': 4096 };
    const isFinal = this.status === 'completed' && this.lateLooks-- <= 0;
    const times = { 'total-time': isFinal ? 1234 : 0, ...(isFinal ? { downtime: 56 } : {}) };
    return { status: this.status, ...times, ram: { ...ram, ...counters, ...rest, ...sizes } };
  }
}

async function run(options: Partial<MigrateOptions> = {}, timeoutMs?: number) {
  return await migrate(await qemu.connect({ timeoutMs }), { to: 'exec:cat', ...options });
}

const stopNow = () =>
  ({ choice: 'stop-now', policy: 'test', reason: 'Enough.', numbers: {} }) as const;

describe('a migration', () => {
  it('that no downtime is long enough for: the guest is stopped, and said to be so', async () => {
    const script = new Script();
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
    'in which QEMU answers nobody for long, its guest stopped for the end: %s',
    async (isStopped) => {
      const script = new Script();
      let isSilent = false;
      script.on = ({ execute }) => {
        if (execute === 'migrate') {
          script.beginSoon();
          setTimeout(() => {
            isSilent = true;
            if (isStopped) qemu.event('STOP');
            script.pass();
          }, 300);
          // Longer than anybody waits for an answer otherwise.
          setTimeout(() => {
            isSilent = false;
            script.state = 'postmigrate';
            script.become('completed');
          }, 1500);
        }
        return isSilent;
      };
      const ended = run({}, 400);
      if (isStopped) expect(await ended).toMatchObject({ outcome: 'completed', totalMs: 1234 });
      else await expect(ended).rejects.toThrow(/did not answer "query-migrate" within 400 ms/);
    },
  );

  it('that fails after the guest was stopped by us: the guest goes on', async () => {
    const script = new Script();
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

  it('that QEMU calls failed because it was cancelled: it was cancelled', async () => {
    const script = new Script();
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

  it('is cancelled at once, however often passes end, and asked no more than it takes', async () => {
    const script = new Script();
    const controller = new AbortController();
    let before = 0;
    script.on = ({ execute }) => {
      if (execute === 'migrate') {
        script.beginSoon();
        const passing = setInterval(() => script.pass(), 20);
        setTimeout(() => {
          clearInterval(passing);
          before = qemu.requests.length;
          controller.abort(new Error('enough'));
        }, 1000);
      }
      if (execute === 'migrate_cancel') script.become('cancelled');
      return undefined;
    };
    const { passes } = await run({ signal: controller.signal });
    expect(qemu.requests[before]).toMatchObject({ execute: 'migrate_cancel' });
    // Ten a second; on a busy machine fewer.
    expect(passes.length).toBeLessThan(12);
    expect(passes.at(-1)?.number).toBeGreaterThan(12);
  });

  it('that ends while the policy makes up its mind is no failure', async () => {
    const script = new Script();
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

  it('has the times that QEMU tells a moment after its end', async () => {
    const script = new Script();
    script.lateLooks = 2;
    script.on = ({ execute }) => {
      if (execute !== 'migrate') return undefined;
      script.state = 'postmigrate';
      setImmediate(() => script.become('completed'));
      return undefined;
    };
    expect(await run()).toMatchObject({ outcome: 'completed', totalMs: 1234, downtimeMs: 56 });
  });

  it('whose link breaks in post-copy: both sides hold a part, and nothing is started', async () => {
    const script = new Script();
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
  });

  it('in post-copy is not cancelled any more', async () => {
    const script = new Script();
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

  it('that QEMU refuses leaves nothing set', async () => {
    const script = new Script();
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

  it('does not begin when its signal was aborted before', async () => {
    const signal = AbortSignal.abort(new Error('never mind'));
    await expect(run({ signal })).rejects.toThrow('never mind');
    expect(qemu.requests.map(({ execute }) => execute)).toEqual(['qmp_capabilities']);
  });
});
