// A Linux guest under load: after a migration with the filter memory is equal, and the guest works on with the right data.
import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LinuxControl } from '../../../lib/lab/guest/linux-control.js';
import { compareMemory } from '../../../lib/qemu/machine/compare-memory.js';
import { filterCountsOf } from '../../harness/migrate-and-compare.js';
import { needQemu } from '../../harness/requirements.js';
import { loopbackGuests, memoryBytes } from '../../lab/machine/guests.js';

const timeout = 300_000;
const answerMs = 60_000;

describe('a Linux guest', () => {
  const list = ['ph128', 'sha1', 'xxh3-64'].flatMap((hash) =>
    ['flip', 'random', 'same'].map((pattern) => ({ hash, pattern })),
  );

  const { FAKEDIRTY_HOPS: hops = '40' } = process.env;
  const fromHostToHost = { timeout: 60_000 + Number(hops) * 30_000 };

  it.for(['off', 'on'])(
    `keeps its data right over ${hops} migrations in a row, with the filter %s`,
    fromHostToHost,
    async (filter, context) => {
      const { binary } = needQemu(context);
      const guests = await loopbackGuests(context, { binary, programs: ['ycsb'], processors: 1 });
      const globals = ['-global', `migration.x-fake-dirty-filter=${filter}`];
      let here = await guests.start({ arguments: globals });
      const control = new LinuxControl();
      await here.boot(control);
      const running = control.next('running', answerMs);
      control.send('start /bin/ycsb workload=f records=60000');
      await running;
      for (let hop = 1; hop <= Number(hops); hop += 1) {
        const there = await guests.move(here, globals);
        const memory = await compareMemory(here.machine.ramFile, there.machine.ramFile);
        expect(memory, `migration ${hop}`).toMatchObject({ differentPages: 0 });
        there.connect(control);
        const report = control.next('report', answerMs);
        await there.machine.qmp.execute('cont');
        await report;
        const counts = await here.machine.qmp.execute('query-migrate');
        if (filter === 'off') expect(counts).not.toHaveProperty('fake-dirty');
        else expect(filterCountsOf(counts).checked).toBeGreaterThan(memoryBytes / 4096 / 2);
        await here.machine.kill();
        rmSync(here.machine.ramFile, { force: true });
        here = there;
      }
      const check = control.next('check', answerMs);
      control.send('stop');
      expect(await check).toMatchObject({ what: 'records', wrong: 0 });
    },
  );

  it.for(list)(
    'has equal memory after a migration with $hash, writing by the pattern $pattern',
    { timeout },
    async (entry, context) => {
      const { binary } = needQemu(context);
      const globals = { filter: 'on', hash: entry.hash, 'unsafe-hash': 'on' };
      const programs = ['working-set'];
      const guests = await loopbackGuests(context, { binary, programs, processors: 2 });
      const source = await guests.start({
        arguments: Object.entries(globals).flatMap(([name, value]) => [
          '-global',
          `migration.x-fake-dirty-${name}=${value}`,
        ]),
      });
      const control = new LinuxControl();
      await source.boot(control);
      const running = control.next('running', answerMs);
      control.send(`start /bin/working-set bytes=32000000 pattern=${entry.pattern} words=4`);
      await running;
      const before = await control.next('report', answerMs);

      const arrived = await guests.move(source);
      const counts = await source.machine.qmp.execute('query-migrate');
      expect(filterCountsOf(counts).checked).toBeGreaterThan(memoryBytes / 4096 / 2);
      expect(await compareMemory(source.machine.ramFile, arrived.machine.ramFile)).toMatchObject({
        differentPages: 0,
      });

      arrived.connect(control);
      const report = control.next('report', answerMs);
      await arrived.machine.qmp.execute('cont');
      expect((await report).operations).toBeGreaterThan(before.operations);
      const check = control.next('check', answerMs);
      control.send('stop');
      expect(await check).toMatchObject({ what: 'words', wrong: 0 });
    },
  );
});
