// What is built for the tests alone, from a tree that has just been compiled: QEMUs that break a rule,
// QEMU's own tests of migration, and one of them that ThreadSanitizer watches.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, parse } from 'node:path';
import { QemuBuildError } from './errors.js';
import type { Library } from './library.js';
import { watchThreads } from './sanitizers.js';

export interface Workshop {
  readonly tree: string;
  readonly objects: string;
  /** Where it will be installed from. */
  readonly installed: string;
  /** The program for the first target. */
  readonly program: string;
  /** Compiles these files as a step of that name; what it needs first belongs to the step. */
  compile(what: string, files: readonly string[], before?: () => void): Promise<void>;
}

/** Where a series keeps its test switches, and the macro that says which one a build has. */
const switchesHeader = 'migration/fake-dirty-broken.h';
const switchMacro = 'FAKE_DIRTY_BREAK';

/** The one that breaks none: it is linked with fingerprints of 8 bits. */
export const crippled = 'CRIPPLED';

/** The one of the series' unit tests that has threads, and QEMU's test of migration as a whole. */
const threadsTest = 'tests/unit/test-fake-dirty-multifd';
const migrationTest = 'tests/qtest/migration-test';

/** The unit tests that the series has added to a tree. */
export function unitTestsOf(tree: string): string[] {
  return readdirSync(join(tree, 'tests', 'unit'))
    .filter((file) => /^test-fake-dirty.*\.c$/.test(file))
    .map((file) => `tests/unit/${parse(file).name}`);
}

/** The name of a unit test that has a switch, and may have to fail. */
export function brokenUnitTest(test: string, name: string): string {
  return `${test}-broken-${name}`;
}

/** The name of the unit test with threads that ThreadSanitizer watches. */
export const watchedUnitTest = `${basename(threadsTest)}-tsan`;

/** Compiles these once more with one file of the build changed. */
async function compileChanged(
  { compile }: Workshop,
  what: string,
  files: readonly string[],
  file: string,
  change: (text: string) => string,
): Promise<void> {
  const text = readFileSync(file, 'utf8');
  await compile(what, files, () => writeFileSync(file, change(text)));
  writeFileSync(file, text);
}

/** Copies a test that has been built to where it is kept, and returns that path. */
function keep({ objects, installed }: Workshop, test: string, name = basename(test)): string {
  const kept = join('tests', name);
  mkdirSync(join(installed, 'tests'), { recursive: true });
  cpSync(join(objects, test), join(installed, kept));
  return kept;
}

/** Builds the program and the unit tests once more with a change that breaks something; returns the program's path. */
async function makeWith(
  workshop: Workshop,
  name: string,
  file: string,
  change: (text: string) => string,
): Promise<string> {
  const { objects, installed, program } = workshop;
  const unitTests = unitTestsOf(workshop.tree);
  await compileChanged(workshop, `breaking ${name}`, [program, ...unitTests], file, change);
  const made = join('bin', `${program}-broken-${name}`);
  cpSync(join(objects, program), join(installed, made));
  for (const test of unitTests) keep(workshop, test, brokenUnitTest(basename(test), name));
  return made;
}

/** One program more: only what sees the switches is compiled again. */
export function makeBroken(workshop: Workshop, name: string): Promise<string> {
  return makeWith(workshop, name, join(workshop.tree, switchesHeader), (text) => {
    if (text.includes(`${switchMacro}_${name},\n`)) {
      return `#define ${switchMacro} ${switchMacro}_${name}\n${text}`;
    }
    throw new QemuBuildError('series-does-not-apply', `The series has no switch ${name}.`);
  });
}

/** One program more: only linked again. */
export function makeCrippled(workshop: Workshop, library: Library): Promise<string> {
  const { archive, crippledArchive } = library;
  return makeWith(workshop, crippled, join(workshop.objects, 'build.ninja'), (text) =>
    text.replaceAll(archive, crippledArchive),
  );
}

/** Builds QEMU's own tests and returns their paths by name. Sanitizers cannot be combined. */
export async function keepTests(workshop: Workshop, patched: boolean, sanitized: boolean) {
  const { objects, tree } = workshop;
  const tests = patched ? [...unitTestsOf(tree), migrationTest] : [migrationTest];
  await workshop.compile('building its tests', tests);
  const kept = tests
    .filter((test) => existsSync(join(objects, test)))
    .map((test) => [basename(test), keep(workshop, test)]);
  if (patched && !sanitized) {
    const rules = join(objects, 'build.ninja');
    const change = (text: string) => watchThreads(text, threadsTest);
    await compileChanged(workshop, 'building tests to watch', [threadsTest], rules, change);
    kept.push([watchedUnitTest, keep(workshop, threadsTest, watchedUnitTest)]);
  }
  return Object.fromEntries(kept) as Record<string, string>;
}
