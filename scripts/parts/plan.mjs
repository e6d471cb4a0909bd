// What `npm test` does, in order. A piece of work belongs to a part, which is what one selects, and
// may need others, which then are done as well; work without a part is done only when needed.
import { ensureNodeModules } from '../setup/node-modules.mjs';
import { ensureSystemPackages, packagesFor } from '../setup/system-packages.mjs';
import { buildAddon } from './addon.mjs';
import { checkReference } from './api-reference.mjs';
import { checkClangTidy } from './clang-tidy.mjs';
import { checkGuides } from './examples.mjs';
import { fuzzNative } from './fuzzing.mjs';
import { checkClangFormat, checkTypes, checkWithBiome } from './lint.mjs';
import { buildNative, prepare, variants } from './native-build.mjs';
import { testNative } from './native-tests.mjs';
import { prebuildAddon } from './prebuilt.mjs';
import { testQemu } from './qemu.mjs';
import { buildTypescript, testSanitizedAddon, testTypescript } from './typescript.mjs';

/** The names that --only takes, each with the parts that it stands for. */
export const selections = {
  lint: ['lint'],
  native: ['release', 'asan', 'tsan'],
  release: ['release'],
  asan: ['asan'],
  tsan: ['tsan'],
  fuzz: ['fuzz'],
  addon: ['addon'],
  'addon-asan': ['addon-asan'],
  vitest: ['vitest'],
  qemu: ['qemu'],
};

const packages = 'setup: system packages';
const modules = 'setup: npm packages';
const addon = 'addon';
const typescript = 'build: TypeScript';
const packed = 'addon: as the package carries it';

function lint(name, needs, work) {
  return { name, part: 'lint', needs, counts: true, work };
}

function nativeWork(variant) {
  const built = `native: build of ${variants[variant].label}`;
  return [
    { name: built, needs: [packages, modules], work: () => buildNative(prepare(variant)) },
    {
      name: `native: tests of ${variants[variant].label}`,
      part: variant,
      needs: [built],
      work: () => testNative(prepare(variant)),
    },
  ];
}

/** `counts`: it is one test by itself, which passes when the work succeeds. */
export function plan(fuzzSeconds) {
  return [
    { name: packages, needs: [], work: () => ensureSystemPackages(packagesFor.checks) },
    { name: modules, needs: [], work: ensureNodeModules },
    lint('lint: Biome', [modules], checkWithBiome),
    lint('lint: types', [modules], checkTypes),
    lint('lint: programs in the guides', [], checkGuides),
    lint('lint: API reference', [modules], checkReference),
    lint('lint: clang-format', [packages], checkClangFormat),
    lint('lint: clang-tidy', [packages, modules], () => checkClangTidy(prepare('release'))),
    ...nativeWork('release'),
    ...nativeWork('asan'),
    ...nativeWork('tsan'),
    {
      name: 'fuzz',
      part: 'fuzz',
      needs: [`native: build of ${variants.asan.label}`],
      work: () => fuzzNative(prepare('asan'), fuzzSeconds),
    },
    { name: addon, part: 'addon', needs: [packages, modules], counts: true, work: buildAddon },
    { name: typescript, part: 'addon', needs: [modules], counts: true, work: buildTypescript },
    { name: packed, needs: [addon, typescript], work: prebuildAddon },
    { name: 'vitest', part: 'vitest', needs: [packed], work: testTypescript },
    {
      name: 'vitest: addon with ASan',
      part: 'addon-asan',
      needs: [modules, typescript, `native: build of ${variants.asan.label}`],
      work: () => testSanitizedAddon(prepare('asan')),
    },
    { name: 'qemu', part: 'qemu', needs: [packages, addon, typescript], work: testQemu },
  ];
}

/** The pieces of work that belong to the parts chosen, and all that those need, in order. */
export function select(all, parts) {
  const chosen = new Set();
  const choose = (piece) => {
    chosen.add(piece);
    for (const need of piece.needs) choose(all.find(({ name }) => name === need));
  };
  for (const piece of all) if (parts.has(piece.part)) choose(piece);
  return all.filter((piece) => chosen.has(piece));
}
