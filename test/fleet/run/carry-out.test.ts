// How an attempt ends that came to nothing: whether it is made again, and what is said of it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { MoveDriver, MoveInHand } from '../../../lib/fleet/drivers/driver.js';
import { SiteFolder, type TakenFolder } from '../../../lib/fleet/journal/site-folder.js';
import type { Observation } from '../../../lib/fleet/move/next-action.js';
import { carryOut } from '../../../lib/fleet/run/carry-out.js';

let path: string;
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
});
afterEach(() => rmSync(path, { recursive: true }));

/** Sees that, whenever it looks, and does nothing. */
function driverThatSees(seen: Observation): MoveDriver {
  const hand: MoveInHand = {
    observe: () => Promise.resolve(seen),
    act: () => Promise.resolve(),
    untilNews: () => Promise.resolve(),
    ...{ progress: undefined, figures: undefined, failure: undefined, decision: undefined },
    ...{ due: undefined, isSilentAtTheEnd: true },
    cleanUp: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return { open: () => Promise.resolve(hand) } as unknown as MoveDriver;
}

const never = { low: 0, expected: 0, high: Number.POSITIVE_INFINITY };
const predicted = { timeMs: never, bytes: never, downtimeMs: never };
const move = {
  ...{ vm: 'web', from: 'h1', to: 'h2', reasons: [], predicted },
  method: { name: 'pre-copy', policy: [] },
} as const;

function beginIn(taken: TakenFolder): void {
  taken.append({
    type: 'attempt',
    attempt: 'web-1',
    move,
    source: { driver: 'qmp', host: 'h1', qmp: '/first' },
    destination: { driver: 'qmp', host: 'h2', qmp: '/second', folder: '/folder' },
    listen: 'tcp:10.0.0.2:49152',
  });
}

async function endIn(taken: TakenFolder, seen: Observation) {
  const unused = () => {};
  const told = { obey: unused, onProgress: unused, onTrouble: unused };
  const driver = driverThatSees(seen);
  await carryOut({ taken, driver, stallMs: Number.POSITIVE_INFINITY, ...told });
  return taken.entries.at(-1);
}

it('an attempt that leaves a VM to somebody else counts: it is not made again and again', async () => {
  await using taken = await new SiteFolder(path).take('site.yaml', 'drain h1');
  beginIn(taken);
  const end = await endIn(taken, { source: 'somebody-elses', destination: 'not-started' });
  expect(end).toMatchObject({
    type: 'ended',
    outcome: 'stayed',
    reason: expect.stringMatching(/Somebody else/),
  });
  expect(end).not.toHaveProperty('isInterrupted');
});

it('an attempt whose process was killed before it began is made again', async () => {
  const folder = new SiteFolder(path);
  {
    await using taken = await folder.take('site.yaml', 'drain h1');
    beginIn(taken);
    taken.append({ type: 'act', attempt: 'web-1', action: 'migrate' });
  }
  await using taken = await folder.take('site.yaml', 'drain h1');
  const end = await endIn(taken, { source: 'not-started', destination: 'not-started' });
  expect(end).toMatchObject({ type: 'ended', outcome: 'stayed', isInterrupted: true });
});
