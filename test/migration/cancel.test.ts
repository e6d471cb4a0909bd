// A migration is cancelled only where that can't leave two running guests.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startMigration } from '../../lib/migration/migrate.js';
import type { Migration } from '../../lib/migration/migration.js';
import { FakeQemu } from '../qmp/fake-qemu.js';
import { ScriptedQemu } from './scripted-qemu.js';

let sourceQemu: FakeQemu;
let destinationQemu: FakeQemu;
let source: ScriptedQemu;
let destination: ScriptedQemu;

beforeEach(async () => {
  [sourceQemu, destinationQemu] = [new FakeQemu(), new FakeQemu()];
  await Promise.all([sourceQemu.listen(), destinationQemu.listen()]);
  source = new ScriptedQemu(sourceQemu);
  destination = new ScriptedQemu(destinationQemu);
  destination.state = 'inmigrate';
  source.obey();
});
afterEach(() => Promise.all([sourceQemu.close(), destinationQemu.close()]));

const goOn = () => ({ choice: 'go-on', policy: 'test', reason: '', numbers: {} }) as const;

/** Sends everything, and has the destination run the guest, unless that was told not to. */
function arrive(): void {
  source.state = 'postmigrate';
  destination.state = destination.asked.includes('stop') ? 'paused' : 'running';
  destination.status = 'completed';
  destinationQemu.event('MIGRATION', { status: 'completed' });
}

async function start(withDestination: boolean, destinationIsHeld = false): Promise<Migration> {
  const qmp = await sourceQemu.connect();
  const to = withDestination
    ? { qmp: await destinationQemu.connect(), listen: 'exec:cat' }
    : 'exec:cat';
  return await startMigration(qmp, { to, destinationIsHeld });
}

/** The n-th answer to query-status of that side is given after `act`. */
function atStatus(script: ScriptedQemu, nth: number, act: () => void): void {
  const { on } = script;
  let count = 0;
  script.on = (request) => {
    if (request.execute === 'query-status') {
      count += 1;
      if (count === nth) act();
    }
    return on(request);
  };
}

describe('with the QMP of the destination', () => {
  it('the destination is kept from running the guest first', async () => {
    const migration = await start(true);
    const { outcome, guest } = await migration.cancel();
    expect({ outcome, where: guest.where }).toEqual({ outcome: 'cancelled', where: 'source' });
    expect(destination.asked).toContain('stop');
    expect(destination.asked).not.toContain('cont');
  });

  it('nothing is cancelled once the destination has the guest', async () => {
    const migration = await start(true);
    arrive();
    setTimeout(() => source.become('completed'), 100);
    const { outcome, reason, guest } = await migration.cancel();
    expect({ outcome, guest }).toMatchObject({
      outcome: 'completed',
      guest: { where: 'destination', running: true },
    });
    expect(reason).toMatch(/too late to cancel/);
    expect(source.asked).not.toContain('migrate_cancel');
    expect(destination.asked).not.toContain('stop');
  });

  it('a guest that arrives in between is continued at the destination', async () => {
    const migration = await start(true);
    destination.on = ({ execute }) => {
      if (execute === 'stop') {
        arrive();
        destination.state = 'paused';
        setTimeout(() => source.become('completed'), 100);
      }
      if (execute === 'cont') destination.state = 'running';
      return undefined;
    };
    const { outcome, guest } = await migration.cancel();
    expect({ outcome, guest }).toMatchObject({
      outcome: 'completed',
      guest: { where: 'destination', running: true },
    });
    expect(source.asked).not.toContain('migrate_cancel');
  });

  it('a guest that arrives although it was cancelled is continued at the destination', async () => {
    const migration = await start(true);
    source.on = ({ execute }) => {
      if (execute === 'migrate_cancel') {
        setImmediate(() => {
          arrive();
          source.become('completed');
        });
      }
      return undefined;
    };
    destination.on = ({ execute }) => {
      if (execute === 'cont') destination.state = 'running';
      return undefined;
    };
    const { outcome, guest } = await migration.cancel();
    expect({ outcome, guest }).toMatchObject({
      outcome: 'completed',
      guest: { where: 'destination', running: true },
    });
  });

  it('a copy that arrives while the source goes on stands still, and is told of', async () => {
    const migration = await start(true);
    source.on = ({ execute }) => {
      if (execute === 'migrate_cancel') {
        setImmediate(() => {
          arrive();
          source.state = 'running';
          source.become('cancelled');
        });
      }
      return undefined;
    };
    const { outcome, reason, guest } = await migration.cancel();
    expect({ outcome, guest }).toMatchObject({
      outcome: 'cancelled',
      guest: { where: 'source', running: true },
    });
    expect(reason).toMatch(/destination has a copy of the guest, .* must not be continued/);
    expect(destination.asked).not.toContain('cont');
  });
});

