// Debian packages for the guest: fetched through apt, which checks them, and unpacked into the cache.
// Nothing of them is installed on this machine, and root is not needed.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDirectory, keyOf } from '../../../../scripts/run/cache.mjs';
import { withLock } from '../../../../scripts/run/lock.mjs';

const run = promisify(execFile);
const outputBytes = 64 << 20;

/** Told what takes long. */
export type Say = (text: string) => void;

export interface PackageRequest {
  readonly names: readonly string[];
  /** Also everything that they need, as if nothing were installed. */
  readonly withDependencies: boolean;
  readonly say?: Say;
}

/** apt that takes no notice of what is installed, and touches nothing outside `home`. */
function aptOptions(home: string, ownLists: boolean): string[] {
  const settings: Record<string, string> = {
    'Dir::State::status': '/dev/null',
    'Dir::Cache': join(home, 'cache'),
    'Debug::NoLocking': '1',
    'APT::Install-Recommends': '0',
    // It would have to enter our directories as another user.
    'APT::Sandbox::User': '',
    ...(ownLists ? { 'Dir::State::lists': join(home, 'lists') } : {}),
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

async function apt(command: string, options: readonly string[], ...args: string[]) {
  const env = { ...process.env, LC_ALL: 'C' };
  const { stdout } = await run(command, [...options, ...args], { env, maxBuffer: outputBytes });
  return stdout;
}

function reasonOf(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  return stderr?.trim() || message;
}

/** Answers with apt's options that know the packages: this system's lists, else lists of our own. */
async function withLists<T>(
  home: string,
  say: Say,
  ask: (options: readonly string[]) => Promise<T>,
): Promise<T> {
  for (const name of ['lists/partial', 'cache/archives/partial']) {
    mkdirSync(join(home, name), { recursive: true });
  }
  try {
    return await ask(aptOptions(home, false));
  } catch {
    // This system has no lists, or old ones.
  }
  const options = aptOptions(home, true);
  try {
    say('fetching the lists of packages');
    await apt('apt-get', options, 'update');
    return await ask(options);
  } catch (error) {
    throw new Error(
      `apt does not give what the guest is made of: ${reasonOf(error)}. A Debian 12 with a ` +
        'repository that apt can reach is expected.',
      { cause: error },
    );
  }
}

/** What would be fetched: a line for each package, with its version and checksum. */
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

/** Asks apt once a process: each time takes a second, and the answer should not change between two runs. */
function once(key: string, ask: () => Promise<string>): Promise<string> {
  const known = answers.get(key);
  if (known) return known;
  const answer = ask();
  answers.set(key, answer);
  answer.catch(() => answers.delete(key));
  return answer;
}

/** The directory into which the packages are unpacked: now, or by an earlier call. */
export function unpackedPackages(request: PackageRequest): Promise<string> {
  const { names, withDependencies } = request;
  return once(JSON.stringify([names, withDependencies]), () => unpack(request));
}

async function unpack(request: PackageRequest): Promise<string> {
  const { names, say = () => {} } = request;
  const shelf = cacheDirectory('lab');
  const home = join(shelf, 'apt');
  const found = await withLists(home, say, async (options) => ({
    options,
    uris: await list(options, request),
  }));
  const key = keyOf([process.arch, found.uris.split('\n').sort()]);
  const directory = join(shelf, `packages-${key}`);
  await withLock(`lab-packages-${key}`, say, async () => {
    if (existsSync(directory)) return;
    const part = `${directory}.part`;
    rmSync(part, { recursive: true, force: true });
    const tree = join(part, 'tree');
    mkdirSync(tree, { recursive: true });
    say(`fetching ${names.join(', ')}`);
    for (const archive of await fetchInto(part, found.options, request)) {
      await run('dpkg-deb', ['--extract', archive, tree]);
    }
    rmSync(join(part, 'archives'), { recursive: true });
    renameSync(tree, directory);
    rmSync(part, { recursive: true });
  });
  return directory;
}

/** The package that a package without contents stands for, such as that of the newest kernel. */
export function packageBehind(name: string, prefix: string, say: Say = () => {}): Promise<string> {
  const home = join(cacheDirectory('lab'), 'apt');
  const ask = async (options: readonly string[]) => {
    const text = await apt('apt-cache', options, 'depends', '--important', name);
    const behind = new RegExp(`Depends: (${prefix}\\S+)`).exec(text)?.[1];
    if (!behind) throw new Error(`${name} depends on no ${prefix}`);
    return behind;
  };
  return once(`${name} ${prefix}`, () => withLists(home, say, ask));
}
