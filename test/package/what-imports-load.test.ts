// What an import of each door loads of the installed package, and of others: who wants one pays for no other.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { env, installedPackage, run } from './installed-package.js';

const { project, installed } = installedPackage();

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

  /** What suggests names that were probably meant. */
  const withNearest = ['fakedirty', 'fastest-levenshtein', 'zod'];

  it.each([
    ['fakedirty', ['errors', 'fingerprint', 'system'], withNearest],
    ['fakedirty/qmp', ['errors', 'qmp', 'system'], withNearest],
    ['fakedirty/migration', ['errors', 'format', 'migration', 'qmp', 'system'], withNearest],
    ['fakedirty/policy', ['errors', 'format', 'migration', 'policy', 'qmp'], withNearest],
    ['fakedirty/monitor', ['errors', 'format', 'monitor', 'qmp', 'site', 'system'], withNearest],
    [
      'fakedirty/strategy',
      ['errors', 'format', 'migration', 'policy', 'qmp', 'strategy'],
      withNearest,
    ],
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
