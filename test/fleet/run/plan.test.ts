// What a drain would do, from a site and from what is remembered of it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { MoveDriver } from '../../../lib/fleet/drivers/driver.js';
import { PreflightError } from '../../../lib/fleet/errors.js';
import { SiteFolder } from '../../../lib/fleet/journal/site-folder.js';
import { emptyState } from '../../../lib/fleet/journal/state.js';
import { type DrainOptions, plan } from '../../../lib/fleet/run/before-drain.js';
import { drain } from '../../../lib/fleet/run/drain.js';
import { parseSite } from '../../../lib/site/read-site.js';

const host = (address: string) => ({
  ...{ driver: 'qmp', memory: '8GiB', cards: { nic: '1Gbit' }, address },
  ...{ qemu: '/usr/bin/qemu', folder: '/run/vms' },
});
const site = parseSite(
  JSON.stringify({
    format: 1,
    hosts: { h1: host('10.0.0.1'), h2: host('10.0.0.2') },
    vms: {
      web: { host: 'h1', memory: '1GiB', qmp: '/web' },
      db: { host: 'h1', memory: '1GiB', qmp: '/db' },
    },
  }),
  'site.yaml',
);
const options: DrainOptions = {
  ...{ site, host: 'h1', leave: [], measurements: new Map(), stopAfterFailures: 1, stallMs: 1000 },
  method: { name: 'pre-copy', policy: [] },
};

it('a VM that was lost is not passed over without a word: it may have been started again', () => {
  const { moves, left } = plan(options, { ...emptyState, lost: new Set(['web']) });
  expect(moves.map(({ vm }) => vm)).toEqual(['db']);
  expect(left).toEqual([{ vm: 'web', isWanted: true, reason: expect.stringMatching(/was lost/) }]);
  expect(plan(options, emptyState).left).toEqual([]);
});

it('a drain that was killed before it had a plan can be cancelled, though it can have none', async () => {
  const path = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
  try {
    const folder = new SiteFolder(path);
    await using taken = await folder.take('site.yaml', 'drain h1');
    const limits = { stopAfterFailures: 1, windows: [] };
    taken.append({ type: 'drain', host: 'h1', options: limits });
    const driver = {
      guestsOn: () => Promise.resolve([]),
      preflight: () => Promise.resolve(['it has ended']),
    } as unknown as MoveDriver;
    const unused = () => {};
    const signal = new AbortController().signal;
    const context = { taken, driver, signal, onProgress: unused, onTrouble: unused };
    await expect(drain(options, context)).rejects.toThrow(PreflightError);
    folder.wish({ wants: 'cancel', user: 'me' });
    expect(await drain(options, context)).toBe('cancelled');
    expect(taken.state.drain).toBeUndefined();
  } finally {
    rmSync(path, { recursive: true });
  }
});
