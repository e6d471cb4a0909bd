// The types that the installed package carries, as editors and compilers of its users see them.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript-5.9';
import { beforeAll, describe, expect, it } from 'vitest';
import { env, installedPackage, repository, run } from './installed-package.js';

const { project, installed } = installedPackage();
const typeRoots = join(repository, 'node_modules', '@types');

interface Door {
  readonly name: string;
  /** Its types, in the package's folder. */
  readonly types: string;
}

function doors(): Door[] {
  const { exports } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  return Object.entries<{ types?: string }>(exports).flatMap(([path, { types }]) =>
    types ? [{ name: path.replace('.', 'fakedirty'), types }] : [],
  );
}

/** The options that a door's functions and classes take, and those that editors have nothing to say of. */
class Options {
  readonly all: string[] = [];
  readonly bare: string[] = [];
  readonly #seen = new Set<ts.Type>();
  readonly #checker: ts.TypeChecker;

  constructor(file: string) {
    const options: ts.CompilerOptions = {
      module: ts.ModuleKind.NodeNext,
      lib: ['lib.es2023.d.ts'],
      types: ['node'],
      typeRoots: [typeRoots],
      strict: true,
    };
    const program = ts.createProgram([file], options);
    this.#checker = program.getTypeChecker();
    const source = program.getSourceFile(file);
    const module = source && this.#checker.getSymbolAtLocation(source);
    if (!source || !module) throw new Error(`${file} is no module`);
    for (const symbol of this.#checker.getExportsOfModule(module)) {
      const type = this.#checker.getTypeOfSymbolAtLocation(symbol, source);
      this.#addParameters(type, symbol.name);
      for (const made of type.getConstructSignatures()) {
        for (const method of made.getReturnType().getProperties()) {
          if (!this.#isOurs(method)) continue;
          const methodType = this.#checker.getTypeOfSymbolAtLocation(method, source);
          this.#addParameters(methodType, `${symbol.name}.${method.name}`);
        }
      }
    }
  }

  #isOurs(symbol: ts.Symbol): boolean {
    const files = symbol.declarations?.map((declaration) => declaration.getSourceFile().fileName);
    return files?.some((file) => file.startsWith(join(installed, 'dist'))) === true;
  }

