// QEMU's source package from the distribution that this system installs from, checked by apt. The
// system's own lists of packages are only read: this keeps its own.
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../errors/message-of.js';
import { outputOf, runSync } from '../../system/processes.js';
import type { Run } from '../../system/step.js';
import { QemuBuildError } from './errors.js';

const distributions = new Set(['Debian', 'Ubuntu']);
const debianKeys = '/usr/share/keyrings/debian-archive-keyring.gpg';

interface Repository {
  readonly uri: string;
  readonly suite: string;
  readonly component: string;
}

/** Where the distribution's own packages come from; without those added by others. */
function repositories(): Repository[] {
  const format = '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)';
  const targets = ['indextargets', '--format', format, 'Created-By: Packages'];
  return runSync('apt-get', targets)
    .stdout.split('\n')
    .flatMap((line) => {
      const [uri, suite, component, origin = ''] = line.split(' ');
      if (!uri || !suite || !component) return [];
      // Before the first `apt-get update` no origin is known.
      const known = origin !== '' && !origin.startsWith('$');
      return known && !distributions.has(origin) ? [] : [{ uri, suite, component }];
    });
}

/** apt with a home of its own. */
function options(home: string): string[] {
  const settings = {
    'Dir::Etc::sourcelist': join(home, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'Dir::State::lists': join(home, 'lists'),
    'Dir::Cache': join(home, 'cache'),
    // It would have to enter our directories as another user.
    'APT::Sandbox::User': '',
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

function writeSourcesList(home: string): void {
  for (const name of ['lists/partial', 'cache/archives/partial']) {
    mkdirSync(join(home, name), { recursive: true });
  }
  const found = repositories();
  if (found.length === 0) throw new Error('apt knows no repository of this distribution');
  const signed = existsSync(debianKeys) ? `[signed-by=${debianKeys}] ` : '';
  const lines = found.map(
    ({ uri, suite, component }) => `deb-src ${signed}${uri} ${suite} ${component}`,
  );
  writeFileSync(join(home, 'sources.list'), `${[...new Set(lines)].join('\n')}\n`);
}

/** The newest source version that begins with `series`, without its epoch in the comparison. */
function newestVersion(home: string, series: string): string | undefined {
  const sources = [...options(home), 'showsrc', '--only-source', 'qemu'];
  const { stdout } = runSync('apt-cache', sources);
  const versions = [...stdout.matchAll(/^Version: (\S+)$/gm)].flatMap(
    ([, version]) => version ?? [],
  );
  const ours = versions.filter((version) => version.replace(/^\d+:/, '').startsWith(series));
  return ours.reduce<string | undefined>((best, version) => {
    if (best === undefined) return version;
    const isNewer = outputOf('dpkg', '--compare-versions', version, 'gt', best) !== undefined;
    return isNewer ? version : best;
  }, undefined);
}

/** Fetches the source package of a version such as "7.2" and returns the path of its .dsc. */
export async function fetchDebianSource(
  shelf: string,
  series: string,
  run: Run,
): Promise<{ dsc: string; version: string }> {
  const home = join(shelf, 'apt');
  let version: string | undefined;
  try {
    writeSourcesList(home);
    await run('apt-get', [...options(home), 'update']);
    version = newestVersion(home, series);
  } catch (cause) {
    const reason = messageOf(cause);
    throw new QemuBuildError('no-source', `apt does not give source packages: ${reason}`, {
      cause,
    });
  }
  if (!version) {
    throw new QemuBuildError(
      'no-source',
      `the distribution that this system installs from has no source package of QEMU ${series}`,
    );
  }
  const directory = join(shelf, `debian-${version.replace(/[^\w.+~-]/g, '_')}`);
  mkdirSync(directory, { recursive: true });
  const download = ['source', '--download-only', '--only-source', `qemu=${version}`];
  await run('apt-get', [...options(home), ...download], { cwd: directory });
  const dsc = readdirSync(directory).find((name) => name.endsWith('.dsc'));
  if (!dsc) throw new QemuBuildError('no-source', `apt-get source left no .dsc in ${directory}`);
  return { dsc: join(directory, dsc), version };
}
