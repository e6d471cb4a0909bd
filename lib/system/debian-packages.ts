// Debian packages: says which are missing and installs them; does nothing when none is.
import { FakedirtyError } from '../errors/error.js';
import { withLock } from './lock.js';
import { askOnTerminal, CommandError, outputOf, runSync } from './processes.js';
import { step, tell } from './step.js';

// biome-ignore lint/suspicious/noTemplateCurlyInString: these are dpkg-query's placeholders
const stateFormat = '${Package} ${db:Status-Status}\\n';

/** Debian packages are missing and cannot be installed here: says which, and why. */
export class SystemPackagesError extends FakedirtyError {
  override readonly name = 'SystemPackagesError';
  override readonly code = 'ERR_SYSTEM_PACKAGES';
}

function installedStates(wanted: readonly string[]): string {
  try {
    return runSync('dpkg-query', ['--show', `--showformat=${stateFormat}`, ...wanted]).stdout;
  } catch (error) {
    // It fails when it does not know one of them, and says what it knows of the others.
    if (error instanceof CommandError && error.exitCode !== null) return error.stdout;
    throw new SystemPackagesError(
      'dpkg-query is not here, so this is not a Debian system. Install what these packages hold ' +
        `and build by hand (CONTRIBUTING.md): ${wanted.join(' ')}`,
      { cause: error },
    );
  }
}

function missingOf(wanted: readonly string[]): string[] {
  const installed = new Set(installedStates(wanted).split('\n'));
  return [...new Set(wanted)].filter((name) => !installed.has(`${name} installed`));
}

/** The words that come before a command that needs root. */
function asRoot(missing: readonly string[]): string[] {
  if (outputOf('apt-get', '--version') === undefined) {
    throw new SystemPackagesError(
      `apt-get is not here; install these packages yourself: ${missing.join(' ')}`,
    );
  }
  if (process.getuid?.() === 0) return [];
  // Asks for the password now, on the terminal; without one it must work unasked.
  const asked = process.stdin.isTTY ? ['--validate'] : ['--non-interactive', 'true'];
  if (askOnTerminal('sudo', asked)) return ['sudo'];
  throw new SystemPackagesError(
    'these packages are missing and neither root nor sudo is at hand to install them; run: ' +
      `apt-get install --no-install-recommends ${missing.join(' ')}`,
  );
}

async function install(missing: readonly string[]): Promise<void> {
  const title = 'setup: installing system packages';
  await step({ title, detail: missing.join(' '), log: 'system-packages' }, async ({ run }) => {
    const [command = '', ...before] = [
      ...asRoot(missing),
      'env',
      'DEBIAN_FRONTEND=noninteractive',
      'apt-get',
      '-o',
      'DPkg::Lock::Timeout=300',
    ];
    // sudo knows whom it asked by the terminal, which a group of its own does not have.
    const options = { ownGroup: command !== 'sudo' };
    await run(command, [...before, 'update'], options);
    const words = ['install', '--yes', '--no-install-recommends', ...missing];
    await run(command, [...before, ...words], options);
    const still = missingOf(missing);
    if (still.length > 0)
      throw new SystemPackagesError(`apt-get did not install: ${still.join(' ')}`);
  });
}

/** Makes sure that the packages are installed. */
export async function ensureDebianPackages(wanted: readonly string[]): Promise<void> {
  if (missingOf(wanted).length === 0) return;
  await withLock('system-packages', tell, async () => {
    const missing = missingOf(wanted);
    if (missing.length > 0) await install(missing);
  });
}
