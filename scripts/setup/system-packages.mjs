// Debian packages: says which are missing and installs them; does nothing when none is.
import { spawnSync } from 'node:child_process';
import { withLock } from '../run/lock.mjs';
import { step } from '../run/step.mjs';

const addon = ['g++', 'make', 'python3', 'libhwy-dev', 'libxxhash-dev'];
const native = [
  ...addon,
  'cmake',
  'ninja-build',
  'pkg-config',
  'libssl-dev',
  'zlib1g-dev',
  'libbenchmark-dev',
  'libgtest-dev',
  // Debian has it for amd64 alone.
  ...(process.arch === 'x64' ? ['libisal-dev'] : []),
];
/** A QEMU for x86 without its default features (lib/qemu/compile), and libfakedirty for it. */
const qemu = [
  ...addon,
  'cmake',
  'ninja-build',
  'meson',
  'pkg-config',
  'python3-venv',
  'libglib2.0-dev',
  'libpixman-1-dev',
  'libfdt-dev',
  'zlib1g-dev',
  'libzstd-dev',
  'libgnutls28-dev',
  'patch',
  'xz-utils',
  // To take QEMU's source from Debian, which leaves out the firmware that seabios has.
  'dpkg-dev',
  'seabios',
];
/** The lab (lib/lab): hosts in network namespaces, and VMs on them. */
const lab = ['iproute2', 'qemu-system-x86', 'gcc', 'binutils'];
const formatters = ['clang-format-14'];
const checks = [
  ...native,
  // The tests of `fakedirty qemu build` go as far as QEMU's own configure.
  ...qemu,
  ...lab,
  // The lab's report is looked at in a browser.
  'chromium',
  'fonts-dejavu-core',
  ...formatters,
  'clang-14',
  'clang-tidy-14',
  'libclang-rt-14-dev',
  'llvm-14',
  // An unpatched QEMU, as people have it: what drives QEMU is tested with that too.
  'qemu-system-x86',
];

/** What each kind of work needs. */
export const packagesFor = { addon, native, qemu, lab, formatters, checks };

function found(command) {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).error === undefined;
}

function missingOf(wanted) {
  const { error, stdout } = spawnSync(
    'dpkg-query',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: these are dpkg-query's placeholders
    ['--show', '--showformat', '${Package} ${db:Status-Status}\\n', ...wanted],
    { encoding: 'utf8' },
  );
  if (error) {
    throw new Error(
      `dpkg-query is not here, so this is not a Debian system. Install what these packages hold ` +
        `and build by hand (CONTRIBUTING.md): ${wanted.join(' ')}`,
    );
  }
  const installed = new Set(stdout.split('\n'));
  return [...new Set(wanted)].filter((name) => !installed.has(`${name} installed`));
}

/** The words that come before a command that needs root. */
function asRoot(missing) {
  if (!found('apt-get')) {
    throw new Error(`apt-get is not here; install these packages yourself: ${missing.join(' ')}`);
  }
  if (process.getuid() === 0) return [];
  // Asks for the password now, on the terminal; without one it must work unasked.
  const asked = process.stdin.isTTY ? ['--validate'] : ['--non-interactive', 'true'];
  if (spawnSync('sudo', asked, { stdio: 'inherit' }).status === 0) return ['sudo'];
  throw new Error(
    `these packages are missing and neither root nor sudo is at hand to install them; run: ` +
      `apt-get install --no-install-recommends ${missing.join(' ')}`,
  );
}

/** Makes sure that the packages are installed. */
export async function ensureSystemPackages(wanted) {
  if (missingOf(wanted).length === 0) return;
  await withLock('system-packages', console.log, async () => {
    const missing = missingOf(wanted);
    if (missing.length === 0) return;
    const title = 'setup: installing system packages';
    const detail = missing.join(' ');
    await step({ title, detail, log: 'system-packages' }, async ({ run }) => {
      const [command, ...before] = [
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
      const install = ['install', '--yes', '--no-install-recommends', ...missing];
      await run(command, [...before, ...install], options);
      const still = missingOf(wanted);
      if (still.length > 0) throw new Error(`apt-get did not install: ${still.join(' ')}`);
    });
  });
}
