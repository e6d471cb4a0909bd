// The package as users get it: packed, installed in an empty project without install scripts, and used.
import { execFile } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { exitCodes } from '../../lib/cli/exit-codes.js';
import { type OtherNode, otherNodes } from '../../scripts/nodes.js';

const run = promisify(execFile);
const repository = fileURLToPath(new URL('../..', import.meta.url));
const project = mkdtempSync(join(tmpdir(), 'fakedirty-package-'));
const installed = join(project, 'node_modules', 'fakedirty');
afterAll(() => rmSync(project, { recursive: true, force: true }), 60_000);

/** What npm passes on to its children would make them look elsewhere. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^npm_|^FAKEDIRTY_/i.test(name)),
);
const quiet = [
  '--ignore-scripts',
  '--no-audit',
  '--no-fund',
  '--prefer-offline',
  '--loglevel=error',
];

function npm(...args: string[]) {
  return run('npm', args, { cwd: project, env });
}

/** node-gyp insists on the file; binding.gyp sets every flag that matters itself. */
const nothingInCommon = `{
  'target_defaults': {
    'default_configuration': 'Release',
    'configurations': { 'Debug': {}, 'Release': {} },
  },
}`;

/** These need a QEMU that runs: tests among those of machines run them. */
const withGuests = [
  'migrate-with-a-policy.mjs',
  'run-an-experiment.mjs',
  'custom-figure.mjs',
  'custom-workload.mjs',
  'stop-and-continue-a-vm.mjs',
  'try-a-policy.mjs',
];

let nodes: readonly OtherNode[];

beforeAll(async () => {
  // --ignore-scripts: what is packed was built by the steps before this one.
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', project], {
    cwd: repository,
    env,
  });
  const tarball = readdirSync(project).find((name) => name.endsWith('.tgz'));
  writeFileSync(join(project, 'package.json'), '{ "private": true }');
  await npm('install', ...quiet, `./${tarball}`);
  nodes = await otherNodes();
}, 300_000);

describe('the packed tarball', () => {
  it('holds what is needed and nothing else', () => {
    const names = readdirSync(installed).sort();
    expect(names).toEqual([
      'CMakeLists.txt',
      'LICENSE',
      'README.md',
      'THIRD-PARTY.md',
      'binding.gyp',
      'dist',
      'experiments',
      'native',
      'package.json',
      'prebuilds',
      'qemu-patches',
    ]);
    expect(readdirSync(join(installed, 'native')).sort()).toEqual([
      'CMakeLists.txt',
      'addon',
      'fakedirty.pc.in',
      'guest',
      'include',
      'sources.txt',
      'src',
    ]);
  });

  it('carries an addon that shows only what Node calls, and needs only what Node needs', async () => {
    const addon = join(installed, 'prebuilds', 'linux-x64', 'fakedirty.glibc.node');
    const { stdout: symbols } = await run('nm', ['--dynamic', '--defined-only', addon]);
    expect(symbols.match(/\S+$/gm)?.sort()).toEqual([
      'napi_register_module_v1',
      'node_api_module_get_api_version_v1',
    ]);
    const { stdout: needs } = await run('objdump', ['-p', addon]);
    const libraries = [...needs.matchAll(/NEEDED +(\S+)/g)].map(([, name]) => name);
    for (const library of libraries) {
      expect(library).toMatch(/^(libstdc\+\+|libm|libgcc_s|libc|ld-linux-x86-64)\.so/);
    }
  });
});

describe.each(['here', '22', '24', '26'])('with Node: %s', (which) => {
  /** Skips where that Node is not to be had, or is the one that is here. */
  let node: string;
  beforeEach((context) => {
    const found =
      which === 'here' ? process.execPath : nodes.find(({ major }) => major === which)?.program;
    if (!found) return context.skip(`Node ${which} is not to be had here, or runs this`);
    node = found;
  });

  async function output(...args: string[]): Promise<string> {
    const { stdout, stderr } = await run(node, args, { cwd: project, env });
    // Node 20 says that a CommonJS program loads an ES module; nothing else is expected.
    expect(stderr.replaceAll(/.*(ExperimentalWarning|--trace-warnings).*\n/g, '')).toBe('');
    return stdout;
  }

  const digest = `fingerprintPages(Buffer.alloc(4096), { algorithm: 'crc32' }).toString('hex')`;

  it('is imported by an ES module', async () => {
    const program = `import { fingerprintPages } from 'fakedirty'; console.log(${digest});`;
    expect(await output('--input-type=module', '--eval', program)).toBe('c71c0011\n');
  });

  it('is required by a CommonJS module', async () => {
    const program = `const { fingerprintPages } = require('fakedirty'); console.log(${digest});`;
    expect(await output('--input-type=commonjs', '--eval', program)).toBe('c71c0011\n');
  });

  it('runs the programs of the guide', async () => {
    cpSync(join(repository, 'docs', 'examples'), join(project, 'examples'), { recursive: true });
    const ram = join(project, 'ram');
    writeFileSync(ram, Buffer.alloc(1024 * 1024, 1));
    const expected: Record<string, [args: string[], output: RegExp]> = {
      'fingerprint-a-file.mjs': [[ram], /^1024 pages of 1024 bytes, 1 different ones\n$/],
      'watch-a-table.mjs': [
        [],
        /second pass: 1 unchanged, 2 changed, 3 zero\nsent 10, skipped 1\n$/,
      ],
      'watch-a-running-vm.mjs': [[ram, '0.01'], /^0 of 256 pages changed in 0.01 s \(0.0 %\)\n$/],
      'compare-algorithms.mjs': [[], /^(\S+ +[\d.]+ GB\/s .*\n){11}$/],
      'from-commonjs.cjs': [
        [],
        /^620f0b67a91f7f74151bc5be745b7110\nwrong algorithm; perhaps sha1\?\n$/,
      ],
    };
    const all = [...Object.keys(expected), ...withGuests];
    expect(readdirSync(join(project, 'examples')).sort()).toEqual(all.sort());
    for (const [name, [args, printed]] of Object.entries(expected)) {
      expect(await output(join('examples', name), ...args)).toMatch(printed);
    }
    const main = join(installed, 'dist', 'cli', 'main.js');
    const own = join('examples', 'custom-workload.mjs');
    expect(await output(main, 'lab', 'list', '--with', own)).toMatch(
      /block-memory .*filter-md5-verified /s,
    );
    const figure = join('examples', 'custom-figure.mjs');
    await expect(output(main, 'lab', 'list', '--with', figure)).rejects.toMatchObject({
      stderr: expect.stringContaining('npm install echarts @resvg/resvg-js'),
    });
  }, 60_000);
});

