// Builds QEMU: source, series, libfakedirty, configure, compile, install into the cache. What comes out
// is kept by what went in; what went in is left as it was.
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureWritable } from '../../system/atomic-write.js';
import { cacheDirectory, keyOf } from '../../system/cache.js';
import { withLock } from '../../system/lock.js';
import { packageRoot } from '../../system/package-root.js';
import { undoAtExit } from '../../system/signals.js';
import { tell } from '../../system/step.js';
import { type BuiltQemu, buildDirectory, readBuilt, rememberLatest } from './built.js';
import { libraryDigest } from './library.js';
import { make } from './make.js';
import { compilerVersion, ensureRequirements, ensureRoom } from './requirements.js';
import { readSeries, type Series } from './series.js';
import { defaultSource, namedSource } from './source.js';
import type { QemuVersion } from './versions.js';

/** Changes when the steps below make something else of the same inputs. */
const recipe = 2;

export interface BuildRequest {
  readonly version: QemuVersion;
  /** A tarball or directory; the official release or the distribution's package when not given. */
  readonly source?: string;
  readonly refreshSource: boolean;
  readonly unpatched: boolean;
  readonly targets: readonly string[];
  /** Names of features for QEMU's configure. */
  readonly enable: readonly string[];
  readonly disable: readonly string[];
  readonly jobs: number;
  /** Switches of the series that break one rule each: one program more for each, for the tests. */
  readonly broken: readonly string[];
  /** Keep QEMU's own tests of migration beside it. */
  readonly tests: boolean;
  readonly sanitize: boolean;
  readonly mayInstallPackages: boolean;
}

/** What migration needs; without the rest, a build is much faster. */
const features = ['system', 'tcg', 'kvm', 'zstd', 'gnutls', 'avx2', 'fdt=system'];

/** Firmware that Debian leaves out of QEMU's source and packages by itself. */
const firmwarePath = '/usr/share/seabios:/usr/share/qemu:/usr/lib/ipxe/qemu';

/** Nothing is to be downloaded behind our back; QEMU 7.2 does so in a git checkout only. */
const versionOptions: Record<QemuVersion, readonly string[]> = {
  '8.1': ['--disable-download'],
  '7.2': [],
};

/** The arguments of QEMU's configure. */
export function configureOptions(
  request: Pick<BuildRequest, 'version' | 'targets' | 'enable' | 'disable' | 'sanitize'>,
  series: Series | undefined,
): string[] {
  const { version, targets, enable, disable, sanitize } = request;
  const wanted = series ? [...features, 'fakedirty'] : features;
  const kept = wanted.filter((feature) => !disable.includes(feature));
  return [
    `--target-list=${targets.join(',')}`,
    '--without-default-features',
    ...[...new Set([...kept, ...enable])].map((feature) => `--enable-${feature}`),
    ...disable.map((feature) => `--disable-${feature}`),
    '--disable-docs',
    '--disable-debug-info',
    '--disable-werror',
    '--disable-install-blobs',
    ...versionOptions[version],
    ...(sanitize ? ['--enable-sanitizers'] : []),
    `--firmwarepath=${firmwarePath}`,
    `--with-pkgversion=fakedirty ${series?.digest ?? 'unpatched'}`,
  ];
}

/** Whether a build has the programs that the tests need beside QEMU: these do not make it another build. */
function hasExtras(built: BuiltQemu, { broken, tests }: BuildRequest): boolean {
  return broken.every((name) => built.broken[name]) && (!tests || 'migration-test' in built.tests);
}

/** A rebuild keeps the extras that the build before had. */
function withExtras(request: BuildRequest, before: BuiltQemu | undefined): BuildRequest {
  if (!before) return request;
  return {
    ...request,
    broken: [...new Set([...Object.keys(before.broken), ...request.broken])],
    tests: request.tests || Object.keys(before.tests).length > 0,
  };
}

/** The QEMU asked for, built now or before. */
export async function buildQemu(request: BuildRequest): Promise<BuiltQemu> {
  const { version, unpatched } = request;
  const series = unpatched ? undefined : readSeries(join(packageRoot, 'qemu-patches'), version);
  await ensureRequirements(request.mayInstallPackages);
  const source = request.source
    ? await namedSource(request.source)
    : await defaultSource(version, request.refreshSource);
  tell(`source: ${source.description}`);

  const compiler = compilerVersion();
  const options = configureOptions(request, series);
  const library = series ? libraryDigest(compiler) : null;
  const inputs = [source.identity, series?.digest ?? null, library, options, compiler];
  const name = `${version}-${unpatched ? 'unpatched-' : ''}${keyOf([recipe, ...inputs])}`;
  const directory = buildDirectory(name);
  await withLock(`qemu-${name}`, tell, async () => {
    const before = readBuilt(directory);
    if (before && hasExtras(before, request)) return;
    const building = cacheDirectory('building', name);
    const undo = () => rmSync(building, { recursive: true, force: true });
    // On Ctrl-C the process exits when its compilers have ended.
    const cancelCleanup = undoAtExit(undo);
    try {
      // A run that was killed may have left something.
      rmSync(building, { recursive: true, force: true });
      ensureRoom(cacheDirectory('building', name));
      const wanted = withExtras(request, before);
      await make({ request: wanted, source, series, options, compiler, building, directory });
    } finally {
      undo();
      cancelCleanup();
    }
  });
  const built = readBuilt(directory);
  if (!built) throw new Error(`${directory} was built and is not there`);
  rememberLatest(built);
  return built;
}

/** Puts a copy of a QEMU under a prefix such as /usr/local: it finds its data from wherever it is. */
export function installTo(built: BuiltQemu, prefix: string): void {
  ensureWritable(prefix, 'prefix');
  for (const name of ['bin', 'share']) {
    cpSync(join(built.directory, name), join(prefix, name), { recursive: true });
  }
}
