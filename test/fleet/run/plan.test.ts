// What a drain would do, from a site and from what is remembered of it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { MoveDriver, Target } from '../../../lib/fleet/drivers/driver.js';
import { PreflightError } from '../../../lib/fleet/errors.js';
import { SiteFolder } from '../../../lib/fleet/journal/site-folder.js';
import { emptyState } from '../../../lib/fleet/journal/state.js';
import { completePlan, type DrainOptions, plan } from '../../../lib/fleet/run/before-drain.js';
import { drain } from '../../../lib/fleet/run/drain.js';
import type { VmMeasurement } from '../../../lib/site/measurement.js';
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

const pages = (number: number) => ({ pages: number, errorPages: 0 });

/** One that writes all of its memory, again and again. */
function busy(vm: string): VmMeasurement {
  return {
    ...{ format: 1, kind: 'vm', vm, atMs: 0, memoryBytes: 2 ** 30, zeroBytes: 0 },
    dirtying: {
      seconds: 1,
      marked: pages(200_000),
      markedInDoubleTime: pages(260_000),
      changed: pages(200_000),
    },
  };
}

describe('where the method of each move is chosen', () => {
  const choosing: DrainOptions = {
    ...options,
    method: { name: 'pre-copy', hash: 'ph128', policy: [], downtimeLimitMs: 100 },
    choose: { by: 'cheapest', goal: 'time' },
    measurements: new Map([['web', busy('web')]]),
  };
  const driver = (problem?: string) =>
    ({
      guestsOn: () => Promise.resolve([]),
      preflight: ({ method }: Target) =>
        Promise.resolve(method.name === 'pre-copy' || !problem ? [] : [problem]),
    }) as unknown as MoveDriver;

  it('it is, with its reason, for those that were measured', async () => {
    const { moves } = await completePlan(choosing, emptyState, driver());
    const of = (vm: string) => moves.find((move) => move.vm === vm);
    expect(of('web')?.method).toMatchObject({ name: 'post-copy', downtimeLimitMs: 100 });
    expect(of('web')?.reasons.join(' ')).toMatch(/predicted to cost least/);
    expect(of('db')?.method).toMatchObject({ name: 'pre-copy', hash: 'ph128' });
    expect(of('db')?.reasons.join(' ')).toMatch(/not known/);
  });

  it('no VM goes on in post-copy that could not, and why is told', async () => {
    const { moves } = await completePlan(choosing, emptyState, driver('userfaultfd is forbidden'));
    const web = moves.find(({ vm }) => vm === 'web');
    expect(web?.method.name).toBe('pre-copy');
    expect(web?.reasons.join(' ')).toMatch(/Post-copy is left out: userfaultfd is forbidden/);
  });
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