describe('what an installation brings', () => {
  /** Sizes as files say them, not as file systems round them. */
  function bytesIn(directory: string): number {
    const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    return files.reduce((sum, { path, name }) => sum + statSync(join(path, name)).size, 0);
  }

  it('is eight packages, without charts and rasterizer', () => {
    const modules = join(project, 'node_modules');
    const names = readdirSync(modules).filter((name) => !name.startsWith('.'));
    expect(names.sort()).toEqual([
      'commander',
      'fakedirty',
      'fastest-levenshtein',
      'nano-spawn',
      'node-addon-api',
      'node-gyp-build',
      'yaml',
      'zod',
    ]);
  });

  it('is less than 11 MB, of which the package is less than 3', () => {
    const modules = bytesIn(join(project, 'node_modules'));
    const own = bytesIn(installed);
    console.log(`installed: ${modules} bytes, of them ${own} of the package itself`);
    expect(modules).toBeLessThan(11e6);
    expect(own).toBeLessThan(3e6);
  });
});

describe('what an import loads', () => {
  // A hook of Node's loader says which ES modules are loaded; what is required is in the cache of CommonJS.
  const hooks = `
    import { appendFileSync } from 'node:fs';
    export async function load(url, context, next) {
      if (url.startsWith('file:')) appendFileSync(process.env.LOADED, url + '\\n');
      return next(url, context);
    }`;

  async function loadedBy(door: string) {
    const list = join(project, 'loaded');
    writeFileSync(list, '');
    writeFileSync(join(project, 'hooks.mjs'), hooks);
    const traceFile = join(project, 'trace.mjs');
    const register = `import { register } from 'node:module'; register('./hooks.mjs', import.meta.url);`;
    writeFileSync(traceFile, register);
    const program = `
      import Module from 'node:module';
      await import('${door}');
      console.log(JSON.stringify(Object.keys(Module._cache)));`;
    const args = ['--import', traceFile, '--input-type=module', '--eval', program];
    const { stdout } = await run(process.execPath, args, {
      cwd: project,
      env: { ...env, LOADED: list },
    });
    const modules = readFileSync(list, 'utf8').split('\n').filter(Boolean);
    const paths = modules.map((url) => fileURLToPath(url));
    const files = [...new Set([...paths, ...(JSON.parse(stdout) as string[])])];
    const inside = (folder: string) =>
      files
        .filter((file) => file.startsWith(`${folder}/`))
        .map((file) => file.slice(folder.length + 1));
    const firstOf = (paths: string[]) =>
      [...new Set(paths.map((path) => path.split('/')[0]))].sort();
    return {
      packages: firstOf(inside(join(project, 'node_modules'))),
      rooms: firstOf(inside(join(installed, 'dist')).filter((path) => path.includes('/'))),
      addons: files.filter((file) => file.endsWith('.node')),
    };
  }

  const ownPackages = ['fakedirty', 'zod'];

  it.each([
    ['fakedirty', ['errors', 'fingerprint', 'system'], ['fakedirty', 'fastest-levenshtein', 'zod']],
    ['fakedirty/qmp', ['errors', 'qmp', 'system'], ownPackages],
    ['fakedirty/migration', ['errors', 'format', 'migration', 'qmp', 'system'], ownPackages],
    ['fakedirty/policy', ['errors', 'format', 'migration', 'policy', 'qmp'], ownPackages],
    ['fakedirty/monitor', ['errors', 'format', 'monitor', 'qmp'], ['fakedirty']],
  ])('"%s" loads the rooms %j and the packages %j, and no addon', async (door, rooms, packages) => {
    expect(await loadedBy(door)).toEqual({ packages, rooms, addons: [] });
  });

  it('is told by this test: a fingerprint loads the addon, and what finds it', async () => {
    const first = "fakedirty'); (await import('fakedirty')).algorithms(); await import('fakedirty";
    const { packages, addons } = await loadedBy(first);
    expect(packages).toContain('node-gyp-build');
    expect(addons).toHaveLength(1);
  });
});

