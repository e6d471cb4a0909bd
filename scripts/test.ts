// npm test: what it does, in order. It goes on after a failure, and its last line sums up.
//
// A piece of work belongs to a part, which is what one selects, and may need others, which then are done as well;
// work without a part is done only when needed.
import { removeUnused } from '../lib/system/cache.js';
import { ensureDebianPackages } from '../lib/system/debian-packages.js';
import { StepFailed, tell } from '../lib/system/step.js';
import { checkReference } from './api-reference.js';
import { testArm64 } from './arm64.js';
import { buildAddon, buildTypescript, packagesFor, prebuildAddons } from './build.js';
import {
  checkClangFormat,
  checkClangTidy,
  checkGuides,
  checkTypes,
  checkWithBiome,
} from './lint.js';
import { checkManPages } from './man-pages.js';
import { buildNative, prepare, type VariantName, variants } from './native.js';
import { fuzzNative, testNative } from './native-tests.js';
import { otherNodes } from './nodes.js';
import { oneFailure, onePass, Tally } from './results.js';
import {
  testOnNode,
  testPackageOnArm64,
  testQemu,
  testSanitizedAddon,
  testTypescript,
} from './vitest.js';

type Part = VariantName | 'lint' | 'fuzz' | 'addon' | 'addon-asan' | 'vitest' | 'nodes' | 'qemu';

/** The names that --only takes, each with the parts that it stands for. */
const selections: Readonly<Record<string, readonly Part[]>> = {
  lint: ['lint'],
  native: ['release', 'asan', 'tsan'],
  release: ['release'],
  asan: ['asan'],
  tsan: ['tsan'],
  fuzz: ['fuzz'],
  addon: ['addon'],
  'addon-asan': ['addon-asan'],
  vitest: ['vitest'],
  nodes: ['nodes'],
  arm64: ['arm64'],
  qemu: ['qemu'],
};

export const selectionNames = Object.keys(selections);

export interface Work {
  readonly name: string;
  readonly part?: Part;
  readonly needs: readonly string[];
  /** It is one test by itself, which passes when the work succeeds. */
  readonly counts?: boolean;
  /** A tally, where it is tests. */
  readonly work: () => Promise<unknown>;
}

const packages = 'setup: system packages';
const addon = 'addon';
const typescript = 'build: TypeScript';
const packed = 'addons: as the package carries them';

function lint(name: string, needs: readonly string[], work: () => Promise<void>): Work {
  return { name, part: 'lint', needs, counts: true, work };
}

function nativeWork(variant: Exclude<VariantName, 'arm64'>): Work[] {
  const built = `native: build of ${variants[variant].label}`;
  return [
    { name: built, needs: [packages], work: () => buildNative(prepare(variant)) },
    {
      name: `native: tests of ${variants[variant].label}`,
      part: variant,
      needs: [built],
      work: () => testNative(prepare(variant)),
    },
  ];
}

async function testOnOtherNodes(): Promise<Tally> {
  const tally = new Tally();
  // These tests wait for time to pass as often as for a processor: all Nodes at once end sooner.
  const nodes = await otherNodes();
  for (const each of await Promise.all(nodes.map(testOnNode))) tally.addAll(each);
  return tally;
}

function plan(fuzzSeconds: number): Work[] {
  const asan = `native: build of ${variants.asan.label}`;
  return [
    { name: packages, needs: [], work: () => ensureDebianPackages(packagesFor.checks) },
    lint('lint: Biome', [], checkWithBiome),
    lint('lint: types', [], checkTypes),
    lint('lint: programs in the guides', [], checkGuides),
    lint('lint: API reference', [], checkReference),
    lint('lint: manual pages', [], checkManPages),
    lint('lint: clang-format', [packages], checkClangFormat),
    lint('lint: clang-tidy', [packages], () => checkClangTidy(prepare('release'))),
    ...nativeWork('release'),
    ...nativeWork('asan'),
    ...nativeWork('tsan'),
    {
      name: 'fuzz',
      part: 'fuzz',
      needs: [asan],
      work: () => fuzzNative(prepare('asan'), fuzzSeconds),
    },
    { name: addon, part: 'addon', needs: [packages], counts: true, work: buildAddon },
    { name: typescript, part: 'addon', needs: [], counts: true, work: buildTypescript },
    { name: packed, needs: [addon, typescript], work: prebuildAddons },
    { name: 'vitest', part: 'vitest', needs: [packed], work: testTypescript },
    { name: 'nodes', part: 'nodes', needs: [packed], work: testOnOtherNodes },
    { name: 'native: tests of 64-bit Arm', part: 'arm64', needs: [packages], work: testArm64 },
    { name: 'package on 64-bit Arm', part: 'arm64', needs: [packed], work: testPackageOnArm64 },
    {
      name: 'vitest: addon with ASan',
      part: 'addon-asan',
      needs: [typescript, asan],
      work: () => testSanitizedAddon(prepare('asan')),
    },
    { name: 'qemu', part: 'qemu', needs: [packages, addon, typescript], work: testQemu },
  ];
}

/** The pieces of work that belong to the parts chosen, and all that those need, in order. */
export function select(all: readonly Work[], parts: ReadonlySet<Part>): Work[] {
  const chosen = new Set<Work>();
  const choose = (piece: Work) => {
    chosen.add(piece);
    for (const need of piece.needs) {
      const needed = all.find(({ name }) => name === need);
      if (!needed) throw new Error(`"${piece.name}" needs "${need}", which there is not`);
      choose(needed);
    }
  };
  for (const piece of all) if (piece.part && parts.has(piece.part)) choose(piece);
  return all.filter((piece) => chosen.has(piece));
}

/** Does one piece of work; what went wrong is told here or by its step. */
async function resultOf({ name, counts, work }: Work): Promise<Tally | undefined> {
  try {
    const result = await work();
    return result instanceof Tally ? result : Tally.of(counts ? [onePass(name)] : []);
  } catch (error) {
    if (!(error instanceof StepFailed)) {
      tell(`${name}: FAILED: ${error instanceof Error ? error.message : error}`);
    }
    return undefined;
  }
}

/** Does all of it, goes on after a failure, and sums up. */
export async function perform(work: readonly Work[], print = tell): Promise<Tally> {
  const total = new Tally();
  const failed = new Set<string>();
  for (const piece of work) {
    const broken = piece.needs.find((need) => failed.has(need));
    if (broken) print(`${piece.name}: FAILED, because "${broken}" failed`);
    const result = broken ? undefined : await resultOf(piece);
    if (result) {
      for (const line of result.lines) print(line);
      total.addAll(result);
    } else {
      failed.add(piece.name);
      total.add(oneFailure(piece.name));
    }
  }
  return total;
}

export interface TestOptions {
  /** Names of selections; all when not given. */
  readonly only?: readonly string[];
  readonly fuzzSeconds: number;
}

/** Returns the exit code. */
export async function test({ only = selectionNames, fuzzSeconds }: TestOptions): Promise<number> {
  const parts = new Set(only.flatMap((name) => selections[name] ?? []));
  removeUnused();
  const total = await perform(select(plan(fuzzSeconds), parts));
  console.log(total.summary);
  return total.failed > 0 || total.passed === 0 ? 1 : 0;
}
