// Which VMs leave a host, to where, in which order.
import { describe, expect, it } from 'vitest';
import { type DrainPlan, planDrain } from '../../lib/fleet/plan-drain.js';
import { methodSchema } from '../../lib/site/move.js';
import { parseSite } from '../../lib/site/read-site.js';

const gibibyte = 2 ** 30;
const method = methodSchema.parse({ name: 'pre-copy' });
const nothing = { low: 0, expected: 0, high: 0 };
const predict = () => ({ timeMs: nothing, bytes: nothing, downtimeMs: nothing });

interface Told {
  /** GiB of each host, and of each VM on h1. */
  readonly hosts: Readonly<Record<string, number>>;
  readonly vms: Readonly<Record<string, number>>;
  readonly rules?: readonly object[];
  readonly cordoned?: readonly string[];
  readonly leave?: readonly string[];
  readonly elsewhere?: Readonly<Record<string, string>>;
}

function planned(told: Told): DrainPlan {
  const { hosts, vms, rules = [], cordoned = [], leave = [], elsewhere = {} } = told;
  const host = (memory: number) => ({
    ...{ driver: 'qmp', memory: memory * gibibyte, cards: { nic: '1Gbit' }, address: 'x' },
    ...{ qemu: '/q', folder: '/f' },
  });
  const described = {
    format: 1,
    hosts: Object.fromEntries(Object.entries(hosts).map(([name, memory]) => [name, host(memory)])),
    vms: Object.fromEntries(
      Object.entries(vms).map(([name, memory]) => [
        name,
        { host: 'h1', memory: memory * gibibyte, qmp: '/q' },
      ]),
    ),
    rules,
  };
  const site = parseSite(JSON.stringify(described), 'site.json');
  const hostOf = new Map(Object.keys(vms).map((vm) => [vm, elsewhere[vm] ?? 'h1']));
  const now = { hostOf, cordoned: new Set(['h1', ...cordoned]) };
  return planDrain(site, 'h1', now, {
    chooseMethod: () => ({ method, reasons: [] }),
    leave,
    predict,
  });
}

const movesOf = ({ moves }: DrainPlan) => moves.map(({ vm, to }) => `${vm} ${to}`);

describe('a drain', () => {
  it('moves small VMs first, each to where most memory is left by then', () => {
    const plan = planned({ hosts: { h1: 9, h2: 8, h3: 7 }, vms: { a: 3, b: 1, c: 2 } });
    expect(movesOf(plan)).toEqual(['b h2', 'c h2', 'a h3']);
    expect(plan.left).toEqual([]);
  });

  it('does not depend on the order in which VMs are written down', () => {
    const one = planned({ hosts: { h1: 9, h2: 8, h3: 8 }, vms: { a: 1, b: 1, c: 2 } });
    const other = planned({ hosts: { h1: 9, h2: 8, h3: 8 }, vms: { c: 2, b: 1, a: 1 } });
    expect(movesOf(one)).toEqual(movesOf(other));
  });

  it('counts what is on a host already, and what came there before in the same plan', () => {
    const plan = planned({
      ...{ hosts: { h1: 9, h2: 4 }, vms: { a: 1, b: 2, there: 2 } },
      elsewhere: { there: 'h2' },
    });
    expect(movesOf(plan)).toEqual(['a h2']);
    expect(plan.left).toEqual([
      {
        vm: 'b',
        reason: 'No host takes it: h2 has 1.07 GB left, and 2.15 GB are needed.',
        isWanted: false,
      },
    ]);
  });

  it('sends nothing to a host that takes nothing', () => {
    const plan = planned({ hosts: { h1: 9, h2: 9, h3: 2 }, vms: { a: 1 }, cordoned: ['h2'] });
    expect(movesOf(plan)).toEqual(['a h3']);
  });

  it('keeps apart what a rule keeps apart', () => {
    const rules = [{ apart: ['a', 'b'] }];
    const plan = planned({ hosts: { h1: 9, h2: 9, h3: 3 }, vms: { a: 1, b: 1 }, rules });
    expect(movesOf(plan)).toEqual(['a h2', 'b h3']);
    const narrow = planned({ hosts: { h1: 9, h2: 9 }, vms: { a: 1, b: 1 }, rules });
    expect(movesOf(narrow)).toEqual(['a h2']);
    expect(narrow.left[0]?.reason).toMatch(/h2 may not have b: a rule has it apart from a/);
  });

  it('sends together to one host what a rule keeps together, or none of it', () => {
    const rules = [{ together: ['a', 'b'] }];
    const wide = planned({ hosts: { h1: 9, h2: 3, h3: 4 }, vms: { a: 2, b: 2 }, rules });
    expect(movesOf(wide)).toEqual(['a h3', 'b h3']);
    const narrow = planned({ hosts: { h1: 9, h2: 3, h3: 3 }, vms: { a: 2, b: 2 }, rules });
    expect(movesOf(narrow)).toEqual([]);
    expect(narrow.left).toHaveLength(2);
  });

  it('leaves what a rule has stay, and what is to be left', () => {
    const rules = [{ stay: ['a'] }, { only: ['b'], on: ['h1'] }];
    const plan = planned({
      ...{ hosts: { h1: 9, h2: 9 }, vms: { a: 1, b: 1, c: 1 }, rules },
      leave: ['c'],
    });
    expect(plan.moves).toEqual([]);
    expect(plan.left.map(({ vm, isWanted }) => `${vm} ${isWanted}`)).toEqual([
      ...['c true', 'a false', 'b false'],
    ]);
  });
});