describe('the command line, installed', () => {
  const main = join(installed, 'dist', 'cli', 'main.js');
  const settings = { cwd: project, env: { ...env, FAKEDIRTY_CACHE: join(project, 'cache') } };

  /** A tree that says it is that QEMU, and holds nothing else. */
  const tree = join(project, 'tree');
  beforeAll(() => {
    mkdirSync(tree);
    writeFileSync(join(tree, 'VERSION'), '7.2.99\n');
    writeFileSync(join(tree, 'configure'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  });

  it('applies the series that the package carries to a QEMU', async () => {
    const build = [main, 'qemu', 'build', '--version', '7.2', '--no-install', '--source', tree];
    const failure = await run(process.execPath, build, settings).catch((error) => error);
    expect(failure.code).toBe(exitCodes['series-does-not-apply']);
    expect(failure.stderr).toMatch(/7\.2\.99: 0001-\S+\.patch fails on/);
  });

  it('builds a QEMU as far as its own configure', async () => {
    const build = [main, 'qemu', 'build', '--version', '7.2', '--no-install', '--source', tree];
    const words = [...build, '--unpatched'];
    const failure = await run(process.execPath, words, settings).catch((error) => error);
    expect(failure.code).toBe(exitCodes.compilation);
    expect(failure.stdout).toMatch(/QEMU 7\.2 without the series: configuring: FAILED/);
  });

  it('reads an experiment and makes a guest that the package carries, to try a QEMU with', async () => {
    // Beside what the lab's reports need, which is optional to install.
    const modules = join(project, 'with-charts', 'node_modules');
    cpSync(join(project, 'node_modules'), modules, { recursive: true });
    for (const name of ['@resvg', 'echarts', 'tslib', 'zrender']) {
      symlinkSync(join(repository, 'node_modules', name), join(modules, name));
    }
    const own = join(modules, 'fakedirty');
    const file = join(own, 'experiments', 'first.yaml');
    const program = join(own, 'dist', 'cli', 'main.js');
    const lab = [program, 'lab', 'run', file, '--qemu', join(project, 'no-qemu')];
    const failure = await run(process.execPath, lab, settings).catch((error) => error);
    expect(failure.code).toBe(exitCodes.failure);
    expect(failure.stderr).toMatch(/No accelerator boots.*\S+no-qemu: not found/);
  });
});

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

describe('without a binary for the machine', () => {
  const directory = join(project, 'elsewhere', 'node_modules', 'fakedirty');
  const modules = join(repository, 'node_modules');

  beforeAll(() => {
    const elsewhere = join(project, 'elsewhere', 'node_modules');
    cpSync(join(project, 'node_modules'), elsewhere, { recursive: true });
    rmSync(join(directory, 'prebuilds'), { recursive: true });
  });

  async function versionOrError(): Promise<string> {
    const program = `import('fakedirty').then(({ version }) => console.log(version())).catch((error) => {
      console.log(error.name, error.message);
    });`;
    const { stdout } = await run(process.execPath, ['--eval', program], { cwd: directory, env });
    return stdout;
  }

  it('says so, and what to do', async () => {
    const said = await versionOrError();
    expect(said).toMatch(/^NativeAddonError fakedirty has no native addon that loads/);
    expect(said).toContain(`cd ${directory} && npx node-gyp rebuild`);
  });

  it('node-gyp builds it from the sources that the package carries', async () => {
    const nodeGyp = join(modules, 'node-gyp', 'bin', 'node-gyp.js');
    // Headers that are here, so that none are downloaded.
    const headers = join(project, 'headers', 'include', 'node');
    cpSync(join(modules, 'node-api-headers', 'include'), headers, { recursive: true });
    writeFileSync(join(headers, 'common.gypi'), nothingInCommon);
    const local = [`--nodedir=${join(project, 'headers')}`, '--force-process-config', '--jobs=2'];
    await run(process.execPath, [nodeGyp, 'rebuild', ...local], { cwd: directory, env });
    expect(await versionOrError()).toMatch(/^\d+\.\d+\.\d+\n$/);
    rmSync(join(directory, 'build'), { recursive: true });
  }, 600_000);

  it('cmake-js builds it too', async () => {
    const cmakeJs = join(modules, 'cmake-js', 'bin', 'cmake-js');
    cpSync(join(modules, 'node-api-headers'), join(directory, 'node_modules', 'node-api-headers'), {
      recursive: true,
    });
    const target = ['--target', 'fakedirty_addon'];
    await run(process.execPath, [cmakeJs, 'compile', ...target], { cwd: directory, env });
    expect(await versionOrError()).toMatch(/^\d+\.\d+\.\d+\n$/);
  }, 600_000);
});
