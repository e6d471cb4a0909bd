// Debian packages for the guest: fetched through apt, which checks them, and unpacked into the cache.
// Nothing is installed on this machine, and root is not needed.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory, keyOf } from '../../../system/cache.js';
import { withLock } from '../../../system/lock.js';
import { run } from '../../../system/processes.js';
import { GuestImageError } from '../guest-image-error.js';

/** Called with a line about each step that takes long. */
export type Log = (text: string) => void;

/** Which packages are wanted. */
export interface PackageRequest {
  readonly names: readonly string[];
  /** Also their dependencies, as if nothing were installed. */
  readonly withDependencies: boolean;
  /** Debian's name of the architecture they are for; this machine's, when not given. */
  readonly architecture?: string;
  readonly log?: Log;
}

/** Where apt works, and for which architecture if not for this machine's. */
interface AptHome {
  readonly home: string;
  readonly architecture?: string | undefined;
}

function aptHome(architecture?: string): AptHome {
  const name = architecture === undefined ? 'apt' : `apt-${architecture}`;
  return { home: join(cacheDirectory('lab'), name), architecture };
}

/** Options that make apt ignore what is installed, and write nothing outside `home`. */
function aptOptions({ home, architecture }: AptHome, ownLists: boolean): string[] {
  const settings: Record<string, string> = {
    'Dir::State::status': '/dev/null',
    'Dir::Cache': join(home, 'cache'),
    'Debug::NoLocking': '1',
    'APT::Install-Recommends': '0',
    // Else apt would enter our directories as another user, who may not.
    'APT::Sandbox::User': '',
    ...(ownLists ? { 'Dir::State::lists': join(home, 'lists') } : {}),
    ...(architecture
      ? { 'APT::Architecture': architecture, 'APT::Architectures': architecture }
      : {}),
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

async function apt(command: string, options: readonly string[], ...args: string[]) {
  const { stdout } = await run(command, [...options, ...args], { env: { LC_ALL: 'C' } });
  return stdout;
}

function reasonOf(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  return stderr?.trim() || message;
}

/**
 * Calls `ask` with options of apt under which it succeeds: with this system's package lists, else with our own. For
 * another architecture the system has none, and ours serve as they are as long as they are good for it.
 */
async function withLists<T>(
  place: AptHome,
  log: Log,
  ask: (options: readonly string[]) => Promise<T>,
): Promise<T> {
  for (const name of ['lists/partial', 'cache/archives/partial']) {
    mkdirSync(join(place.home, name), { recursive: true });
  }
  try {
    return await ask(aptOptions(place, place.architecture !== undefined));
  } catch {
    // There are no package lists, or outdated ones.
  }
  const options = aptOptions(place, true);
  try {
    log('fetching package lists');
    await apt('apt-get', options, 'update');
    return await ask(options);
  } catch (error) {
    throw new GuestImageError(
      `apt can't fetch the packages: ${reasonOf(error)}. Expected: Debian 12 and a repository that apt can reach.`,
      { cause: error },
    );
  }
}

/** What apt would fetch: a line for each package, with its version and checksum. */
function list(options: readonly string[], { names, withDependencies }: PackageRequest) {
  const how = withDependencies ? ['install', '--yes'] : ['download'];
  return apt('apt-get', options, '--quiet=2', '--print-uris', ...how, ...names);
}

async function fetchInto(
  directory: string,
  options: readonly string[],
  { names, withDependencies }: PackageRequest,
): Promise<string[]> {
  const archives = join(directory, 'archives');
  mkdirSync(join(archives, 'partial'), { recursive: true });
  if (withDependencies) {
    const here = ['-o', `Dir::Cache::archives=${archives}`];
    await apt('apt-get', [...options, ...here], '--yes', '--download-only', 'install', ...names);
  } else {
    await run('apt-get', [...options, 'download', ...names], { cwd: archives });
  }
  return readdirSync(archives)
    .filter((name) => name.endsWith('.deb'))
    .map((name) => join(archives, name));
}

const answers = new Map<string, Promise<string>>();

/** Asks apt once in each process: asking takes a second, and two runs should get the same packages. */
function once(key: string, ask: () => Promise<string>): Promise<string> {
  const known = answers.get(key);
  if (known) return known;
  const answer = ask();
  answers.set(key, answer);
  answer.catch(() => answers.delete(key));
  return answer;
}

/** The directory with the unpacked packages; fetches and unpacks them unless an earlier call has. */
export function unpackedPackages(request: PackageRequest): Promise<string> {
  const { names, withDependencies, architecture } = request;
  return once(JSON.stringify([names, withDependencies, architecture]), () => unpack(request));
}

async function unpack(request: PackageRequest): Promise<string> {
  const { names, architecture, log = () => {} } = request;
  const cache = cacheDirectory('lab');
  const found = await withLists(aptHome(architecture), log, async (options) => ({
    options,
    uris: await list(options, request),
  }));
  const key = keyOf([architecture ?? process.arch, found.uris.split('\n').sort()]);
  const directory = join(cache, `packages-${key}`);
  await withLock(`lab-packages-${key}`, log, async () => {
    if (existsSync(directory)) return;
    const part = `${directory}.part`;
    rmSync(part, { recursive: true, force: true });
    const tree = join(part, 'tree');
    mkdirSync(tree, { recursive: true });
    log(`fetching ${names.join(', ')}`);
    for (const archive of await fetchInto(part, found.options, request)) {
      await run('dpkg-deb', ['--extract', archive, tree]);
    }
    rmSync(join(part, 'archives'), { recursive: true });
    renameSync(tree, directory);
    rmSync(part, { recursive: true });
  });
  return directory;
}

/** The package that a metapackage depends on, such as the one for the newest kernel. */
export function packageBehind(name: string, prefix: string, log: Log = () => {}): Promise<string> {
  const ask = async (options: readonly string[]) => {
    const text = await apt('apt-cache', options, 'depends', '--important', name);
    const behind = new RegExp(`Depends: (${prefix}\\S+)`).exec(text)?.[1];
    if (!behind) throw new GuestImageError(`${name} does not depend on a package ${prefix}…`);
    return behind;
  };
  return once(`${name} ${prefix}`, () => withLists(aptHome(), log, ask));
}
