// What a drain would do, from a site and from what is remembered of it.
import { expect, it } from 'vitest';
import { emptyState } from '../../../lib/fleet/journal/state.js';
import { type DrainOptions, plan } from '../../../lib/fleet/run/drain.js';
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
