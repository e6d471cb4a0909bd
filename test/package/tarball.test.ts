// The package as users get it: packed, installed in an empty project without install scripts, and used.
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { exitCodes } from '../../lib/cli/exit-codes.js';
import { prebuilt } from '../../lib/fingerprint/native.js';
import { type OtherNode, otherNodes } from '../../scripts/nodes.js';
import { deadLinks, pagesIn } from '../docs/markdown-links.js';
import { env, installedPackage, repository, run } from './installed-package.js';

const { project, installed } = installedPackage();

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
  nodes = await otherNodes();
}, 300_000);

describe('the packed tarball', () => {
  it('holds what is needed and nothing else', () => {
    const names = readdirSync(installed).sort();
    expect(names).toEqual([
      'CHANGELOG.md',
      'CMakeLists.txt',
      'CONTRIBUTING.md',
      'LICENSE',
      'README.md',
      'THIRD-PARTY.md',
      'dist',
      'docs',
      'experiments',
      'man',
      'native',
      'package.json',
      'prebuilds',
      'qemu-patches',
    ]);
    expect(readdirSync(join(installed, 'native')).sort()).toEqual([
      'CMakeLists.txt',
      'addon',
      'binding.gyp',
      'fakedirty.pc.in',
      'guest',
      'include',
      'sources.txt',
      'src',
    ]);
  });

  it('has npm compile nothing, even where a lock file is all that npm has read', async () => {
    const again = join(project, 'again');
    mkdirSync(again);
    for (const name of readdirSync(project).filter((each) => /\.(tgz|json)$/.test(each))) {
      cpSync(join(project, name), join(again, name));
    }
    // A script that npm runs without being asked would have this compiler.
    const noCompiler = { ...env, CXX: 'false', CC: 'false' };
    const words = ['ci', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
    await run('npm', words, { cwd: again, env: noCompiler });
    const fresh = join(again, 'node_modules', 'fakedirty');
    expect(readdirSync(fresh)).not.toContain('build');
    expect(readdirSync(join(fresh, 'native'))).not.toContain('build');
    rmSync(again, { recursive: true });
  });

  it('holds all that its pages lead to', () => {
    const pages = pagesIn(installed);
    expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/guides/installing.md']));
    expect(pages.flatMap((page) => deadLinks(installed, page).map((link) => [page, link]))).toEqual(
      [],
    );
  });

  it('names no address of the project: none is known yet', () => {
    const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    for (const field of ['repository', 'bugs', 'homepage'])
      expect(manifest).not.toHaveProperty(field);
  });

  it('carries an addon for each processor that messages name, and says how large they are', () => {
    const names = prebuilt.archs.map((arch) => `linux-${arch}`);
    const carried = readdirSync(join(installed, 'prebuilds'));
    expect(carried.sort()).toEqual(
      process.arch === 'x64' ? names.sort() : [`linux-${process.arch}`],
    );
    const kilobytes = carried.map((name) => statSync(addonFor(name)).size / 1000);
    console.log(carried.map((name, i) => `${name}: ${kilobytes[i]} kB`).join(', '));
    expect(Math.max(...kilobytes)).toBeLessThan(800);
  });
});

function addonFor(name: string): string {
  return join(installed, 'prebuilds', name, 'fakedirty.glibc.node');
}

describe.each(prebuilt.archs)('the addon for linux-%s', (arch) => {
  let addon: string;
  beforeEach((context) => {
    if (process.arch !== 'x64' && process.arch !== arch) return context.skip('only x64 packs it');
    addon = addonFor(`linux-${arch}`);
  });

  it('shows only what Node calls', async () => {
    const { stdout } = await run('nm', ['--dynamic', '--defined-only', addon]);
    expect(stdout.match(/\S+$/gm)?.sort()).toEqual([
      'napi_register_module_v1',
      'node_api_module_get_api_version_v1',
    ]);
  });

  it('needs only what Node needs, and no newer glibc than messages say', async () => {
    const { stdout } = await run('readelf', ['--wide', '--dynamic', '--version-info', addon]);
    for (const [, library] of stdout.matchAll(/\(NEEDED\).*\[(.+)\]/g)) {
      expect(library).toMatch(/^(libstdc\+\+|libm|libgcc_s|libc|ld-linux-(x86-64|aarch64))\.so/);
    }
    const minors = [...stdout.matchAll(/Name: GLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor));
    expect(`2.${Math.max(...minors)}`).toBe(prebuilt.glibc);
  });

  it('is bound when it is loaded: a later call would leave key words on the stack', async () => {
    const { stdout } = await run('readelf', ['--wide', '--dynamic', addon]);
    expect(stdout).toMatch(/FLAGS_1\).* NOW/);
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
      'fingerprint-a-file.mjs': [[ram], /^1024 pages of 1024 bytes, 1 distinct\n$/],
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

  it('is less than 11.8 MB, of which the package with addons for two processors is less than 4.3', () => {
    const modules = bytesIn(join(project, 'node_modules'));
    const own = bytesIn(installed);
    console.log(`installed: ${modules} bytes, of them ${own} of the package itself`);
    expect(modules).toBeLessThan(11.8e6);
    expect(own).toBeLessThan(4.3e6);
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
    // A program, but no QEMU.
    const lab = [program, 'lab', 'run', file, '--qemu', '/bin/false'];
    const failure = await run(process.execPath, lab, settings).catch((error) => error);
    expect(failure.code).toBe(exitCodes.failure);
    expect(failure.stderr).toMatch(/No accelerator boots a 64-bit guest/);
  });
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
    expect(said).toContain(`cd ${directory} && npx node-gyp rebuild --directory native`);
  });

  it('node-gyp builds it from the sources that the package carries', async () => {
    const nodeGyp = join(modules, 'node-gyp', 'bin', 'node-gyp.js');
    // Headers that are here, so that none are downloaded.
    const headers = join(project, 'headers', 'include', 'node');
    cpSync(join(modules, 'node-api-headers', 'include'), headers, { recursive: true });
    writeFileSync(join(headers, 'common.gypi'), nothingInCommon);
    const local = [`--nodedir=${join(project, 'headers')}`, '--force-process-config', '--jobs=2'];
    await run(process.execPath, [nodeGyp, 'rebuild', '--directory', 'native', ...local], {
      cwd: directory,
      env,
    });
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
