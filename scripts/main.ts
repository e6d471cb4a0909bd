// The npm scripts: `node scripts/run.mjs NAME ...` sets up and comes here.
import { join } from 'node:path';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { ensureDebianPackages } from '../lib/system/debian-packages.js';
import { packageRoot } from '../lib/system/package-root.js';
import { StepFailed } from '../lib/system/step.js';
import { updateReference } from './api-reference.js';
import { bench, benchNative, benchQemu, callersDirectory, runFakedirty, start } from './bench.js';
import { buildAddon, buildTypescript, packagesFor, prebuildAddons } from './build.js';
import { formatAll, updateGuides } from './lint.js';
import { updateManPages } from './man-pages.js';
import { selectionNames, test } from './test.js';

const usageError = 2;

const testHelp = `
Environment:
  FAKEDIRTY_FUZZ_SECONDS   how long each fuzz target runs; default 60, 0 skips them
  FAKEDIRTY_WORKERS        how many worker threads are ended while the addon works; default 50
  FAKEDIRTY_MIGRATIONS     how many migrations compare memories; default 20, all combinations are 440
  FAKEDIRTY_FAULTS         how many migrations are broken midway; default 7
  FAKEDIRTY_QEMU_VERSION   7.2 or 8.1: whose series is tested; default 7.2
  FAKEDIRTY_QEMU_SOURCE    its source, a tarball or a tree, where it can't be had otherwise
  FAKEDIRTY_QEMU           a program to test instead of the QEMU that is built
  FAKEDIRTY_LONG=1         all tests of QEMU, for hours: its own ones, sanitizers, each patch alone
  FAKEDIRTY_HOPS           how often a Linux guest moves on in those; default 40
  FAKEDIRTY_CACHE          where builds, logs and corpora are kept; default ~/.cache/fakedirty`;

function selectedParts(text: string): string[] {
  const names = text.split(',');
  const unknown = names.find((name) => !selectionNames.includes(name));
  if (unknown === undefined) return names;
  throw new InvalidArgumentError(
    `There is no '${unknown}'; expected one of ${selectionNames.join(', ')}.`,
  );
}

/** Read before anything is built, so that a mistake costs no time. */
function fuzzSeconds(): number {
  const { FAKEDIRTY_FUZZ_SECONDS: text = '60' } = process.env;
  if (/^\d{1,7}$/.test(text)) return Number(text);
  const problem = `FAKEDIRTY_FUZZ_SECONDS is '${text}'; expected a whole number of seconds (0 skips fuzzing)`;
  throw new CommanderError(usageError, 'fakedirty.environment', problem);
}

const program = new Command('node scripts/run.mjs').exitOverride().showHelpAfterError();

program
  .command('test')
  .description('Sets the machine up, lints, builds and tests everything.')
  .option(
    '--only <name,...>',
    `only these: ${selectionNames.join(', ')} (native stands for release, asan and tsan)`,
    selectedParts,
  )
  .addHelpText('after', testHelp)
  .action(async ({ only }: { only?: string[] }) => {
    const options = { fuzzSeconds: fuzzSeconds(), ...(only === undefined ? {} : { only }) };
    process.exitCode = await test(options);
  });

program
  .command('start')
  .description(
    'Migrates a busy VM with plain pre-copy, XBZRLE, SHA-1 page by page and the filter, over a link of 1 Gbit/s; ' +
      'shows it live, compares them, and writes a report.',
  )
  .option('--out <directory>', 'where results and report go; default: lab-results/start')
  .addHelpText(
    'after',
    '\nOther experiments: npm run fakedirty -- lab run experiments/first.yaml (docs/guides/lab.md).',
  )
  .action(async ({ out }: { out?: string }) => {
    const usual = join(packageRoot, 'lab-results', 'start');
    process.exitCode = await start(out === undefined ? usual : join(callersDirectory, out));
  });

program
  .command('build')
  .description('Builds the package as it is used: dist/ and the addon.')
  .option('--package', 'for npm pack: prebuilds/ too, for each processor')
  .action(async ({ package: isPackage }: { package?: boolean }) => {
    await ensureDebianPackages(isPackage ? packagesFor.prebuilds : packagesFor.addon);
    await buildTypescript();
    await buildAddon();
    if (isPackage) await prebuildAddons();
  });

program
  .command('format')
  .description(
    'Rewrites all sources as the formatters want them, puts the examples into the guides, and makes the API reference.',
  )
  .action(async () => {
    await ensureDebianPackages(packagesFor.formatters);
    await formatAll();
    updateGuides();
    updateManPages();
    await updateReference();
  });

/** These have options of their own, --help among them. */
const programs: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  bench,
  'bench-native': benchNative,
  'bench-qemu': benchQemu,
  fakedirty: runFakedirty,
};

async function main([name = '', ...args]: readonly string[]): Promise<void> {
  const run = Object.hasOwn(programs, name) ? programs[name] : undefined;
  if (run) process.exitCode = await run(args);
  else await program.parseAsync([name, ...args], { from: 'user' });
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof CommanderError) {
    if (error.code === 'fakedirty.environment') console.error(error.message);
    process.exitCode = error.exitCode === 0 ? 0 : usageError;
  } else {
    // A step has already told its own failure.
    if (!(error instanceof StepFailed)) {
      console.error(`error: ${error instanceof Error ? error.message : error}`);
    }
    process.exitCode = 1;
  }
}
