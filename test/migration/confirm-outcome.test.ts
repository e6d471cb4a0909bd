// A guest that had to be stopped for its end goes on at the destination, unless somebody wants to hold it there.
import { expect, it } from 'vitest';
import { confirmOutcome } from '../../lib/migration/confirm-outcome.js';
import type { MigrationEnd } from '../../lib/migration/controller.js';
import type { Incoming } from '../../lib/migration/incoming.js';
import type { QmpClient } from '../../lib/qmp/client.js';

/** One side, which knows whether its guest runs. */
function side(status: string) {
  const state = { status, running: false };
  const execute = (command: string) => {
    if (command === 'cont') Object.assign(state, { status: 'running', running: true });
    return Promise.resolve(state);
  };
  return { execute } as unknown as QmpClient;
}

it.each([true, false])(
  'a guest that was stopped for the end is continued at the destination unless it is held: %s',
  async (holdAtDestination) => {
    const incoming = { qmp: side('paused'), untilEnd: () => Promise.resolve('completed') };
    const settled = await confirmOutcome(
      side('postmigrate'),
      { status: 'completed', stoppedByUs: true } as MigrationEnd,
      incoming as unknown as Incoming,
      { wasRunning: true, hold: holdAtDestination, destinationIsHeld: false },
    );
    expect(settled).toMatchObject({
      outcome: 'completed',
      guest: { where: 'destination', running: !holdAtDestination },
    });
  },
);

it.each([
  ['failed', 'completed'],
  ['cancelled', 'completed'],
  ['completed', 'failed'],
])(
  'a guest that its owner alone runs at the destination is not continued at the source behind their back: %s, %s',
  async (status, destination) => {
    const incoming = {
      qmp: side('paused'),
      untilEnd: () => Promise.resolve(destination),
    } as unknown as Incoming;
    const end = { status, stoppedByUs: true } as MigrationEnd;
    const expected = { wasRunning: true, hold: false };
    const source = side('postmigrate');
    const held = { ...expected, destinationIsHeld: true };
    expect((await confirmOutcome(source, end, incoming, held)).guest).toMatchObject({
      where: 'source',
      running: false,
    });
    const free = { ...expected, destinationIsHeld: false };
    expect((await confirmOutcome(source, end, incoming, free)).guest.running).toBe(true);
  },
);
