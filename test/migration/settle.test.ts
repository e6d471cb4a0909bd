// A guest that had to be stopped for its end goes on at the destination, unless somebody wants to hold it there.
import { expect, it } from 'vitest';
import type { Ending } from '../../lib/migration/controller.js';
import type { Facts } from '../../lib/migration/facts.js';
import type { Incoming } from '../../lib/migration/incoming.js';
import { settle } from '../../lib/migration/settle.js';
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

it.each([true, false])('held at the destination: %s', async (holdAtDestination) => {
  const incoming = { qmp: side('paused'), untilEnd: () => Promise.resolve('completed') };
  const settled = await settle(
    side('postmigrate'),
    { status: 'completed', stoppedByUs: true } as Ending,
    incoming as unknown as Incoming,
    { status: { running: true } } as Facts,
    { holdAtDestination },
  );
  expect(settled).toMatchObject({
    outcome: 'completed',
    guest: { where: 'destination', running: !holdAtDestination },
  });
});
