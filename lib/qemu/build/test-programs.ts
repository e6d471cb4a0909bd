// What is built for the tests alone, from a tree that has just been compiled: QEMUs that break a rule,
// and QEMU's own tests of migration.
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { QemuBuildError } from './errors.js';
import type { Library } from './library.js';

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

/** Where a series keeps its switches, and how they begin. */
const switchesHeader = 'migration/fake-dirty-broken.h';
const switchPrefix = 'FAKE_DIRTY_BREAK_';

/** The one that breaks none: it is linked with fingerprints of 8 bits. */
export const crippled = 'CRIPPLED';

/** The test of what the series adds, and QEMU's of migration as a whole. */
const unitTest = 'tests/unit/test-fake-dirty';
const migrationTest = 'tests/qtest/migration-test';

/** The name of the unit test that has a switch, and has to fail. */
export function brokenUnitTest(name: string): string {
  return `${basename(unitTest)}-broken-${name}`;
}

/** Compiles once more with one file of the build changed; answers where what comes out is. */
async function makeWith(
  { objects, installed, program, compile }: Workshop,
  name: string,
  file: string,
  change: (text: string) => string,
): Promise<string> {
  const text = readFileSync(file, 'utf8');
  await compile(`breaking ${name}`, [program, unitTest], () => writeFileSync(file, change(text)));
  writeFileSync(file, text);
  const made = join('bin', `${program}-broken-${name}`);
  cpSync(join(objects, program), join(installed, made));
  mkdirSync(join(installed, 'tests'), { recursive: true });
  cpSync(join(objects, unitTest), join(installed, 'tests', brokenUnitTest(name)));
  return made;
}

/** One program more: only what sees the switches is compiled again. */
export function makeBroken(workshop: Workshop, name: string): Promise<string> {
  return makeWith(workshop, name, join(workshop.tree, switchesHeader), (text) => {
    if (text.includes(`${switchPrefix}${name}\n`)) {
      return `#define ${switchPrefix}${name}\n${text}`;
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

/** Builds QEMU's own tests; answers their paths by name. */
export async function keepTests(workshop: Workshop, patched: boolean) {
  const { objects, installed } = workshop;
  const files = patched ? [unitTest, migrationTest] : [migrationTest];
  await workshop.compile('building its tests', files);
  mkdirSync(join(installed, 'tests'), { recursive: true });
  return Object.fromEntries(
    files
      .filter((file) => existsSync(join(objects, file)))
      .map((file) => {
        const kept = join('tests', basename(file));
        cpSync(join(objects, file), join(installed, kept));
        return [basename(file), kept];
      }),
  );
}
