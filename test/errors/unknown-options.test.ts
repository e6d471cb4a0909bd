// An option that there is not is refused by everything that takes options: ignored, it would look as if it had an effect. The
// API reference, which is made from the source, says what takes options, so that nothing is forgotten here.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakedirtyError } from '../../lib/errors/error.js';
import {
  completePlan,
  drain,
  measureVms,
  plan,
  preflight,
  remarks,
} from '../../lib/fleet/index.js';
import {
  FingerprintTable,
  fingerprintPages,
  fingerprintPagesAsync,
  Hasher,
  MemoryFile,
} from '../../lib/index.js';
import { builtIn, runExperiment } from '../../lib/lab/index.js';
import {
  migrate,
  startMigration,
  startWatching,
  takeOver,
  watchMigration,
} from '../../lib/migration/index.js';
import { measureDirtying, measureVm, observeVm } from '../../lib/monitor/index.js';
import {
  adaptiveStop,
  autoConvergeFirst,
  chain,
  fakeAware,
  forecast,
  giveUp,
  intelligentHybrid,
  stall,
} from '../../lib/policy/index.js';
import { QmpClient } from '../../lib/qmp/index.js';
import { chooseMethod } from '../../lib/strategy/index.js';
import { packageRoot } from '../../lib/system/package-root.js';
import { ScriptedQemu } from '../migration/scripted-qemu.js';
import { FakeQemu } from '../qmp/fake-qemu.js';

// biome-ignore lint/suspicious/noExplicitAny: wrong types are the point
type Anything = any;

const reference = join(packageRoot, 'docs', 'reference', 'api');

/** What a page says to take options: `Class.method()`, `function()`, `new Class()`. */
function takersOn(page: string): string[] {
  const headings: string[] = [];
  return readFileSync(join(reference, page), 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, marks, heading = ''] = /^(#+) (.*)/.exec(line) ?? [];
      if (marks !== undefined) headings.splice(marks.length - 1, Number.POSITIVE_INFINITY, heading);
      if (!/^\| `(options|limits|range)\??` \|/.test(line)) return [];
      const [container = '', kind, name = ''] = headings.slice(-4);
      if (kind === 'Constructors') return [`new ${container}()`];
      return [kind === 'Methods' ? `${container}.${name}` : name];
    });
}

const pages = readdirSync(reference).filter((name) => name !== 'README.md');
const takers = new Set(pages.flatMap(takersOn));

let fake: FakeQemu;
let qemu: ScriptedQemu;
let qmp: QmpClient;
beforeEach(async () => {
  fake = new FakeQemu();
  await fake.listen();
  qemu = new ScriptedQemu(fake);
  qmp = await fake.connect();
});
afterEach(() => fake.close());

const page = new Uint8Array(4096);
const table = new FingerprintTable({ pages: 1 });
const hasher = new Hasher();
const to = 'exec:cat';
const next = chain();
const measurement = { ramBytes: 4096, pageBytes: 4096, seconds: 1, scannedPages: 0 };
const linkBytesPerSecond = 1e9;
const strange = { noSuchOption: 1 } as Anything;

const calls: Readonly<Record<string, () => unknown>> = {
  'new FingerprintTable()': () => new FingerprintTable({ pages: 1, ...strange }),
  'FingerprintTable.checkAndCommitAsync()': () => table.checkAndCommitAsync(page, strange),
  'FingerprintTable.invalidate()': () => table.invalidate({ first: 0, pages: 1, ...strange }),
  'new Hasher()': () => new Hasher(strange),
  'Hasher.fingerprint()': () => hasher.fingerprint(page, strange),
  'Hasher.fingerprintAsync()': () => hasher.fingerprintAsync(page, strange),
  'MemoryFile.checkAndCommit()': () =>
    new MemoryFile('/proc/self/exe').checkAndCommit(table, strange),
  'MemoryFile.fingerprint()': () => new MemoryFile('/proc/self/exe').fingerprint(hasher, strange),
  'fingerprintPages()': () => fingerprintPages(page, strange),
  'fingerprintPagesAsync()': () => fingerprintPagesAsync(page, strange),
  'drain()': () => drain(strange, {} as Anything),
  'completePlan()': () => completePlan(strange, {} as Anything, {} as Anything),
  'measureVms()': () => measureVms({} as Anything, {} as Anything, {} as Anything, strange),
  'plan()': () => plan(strange, {} as Anything),
  'preflight()': () => preflight(strange, {} as Anything, {} as Anything, {} as Anything),
  'remarks()': () => remarks(strange, {} as Anything, {} as Anything, {} as Anything),
  'Workload.commands()': () =>
    builtIn.workload('idle').commands(strange, {
      ...{ memoryBytes: 1 << 28, processors: 1, address: null, seed: 1 },
    }),
  'runExperiment()': () => runExperiment({ experiment: '/nowhere.yaml', ...strange }),
  'Migration.setLimits()': async () => {
    qemu.obey();
    const migration = await startMigration(qmp, { to });
    try {
      await migration.setLimits(strange);
    } finally {
      await migration.cancel('The test is over.');
    }
  },
  'migrate()': () => migrate(qmp, { to, ...strange }),
  'startMigration()': () => startMigration(qmp, { to, ...strange }),
  'startWatching()': () => startWatching(qmp, strange),
  'takeOver()': () => takeOver(qmp, {} as Anything, { write: () => {}, ...strange }),
  'watchMigration()': () => watchMigration(qmp, strange),
  'measureDirtying()': () => measureDirtying(qmp, strange),
  'measureVm()': () => measureVm('vm', qmp, strange),
  'observeVm()': () => observeVm(qmp, strange).next(),
  'chooseMethod()': () => chooseMethod(measurement as Anything, { linkBytesPerSecond, ...strange }),
  'adaptiveStop()': () => adaptiveStop(strange),
  'autoConvergeFirst()': () => autoConvergeFirst({ next, ...strange }),
  'fakeAware()': () => fakeAware(strange),
  'forecast()': () => forecast(measurement as Anything, { linkBytesPerSecond, ...strange }),
  'giveUp()': () => giveUp({ afterMs: 1, ...strange }),
  'intelligentHybrid()': () => intelligentHybrid(strange),
  'stall()': () => stall(strange),
  'QmpClient.query()': () => qmp.query('query-status', { schema: {} as Anything, ...strange }),
  'QmpClient.reconnect()': () => qmp.reconnect(strange),
  'QmpClient.connect()': () => QmpClient.connect(fake.path, strange),
  'QmpClient.over()': () => QmpClient.over(new PassThrough(), strange),
  // Its parameters depend on the command, and the reference lists them as one.
  'QmpClient.execute()': () => qmp.execute('query-status', undefined, strange),
};

describe('an option that there is not', () => {
  it('is tried with everything that takes options', () => {
    expect(takers.size).toBeGreaterThan(25);
    expect(Object.keys(calls)).toEqual(expect.arrayContaining([...takers]));
  });

  it.each(Object.entries(calls))('is refused by %s', async (_, call) => {
    let error: unknown;
    try {
      await call();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(FakedirtyError);
    expect((error as FakedirtyError).message).toContain('noSuchOption');
  });

  it('is told what was probably meant', async () => {
    const misspelt = { secnods: 3 } as Anything;
    await expect(measureDirtying(qmp, misspelt)).rejects.toThrow(
      "secnods: there is no such option; one of seconds, signal. Did you mean 'seconds'?",
    );
  });
});
