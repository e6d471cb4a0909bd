// `fakedirty qemu`: builds the patched QEMU, says where it is, and what this machine can do with it.
import { availableParallelism } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { buildQemu, installTo } from '../qemu/compile/build.js';
import { latestBuilt, notBuiltError, programOf } from '../qemu/compile/built.js';
import {
  defaultQemuVersion,
  type QemuVersion,
  qemuVersions,
  whyDefaultVersion,
} from '../qemu/compile/versions.js';
import { doctor, doctorText } from '../qemu/probe/doctor.js';
import { list, oneOf, positiveInteger } from './option-values.js';
import { outputOptions, printResult } from './output-options.js';
import { refuseWithoutEffect, replacedBy } from './without-effect.js';

function targetList(text: string): string[] {
  const targets = list(text, []);
  const strange = targets.find((target) => !/^\w+-softmmu$/.test(target));
  if (strange !== undefined || targets.length === 0) {
    throw new InvalidArgumentError(`Expected names such as x86_64-softmmu, with commas between.`);
  }
  return targets;
}

const versionOption = () =>
  oneOf(new Option('--version <version>', 'which QEMU'), qemuVersions).default(
    defaultQemuVersion,
    `${defaultQemuVersion}, ${whyDefaultVersion}`,
  );
const unpatchedOption = () =>
  new Option('--unpatched', 'the same QEMU without the series, to compare with').default(false);

interface BuildOptions {
  version: QemuVersion;
  source?: string;
  refreshSource: boolean;
  unpatched: boolean;
  targetList: string[];
  enable: string[];
  disable: string[];
  broken: string[];
  tests: boolean;
  sanitize: boolean;
  jobs: number;
  prefix?: string;
  install: boolean;
}

function addBuild(parent: Command): void {
  refuseWithoutEffect(parent.command('build'), [replacedBy('--refresh-source', '--source')])
    .description('Builds libfakedirty and QEMU with the series, or finds that this has been done.')
    .addOption(versionOption())
    .option('--source <path>', 'a release tarball or a source tree, which stays as it is')
    .option(
      '--refresh-source',
      'look again for the best source instead of the one found before',
      false,
    )
    .addOption(unpatchedOption())
    .addOption(
      new Option('--target-list <list>', 'the machines to emulate, with commas between')
        .argParser(targetList)
        .default(['x86_64-softmmu'], 'x86_64-softmmu'),
    )
    .option(
      '--enable <features>',
      "features that QEMU's configure knows, such as slirp,linux-aio",
      list,
      [],
    )
    .option('--disable <features>', 'features to leave out, such as gnutls', list, [])
    .addOption(
      new Option('--jobs <number>', 'how many compilers run at a time')
        .argParser(positiveInteger)
        .default(availableParallelism(), 'one for each processor'),
    )
    .addOption(
      new Option('--broken <switches>', 'for the tests: programs that break one rule each')
        .argParser(list)
        .default([])
        .hideHelp(),
    )
    .addOption(new Option('--tests', "keep QEMU's own tests").default(false).hideHelp())
    .addOption(new Option('--sanitize', 'with ASan and UBSan').default(false).hideHelp())
    .option('--prefix <directory>', 'put a copy there, as bin/ and share/')
    .option('--no-install', 'do not install missing packages, only name them')
    .addHelpText(
      'after',
      `
Without --source it takes the official release, its checksum verified, and where that can't be had
the distribution's source package; it says which, and why. All is built on a copy. The result is
kept by what went in: a second call finds it at once. Builds and logs are in ~/.cache/fakedirty,
or where FAKEDIRTY_CACHE says. Missing packages are named, then installed if you are root or have sudo.

Examples:
  fakedirty qemu build
  fakedirty qemu build --version 8.1 --source ~/Downloads/qemu-8.1.5.tar.xz --prefix /opt/qemu
  $(fakedirty qemu path) --version`,
    )
    .action(async (options: BuildOptions) => {
      const { targetList: targets, install: mayInstallPackages, prefix, source, ...rest } = options;
      const named = source === undefined ? {} : { source };
      const built = await buildQemu({ ...rest, ...named, targets, mayInstallPackages });
      if (prefix !== undefined) {
        installTo(built, prefix);
        if (!outputOptions().json) console.log(`copied to ${prefix}`);
      }
      const programs = Object.fromEntries(targets.map((name) => [name, programOf(built, name)]));
      printResult({ version: built.fullVersion, series: built.series, programs, prefix }, () => {
        const head = `QEMU ${built.fullVersion}, series ${built.series ?? 'none'}:`;
        return [head, ...Object.values(programs).map((program) => `  ${program}`)].join('\n');
      });
    });
}

function addPath(parent: Command): void {
  parent
    .command('path')
    .description('Prints the path of the QEMU that was built last, and nothing else: for scripts.')
    .addOption(versionOption())
    .addOption(unpatchedOption())
    .option('--target <target>', 'which of the programs built, by its target', 'x86_64-softmmu')
    .action(
      ({
        version,
        unpatched,
        target,
      }: {
        version: QemuVersion;
        unpatched: boolean;
        target: string;
      }) => {
        const built = latestBuilt(version, unpatched);
        if (!built) throw notBuiltError(version, unpatched);
        const program = programOf(built, target);
        printResult({ version: built.fullVersion, series: built.series, program }, () => program);
      },
    );
}

function addDoctor(parent: Command): void {
  parent
    .command('doctor')
    .description('Says what this machine has for building, running and migrating QEMU.')
    .option('--json', 'as JSON, for programs', false)
    .addHelpText(
      'after',
      `
It boots small guests with each accelerator and measures them, in ring 0, which Linux needs, and in
ring 3, where the bare guest works: /dev/kvm may open and yet boot no Linux, or crawl. It says which
is for what. Missing things are named, with what to do; the exit code is 0 all the same.`,
    )
    .action(async ({ json }: { json: boolean }) => {
      const findings = await doctor();
      if (json) console.log(JSON.stringify(findings, null, 2));
      else console.log(doctorText(findings));
    });
}

export function addQemu(program: Command): void {
  const qemu = program
    .command('qemu')
    .description('Builds and finds the QEMUs that skip fake dirty pages.');
  addBuild(qemu);
  addPath(qemu);
  addDoctor(qemu);
}
