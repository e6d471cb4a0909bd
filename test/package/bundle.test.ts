// Programs that a bundler (esbuild) makes of the installed package: what may go into a bundle, what stays outside, and
// what is said where it did not.
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { env, installedPackage, repository, run } from './installed-package.js';

const { project } = installedPackage();
const guide = readFileSync(join(repository, 'docs', 'guides', 'installing.md'), 'utf8');

interface Bundle {
  readonly path: string;
  /** The files that went into it, relative to the project. */
  readonly inputs: readonly string[];
}

/** Bundles a program as the guide says, with more options. */
async function bundle(program: string, format: 'esm' | 'cjs', ...more: string[]): Promise<Bundle> {
  writeFileSync(join(project, 'app.mjs'), program);
  const path = join(project, 'out', format === 'esm' ? 'app.mjs' : 'app.cjs');
  const words = ['app.mjs', '--bundle', '--platform=node', `--format=${format}`, ...more];
  const settings = [`--outfile=${path}`, '--metafile=meta.json', '--log-level=error'];
  const esbuild = join(repository, 'node_modules', '.bin', 'esbuild');
  await run(esbuild, [...words, ...settings], { cwd: project, env });
  const meta = JSON.parse(readFileSync(join(project, 'meta.json'), 'utf8'));
  return { path, inputs: Object.keys(meta.inputs).sort() };
}

async function output(path: string, cwd: string): Promise<string> {
  const { stdout } = await run(process.execPath, [path], { cwd, env });
  return stdout;
}

/** What a bundle prints in a folder that has nothing but it. */
async function outputAlone({ path }: Bundle): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'fakedirty-bundle-'));
  try {
    const copy = join(folder, path.endsWith('.mjs') ? 'app.mjs' : 'app.cjs');
    copyFileSync(path, copy);
    return await output(copy, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe.each(['esm', 'cjs'] as const)('a bundle with --format=%s', (format) => {
  it('may hold fakedirty/qmp, and then has no code of charts, of the lab or of the addon', async () => {
    const program = `
      import { QmpClient } from 'fakedirty/qmp';
      QmpClient.connect('/nowhere/qmp').catch(({ name, code }) => console.log(name, code));`;
    const bundled = await bundle(program, format);
    expect(await outputAlone(bundled)).toBe('QmpClosedError ERR_QMP_CLOSED\n');
    expect(bundled.inputs).toContain('node_modules/fakedirty/dist/qmp/client.js');
    const others =
      /echarts|zrender|resvg|node-gyp-build|\.node$|dist\/(lab|fingerprint|qemu|cli)\//;
    expect(bundled.inputs.filter((path) => others.test(path))).toEqual([]);
  });

  it.each([
    ['migration', 'startMigration'],
    ['policy', 'giveUp'],
    ['monitor', 'measureDirtying'],
    ['strategy', 'chooseMethod'],
  ])('may hold fakedirty/%s', async (door, name) => {
    const program = `import { ${name} } from 'fakedirty/${door}'; console.log(typeof ${name});`;
    expect(await outputAlone(await bundle(program, format))).toBe('function\n');
  });

  const fingerprints = `
    import { fingerprintPages, FakedirtyError } from 'fakedirty';
    try {
      console.log(fingerprintPages(Buffer.alloc(4096), { algorithm: 'crc32' }).toString('hex'));
    } catch (error) {
      console.log(error instanceof FakedirtyError, error.name, error.code, error.message);
    }`;

  it('that holds fakedirty loads, and says at the first fingerprint how to bundle it', async () => {
    const said = await outputAlone(await bundle(fingerprints, format));
    expect(said).toMatch(/^true NativeAddonError ERR_NO_ADDON fakedirty has been bundled/);
    expect(said).toContain('`--external:fakedirty`');
    expect(said).toContain('docs/guides/installing.md');
  });

  it('that holds fakedirty does not take the folder of another package for its own', async () => {
    const { path } = await bundle(fingerprints, format);
    // Beside the program lie a package.json and node_modules, as they usually do.
    expect(await output(path, project)).toMatch(/ERR_NO_ADDON fakedirty has been bundled/);
  });

  it('runs from anywhere where fakedirty is installed beside it and kept out of it', async () => {
    const [flag = ''] = /--external:\S+/.exec(guide) ?? [];
    const program = `${fingerprints}
      import { parseAddress } from 'fakedirty/qmp';
      import { builtIn } from 'fakedirty/lab';
      console.log(typeof parseAddress, typeof builtIn);`;
    const { path, inputs } = await bundle(program, format, flag);
    expect(inputs).toEqual(['app.mjs']);
    const elsewhere = join(project, 'elsewhere');
    mkdirSync(elsewhere, { recursive: true });
    expect(await output(path, elsewhere)).toBe('c71c0011\nfunction object\n');
  });
});

describe('a bundle with fakedirty/lab', () => {
  const program = `import 'fakedirty/lab';`;
  const charts = ['--external:echarts', '--external:@resvg/resvg-js'];
  let bundled: Bundle;
  beforeAll(async () => {
    bundled = await bundle(program, 'esm', ...charts);
  });

  it('can not be made unless the packages that draw are there or kept out of it', async () => {
    await expect(bundle(program, 'esm')).rejects.toThrow(/Could not resolve "echarts"/);
  });

  it('says when it starts that the lab needs files of the package', async () => {
    const failure = await outputAlone(bundled).catch((error) => error);
    expect(failure.stderr).toMatch(/fakedirty has been bundled into another program/);
    expect(failure.stderr).toContain('--external:fakedirty');
  });
});
