// The QEMUs that have been built: each in a directory of the cache, with a record of what went in.
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { didYouMean } from '../../errors/nearest.js';
import { option, sentence } from '../../errors/wording.js';
import { cacheDirectory, checkoutKey } from '../../system/cache.js';
import { packageRoot } from '../../system/package-root.js';
import { QemuBuildError } from './errors.js';
import { libraryDigest } from './library.js';
import { readSeries } from './series.js';
import { type QemuVersion, qemuVersions } from './versions.js';

const recordSchema = z.object({
  version: z.enum(qemuVersions),
  /** What the source says, such as "7.2.22". */
  fullVersion: z.string(),
  /** Digest of the patch series; null: built without it. */
  series: z.string().nullable(),
  /** Digest of the libfakedirty inside; records of older versions don't have it. */
  library: z.string().nullish(),
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

function readRecord(directory: string): BuiltQemu | undefined {
  const file = join(directory, recordName);
  if (!existsSync(file)) return undefined;
  const { success, data } = recordSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  return success ? { ...data, directory } : undefined;
}

/** What was built there, marked as used today; undefined when there is no complete build. */
export function readBuilt(directory: string): BuiltQemu | undefined {
  const built = readRecord(directory);
  if (!built) return undefined;
  const now = new Date();
  utimesSync(directory, now, now);
  return built;
}

export function allBuilt(): BuiltQemu[] {
  const shelf = cacheDirectory('builds');
  return readdirSync(shelf)
    .filter((name) => name.startsWith(prefix))
    .flatMap((name) => readRecord(join(shelf, name)) ?? []);
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

/** Whether the series and the library inside are those of this package. */
function isOurs({ version, series, library, compiler }: BuiltQemu): boolean {
  if (series === null) return true;
  const ours = readSeries(join(packageRoot, 'qemu-patches'), version).digest;
  return series === ours && library === libraryDigest(compiler);
}

/** What another checkout, or this package where it was installed before, built last of the same. */
function builtElsewhere(
  version: QemuVersion,
  unpatched: boolean,
  sanitized: boolean,
): BuiltQemu | undefined {
  return allBuilt()
    .filter((each) => each.version === version && (each.series === null) === unpatched)
    .filter((each) => each.sanitized === sanitized)
    .sort((a, b) => b.builtAt.localeCompare(a.builtAt))
    .find(isOurs);
}

/** What this checkout built last, or else any other of the same; undefined when there is none any more. */
export function latestBuilt(
  version: QemuVersion,
  unpatched: boolean,
  sanitized = false,
): BuiltQemu | undefined {
  const file = latestFile(version, unpatched, sanitized);
  const own = existsSync(file) ? readBuilt(readFileSync(file, 'utf8')) : undefined;
  return own ?? builtElsewhere(version, unpatched, sanitized);
}

/** Where root looks for builds, if that is not where the user behind sudo has built them. */
function otherCacheText(): string {
  const { SUDO_USER: user, FAKEDIRTY_CACHE: cache } = process.env;
  if (!user || user === 'root' || cache || userInfo().uid !== 0) return '';
  return (
    ` Under sudo, builds are looked for in ${cacheDirectory()}, and not in the cache of ${user}: ` +
    'name the program with --qemu "$(fakedirty qemu path)", or pass FAKEDIRTY_CACHE=~/.cache/fakedirty on.'
  );
}

/**
 * No such QEMU has been built; says how to build it, and under sudo where it was looked for. `neededBy`: what takes a program
 * instead.
 */
export function notBuiltError(
  version: QemuVersion,
  unpatched: boolean,
  neededBy?: string,
): QemuBuildError {
  const build = `fakedirty qemu build --version ${version}${unpatched ? ' --unpatched' : ''}`;
  const missing = `QEMU ${version} has not been built here: run "${build}"`;
  const words = neededBy
    ? sentence`${neededBy} needs the patch series. ${missing}, or name a program with ${option('qemu')}.`
    : `${missing}.`;
  return new QemuBuildError('not-built', sentence`${words}${otherCacheText()}`);
}
