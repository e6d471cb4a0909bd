// Formatters, linters and the type checker: each one passes or fails as a whole.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../run/cache.mjs';
import { step } from '../run/step.mjs';
import { packageScript } from '../setup/node-modules.mjs';

/** The C and C++ files under native/, relative to the repository. */
export function nativeFiles() {
  return readdirSync(join(repository, 'native'), { recursive: true })
    .filter((name) => /\.(h|cc|c)$/.test(name))
    .map((name) => join('native', name))
    .sort();
}

const biome = packageScript('@biomejs', 'biome', 'bin', 'biome');
const tsc = packageScript('typescript', 'bin', 'tsc');

export function checkWithBiome() {
  return step({ title: 'lint: Biome', log: 'biome' }, ({ run }) =>
    run(process.execPath, [biome, 'check', '--error-on-warnings']),
  );
}

export function checkTypes() {
  return step({ title: 'lint: types', log: 'types' }, ({ run }) =>
    run(process.execPath, [tsc, '--noEmit']),
  );
}

export function checkClangFormat() {
  return step({ title: 'lint: clang-format', log: 'clang-format' }, ({ run }) =>
    run('clang-format-14', ['--dry-run', '-Werror', ...nativeFiles()]),
  );
}

/** Rewrites what the two formatters would complain about. */
export async function formatAll() {
  await step({ title: 'format: Biome', log: 'format-biome' }, ({ run }) =>
    run(process.execPath, [biome, 'check', '--write']),
  );
  await step({ title: 'format: clang-format', log: 'format-clang-format' }, ({ run }) =>
    run('clang-format-14', ['-i', ...nativeFiles()]),
  );
}
