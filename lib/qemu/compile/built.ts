// The QEMUs that have been built: each in a directory of the cache, with a record of what went in.
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { didYouMean } from '../../errors/nearest.js';
import { cacheDirectory, checkoutKey } from '../../system/cache.js';
import { QemuBuildError } from './errors.js';
import { type QemuVersion, qemuVersions } from './versions.js';

const recordSchema = z.object({
  version: z.enum(qemuVersions),
  /** What the source says, such as "7.2.22". */
  fullVersion: z.string(),
  /** Digest of the patch series; null: built without it. */
  series: z.string().nullable(),
  source: z.string(),
  options: z.array(z.string()),
  compiler: z.string(),
  /** QEMU's name of the target -> its program, relative to the directory. */
  programs: z.record(z.string(), z.string()),
  /** Switch that breaks a rule -> a program for the first target that has it. */
  broken: z.record(z.string(), z.string()).default({}),
  /** QEMU's own tests, by name, and its script that looks at patches. */
  tests: z.record(z.string(), z.string()).default({}),
  /** Built with AddressSanitizer and UndefinedBehaviorSanitizer. */
  sanitized: z.boolean().default(false),
  builtAt: z.string(),
  seconds: z.number(),
});

export type BuildRecord = z.infer<typeof recordSchema>;

export interface BuiltQemu extends BuildRecord {
  readonly directory: string;
}

const recordName = 'fakedirty-build.json';
const prefix = 'qemu-';

/** Where a build lies or will lie; it is complete when it has its record. */
export function buildDirectory(name: string): string {
  return join(cacheDirectory('builds'), `${prefix}${name}`);
}

export function writeRecord(directory: string, record: BuildRecord): void {
  writeFileSync(join(directory, recordName), `${JSON.stringify(record, null, 2)}\n`);
}

/** What was built there, marked as used today; undefined when there is no complete build. */
export function readBuilt(directory: string): BuiltQemu | undefined {
  const file = join(directory, recordName);
  if (!existsSync(file)) return undefined;
  const { success, data } = recordSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (!success) return undefined;
  const now = new Date();
  utimesSync(directory, now, now);
  return { ...data, directory };
}

export function allBuilt(): BuiltQemu[] {
  const shelf = cacheDirectory('builds');
  return readdirSync(shelf)
    .filter((name) => name.startsWith(prefix))
    .flatMap((name) => readBuilt(join(shelf, name)) ?? []);
}

/** The program for a target such as "x86_64-softmmu". */
export function programOf(built: BuiltQemu, target = 'x86_64-softmmu'): string {
  const program = built.programs[target];
  if (!program) {
    const targets = Object.keys(built.programs);
    throw new QemuBuildError(
      'not-built',
      `This QEMU was built for ${targets.join(', ')}, not for ${target}.${didYouMean(target, targets)}`,
    );
  }
  return join(built.directory, program);
}

function latestFile(version: QemuVersion, unpatched: boolean, sanitized: boolean): string {
  const kind = `${unpatched ? '-unpatched' : ''}${sanitized ? '-sanitized' : ''}`;
  return join(cacheDirectory('latest-qemu'), `${checkoutKey}-${version}${kind}`);
}

/** Remembers what this checkout built or found built last. */
export function rememberLatest(built: BuiltQemu): void {
  const { version, series, sanitized, directory } = built;
  writeFileSync(latestFile(version, series === null, sanitized), directory);
}

/** What this checkout built last; undefined when it has built none, or that was removed. */
export function latestBuilt(
  version: QemuVersion,
  unpatched: boolean,
  sanitized = false,
): BuiltQemu | undefined {
  const file = latestFile(version, unpatched, sanitized);
  return existsSync(file) ? readBuilt(readFileSync(file, 'utf8')) : undefined;
}
