// The types that the installed package carries, as editors and compilers of its users see them.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { env, installedPackage, repository, run } from './installed-package.js';

const { project, installed } = installedPackage();

describe('types', () => {
  it('carry a comment for every option, so that editors show it', () => {
    const dist = join(installed, 'dist');
    const rooms = ['fingerprint', 'qmp', 'migration', 'policy', 'monitor'];
    const interfaces = rooms
      .flatMap((room) => readdirSync(join(dist, room)).map((name) => join(dist, room, name)))
      .filter((file) => file.endsWith('.d.ts'))
      .map((file) => readFileSync(file, 'utf8'))
      .flatMap((text) => [
        ...text.matchAll(/^export interface (\w+Options)[^{]*\{\n([\s\S]*?)^\}/gm),
      ])
      .filter(([, name]) => !/^(Observer|Controller|LineSplitter)/.test(name ?? ''));
    expect(interfaces.length).toBeGreaterThan(15);
    const bare = interfaces.flatMap(([, name, body = '']) => {
      const lines = body.split('\n');
      const members = lines.filter((line) => /^ {4}readonly /.test(line));
      const isBare = (line: string) => !lines[lines.indexOf(line) - 1]?.endsWith('*/');
      return members.filter(isBare).map((line) => `${name}: ${line.trim()}`);
    });
    expect(bare).toEqual([]);
  });

  it('are right for ES modules and CommonJS, as Node and as bundlers resolve them', async () => {
    const program = `
      import { algorithms, FingerprintTable, Hasher, OptionError, type AlgorithmName } from 'fakedirty';
      import { type Migration, startMigration, type MigrationUpdate } from 'fakedirty/migration';
      import { measureDirtying } from 'fakedirty/monitor';
      import { chain, forecast, giveUp } from 'fakedirty/policy';
      import { QmpClient } from 'fakedirty/qmp';
      import { workload, z, type Method } from 'fakedirty/lab';
      import { draw, type FigureMaker } from 'fakedirty/lab/figures';
      const name: AlgorithmName = algorithms()[0]!.name;
      const hasher = new Hasher({ algorithm: name, pageSize: 4096 });
      const digests: Buffer = hasher.fingerprint(new Float64Array(512));
      const into: Uint16Array extends Uint8Array ? never : Uint8Array = hasher.fingerprint(digests, { into: new Uint8Array(16) });
      const later: Promise<Buffer> = hasher.fingerprintAsync(new SharedArrayBuffer(4096), { threads: 2 });
      const table = new FingerprintTable({ pages: 4, hasher });
      const unchanged: number = table.checkAndCommit(into, [1, 2]).counts.unchanged;
      async function drive(qmp: QmpClient): Promise<string> {
        const { methods } = forecast(await measureDirtying(qmp), { linkBytesPerSecond: 1e9 });
        const migration: Migration = await startMigration(qmp, { to: 'tcp:b:1', policy: chain(giveUp({ afterMs: 1 })) });
        for await (const update of migration) if (update.type === 'pass') console.log(update.pass.sentBytes);
        // @ts-expect-error: there is no such option
        await startMigration(qmp, { to: 'tcp:b:1', downtime: 3 });
        return methods[0]!.method + (await migration.result).reason;
      }
      const passed = (update: MigrationUpdate): boolean => update.type === 'pass';
      // @ts-expect-error: there is no such algorithm
      new Hasher({ algorithm: 'sha-1' });
      // @ts-expect-error: pages are needed
      new FingerprintTable({});
      const method: Method = { name: 'a', summary: '', needsFilter: false, postcopy: false, options: () => ({}) };
      const figures: FigureMaker[] = [() => [{ id: 'a', title: '', alternative: '', svg: draw(9, {}) }]];
      // @ts-expect-error: a workload has more than options
      workload({ options: z.strictObject({}) });
      export { unchanged, later, method, figures, drive, passed, OptionError };
    `;
    writeFileSync(join(project, 'consumer.mts'), program);
    writeFileSync(join(project, 'consumer.cts'), program);
    const compiler = join(repository, 'node_modules', 'typescript', 'bin', 'tsc');
    const common = [
      '--strict',
      '--noEmit',
      '--target',
      'es2022',
      '--lib',
      'es2022,esnext.disposable,dom',
    ];
    const types = ['--types', 'node', '--typeRoots', join(repository, 'node_modules', '@types')];
    const resolutions = [
      ['--module', 'nodenext', 'consumer.mts', 'consumer.cts'],
      ['--module', 'esnext', '--moduleResolution', 'bundler', 'consumer.mts'],
    ];
    for (const resolution of resolutions) {
      const args = [compiler, ...common, ...types, ...resolution];
      await run(process.execPath, args, { cwd: project, env });
    }
  }, 60_000);
});