describe('with a destination that its owner alone runs', () => {
  it('it is cancelled at once, and the destination is told nothing', async () => {
    const migration = await start(true, true);
    const { outcome, guest } = await migration.cancel();
    expect({ outcome, where: guest.where }).toEqual({ outcome: 'cancelled', where: 'source' });
    expect(destination.asked).not.toContain('stop');
    expect(source.asked).not.toContain('migrate-set-parameters');
  });

  it('a guest that arrives although it was cancelled is left to its owner', async () => {
    const migration = await start(true, true);
    source.on = ({ execute }) => {
      if (execute === 'migrate_cancel') {
        setImmediate(() => {
          arrive();
          destination.state = 'paused';
          source.become('completed');
        });
      }
      return undefined;
    };
    const { outcome, guest } = await migration.cancel();
    expect({ outcome, guest }).toEqual({
      outcome: 'completed',
      guest: { where: 'destination', status: 'paused', running: false },
    });
    expect(destination.asked).not.toContain('cont');
  });
});

it('nothing is cancelled once QEMU was told to switch to post-copy, though it has not said so yet', async () => {
  source.on = ({ execute }) => {
    if (execute === 'migrate') setImmediate(() => source.become('active'));
    if (execute === 'migrate_cancel') setImmediate(() => source.become('cancelled'));
    // The event comes later.
    if (execute === 'migrate-start-postcopy') {
      setTimeout(() => source.become('postcopy-active'), 300);
      setTimeout(() => source.complete(), 600);
    }
    return undefined;
  };
  const to = { qmp: await destinationQemu.connect(), listen: 'exec:cat' };
  const options = { to, destinationIsHeld: true, method: 'hybrid', policy: goOn } as const;
  const migration = await startMigration(await sourceQemu.connect(), options);
  await migration.switchToPostcopy();
  destination.status = 'completed';
  const { reason } = await migration.cancel();
  expect(reason).toMatch(/too late to cancel/);
  expect(source.asked).not.toContain('migrate_cancel');
});

describe('without the QMP of the destination', () => {
  it('the switchover is put off first, for good if nothing comes between', async () => {
    const migration = await start(false);
    const { outcome } = await migration.cancel();
    expect(outcome).toBe('cancelled');
    const limits = sourceQemu.requests
      .filter(({ execute }) => execute === 'migrate-set-parameters')
      .map(({ arguments: given }) => given);
    expect(limits).toEqual([{ 'downtime-limit': 0 }, { 'downtime-limit': 300 }]);
  });

  it.each([1, 2, 4])('nothing is cancelled if the guest stands still at look %i', async (nth) => {
    const migration = await start(false);
    atStatus(source, nth, () => {
      arrive();
      setTimeout(() => source.become('completed'), 100);
    });
    const { outcome, reason } = await migration.cancel();
    expect(outcome).toBe('completed');
    expect(reason).toMatch(/too late to cancel/);
    expect(source.asked).not.toContain('migrate_cancel');
  });

  it.each([
    ['paused', 'active', 'somebody has stopped'],
    ['finish-migrate', 'pre-switchover', 'waits for migrate-continue'],
  ])(
    'a guest that %s, %s (%s) is run by nobody: it is cancelled at once',
    async (state, status) => {
      const migration = await start(false);
      source.become(status);
      source.state = state;
      const { outcome } = await migration.cancel();
      expect(outcome).toBe('cancelled');
      expect(source.asked).not.toContain('migrate-set-parameters');
    },
  );

  it('a guest that was handed over all the same is stopped at the source', async () => {
    const migration = await start(false);
    source.on = ({ execute }) => {
      if (execute === 'migrate_cancel') {
        sourceQemu.event('STOP');
        sourceQemu.event('RESUME');
        setImmediate(() => source.become('cancelled'));
      }
      return undefined;
    };
    const { outcome, guest, reason } = await migration.cancel();
    expect({ outcome, guest }).toEqual({
      outcome: 'unknown',
      guest: { where: 'unknown', status: 'paused', running: false },
    });
    expect(reason).toMatch(/destination may run the guest/);
    expect(source.asked.slice(source.asked.indexOf('migrate_cancel'))).toContain('stop');
  });
});