  #addParameters(type: ts.Type, of: string): void {
    for (const signature of [...type.getCallSignatures(), ...type.getConstructSignatures()]) {
      for (const parameter of signature.getParameters()) {
        const type = this.#checker.getTypeOfSymbol(parameter);
        const typeName = this.#checker.typeToString(this.#checker.getNonNullableType(type));
        // The rest are records: what was measured, what QEMU says.
        const isOptions = parameter.name === 'options' || /Options$/.test(typeName);
        if (isOptions) this.#add(type, `${of}(${parameter.name})`);
      }
    }
  }

  #add(type: ts.Type, path: string): void {
    if (type.isUnion()) for (const each of type.types) this.#add(each, path);
    if (this.#seen.has(type)) return;
    this.#seen.add(type);
    const element = type.getNumberIndexType();
    if (element) this.#add(element, `${path}[]`);
    for (const option of type.getProperties()) {
      const isProperty = option.declarations?.every(ts.isPropertySignature) && this.#isOurs(option);
      if (!isProperty) continue;
      const name = `${path}.${option.name}`;
      this.all.push(name);
      if (option.getDocumentationComment(this.#checker).length === 0) this.bare.push(name);
      this.#add(this.#checker.getTypeOfSymbol(option), name);
    }
  }
}

const consumer = `
  import { algorithms, FingerprintTable, Hasher, OptionError, type AlgorithmName } from 'fakedirty';
  import { type Migration, startMigration, type MigrationUpdate } from 'fakedirty/migration';
  import { measureDirtying, measureVm, observeVm, type VmUse } from 'fakedirty/monitor';
  import { chooseMethod, type ChosenMethod } from 'fakedirty/strategy';
  import { nextAction, plan, parseSite, SiteFolder, type DrainPlan } from 'fakedirty/fleet';
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
  async function move(qmp: QmpClient): Promise<Migration> {
    for await (const seen of observeVm(qmp, { periodMs: 500 })) {
      const use: VmUse | undefined = seen.type === 'use' ? seen.use : undefined;
      if ((use?.interfaces?.[0]?.transmitBytesPerSecond ?? 0) < 1e6) break;
    }
    const { measurement } = await measureVm('web', qmp);
    const chosen: ChosenMethod = chooseMethod(measurement, { linkBytesPerSecond: 1e9 });
    return await startMigration(qmp, { to: 'tcp:b:1', ...chosen.options });
  }
  async function drive(qmp: QmpClient): Promise<string> {
    const { methods } = forecast(await measureDirtying(qmp), { linkBytesPerSecond: 1e9 });
    const migration: Migration = await startMigration(qmp, { to: 'tcp:b:1', policy: chain(giveUp({ afterMs: 1 })) });
    for await (const update of migration) if (update.type === 'pass') console.log(update.pass.sentBytes);
    // @ts-expect-error: there is no such option
    await startMigration(qmp, { to: 'tcp:b:1', downtime: 3 });
    return methods[0]!.method + (await migration.result).reason;
  }
  const planned: DrainPlan = plan(
    {
      ...{ site: parseSite('', 'site.yaml'), host: 'h1', stopAfterFailures: 1, stallMs: 1, leave: [] },
      ...{ measurements: new Map(), method: { name: 'pre-copy', policy: [] } },
    },
    new SiteFolder('/nowhere').state(),
  );
  const seen = { source: 'gone', destination: 'unknown' } as const;
  const asked: boolean = nextAction(seen, { wanted: 'move', toldToMigrate: true, toldToRun: false }).do === 'ask';
  const passed = (update: MigrationUpdate): boolean => update.type === 'pass';
  // @ts-expect-error: there is no such algorithm
  new Hasher({ algorithm: 'sha-1' });
  // @ts-expect-error: pages are needed
  new FingerprintTable({});
  const method: Method = { name: 'a', summary: '', needsFilter: false, postcopy: false, options: () => ({}) };
  const figures: FigureMaker[] = [() => [{ id: 'a', title: '', alternative: '', svg: draw(9, {}) }]];
  // @ts-expect-error: a workload has more than options
  workload({ options: z.strictObject({}) });
  // @ts-expect-error: nothing brings the types of browsers
  document.title = '';
  export { asked, planned, unchanged, later, method, figures, drive, passed, OptionError };
`;

const compilers = ['typescript-5.9', 'typescript'];
const resolutions = [
  ['--module', 'nodenext', 'consumer.mts', 'consumer.cts'],
  ['--module', 'esnext', '--moduleResolution', 'bundler', 'consumer.mts'],
];

function compile(compiler: string, ...args: string[]) {
  const common = ['--strict', '--noEmit', '--skipLibCheck', 'false', '--target', 'es2022'];
  const types = ['--lib', 'es2023', '--types', 'node', '--typeRoots', typeRoots];
  const tsc = join(repository, 'node_modules', compiler, 'bin', 'tsc');
  return run(process.execPath, [tsc, ...common, ...types, ...args], { cwd: project, env });
}

describe('types', () => {
  it('carry a comment for every option, so that editors show it', () => {
    const found = doors().map(({ types }) => new Options(join(installed, types)));
    expect(found.flatMap(({ all }) => all).length).toBeGreaterThan(100);
    expect(found.flatMap(({ bare }) => bare)).toEqual([]);
  });

  describe('without types of browsers, those of libraries looked at too', () => {
    beforeAll(() => {
      writeFileSync(join(project, 'consumer.mts'), consumer);
      writeFileSync(join(project, 'consumer.cts'), consumer);
    });

    it('are tried from each door', () => {
      for (const { name } of doors()) expect(consumer).toContain(`from '${name}';`);
    });

    it('are promised for the versions of TypeScript that are tried', () => {
      const guide = readFileSync(join(repository, 'docs', 'guides', 'installing.md'), 'utf8');
      for (const compiler of compilers) {
        const manifest = join(repository, 'node_modules', compiler, 'package.json');
        const { version } = JSON.parse(readFileSync(manifest, 'utf8'));
        expect(guide).toMatch(
          new RegExp(`TypeScript .*\\b${version.replace(/\.\d+$/, '')}\\b`, 's'),
        );
      }
    });

    describe.each(compilers)('are right for %s', (compiler) => {
      it.each(resolutions)('with %s %s %s', async (...resolution) => {
        await compile(compiler, ...resolution);
      });
    });

    it('are not seen to be wrong because nothing is looked at', async () => {
      writeFileSync(join(project, 'wrong.mts'), `import { noSuchName } from 'fakedirty/lab';`);
      const compiling = compile('typescript', '--module', 'nodenext', 'wrong.mts');
      await expect(compiling).rejects.toMatchObject({ stdout: /no exported member/ });
    });
  });
});
