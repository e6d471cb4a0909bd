#!/usr/bin/env node
// The command `fakedirty`.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { FakedirtyError } from '../errors/error.js';
import { OptionError } from '../errors/option-error.js';
import { UnmetNeedsError } from '../lab/index.js';
import { MigrationRefusedError } from '../migration/errors.js';
import { MeasurementError } from '../monitor/errors.js';
import { PolicyError } from '../policy/named.js';
import { QemuBuildError } from '../qemu/compile/errors.js';
import { QmpError } from '../qmp/errors.js';
import { packageRoot } from '../system/package-root.js';
import { StepFailed } from '../system/step.js';
import { addCompletion } from './completion-command.js';
import { addEstimate } from './estimate-command.js';
import { exitCodes, exitCodesHelp } from './exit-codes.js';
import { readableHelp } from './help.js';
import { addLab } from './lab-command.js';
import { guardOutput } from './lost-output.js';
import { addMigrate } from './migrate-command.js';
import { flagNames } from './option-names.js';
import { addQemu } from './qemu-command.js';
import { addReplay } from './replay-command.js';
import { addWatch } from './watch-command.js';

function packageVersion(): string {
  const file = join(packageRoot, 'package.json');
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  return version;
}

function messageOf(error: unknown): string {
  if (error instanceof FakedirtyError) return error.messageIn(flagNames);
  return error instanceof Error ? error.message : String(error);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  // A step has already told its own failure.
  if (!(error instanceof StepFailed)) console.error(`error: ${messageOf(error)}`);
  if (error instanceof QemuBuildError) return exitCodes[error.failure];
  const refusals = [MigrationRefusedError, MeasurementError, UnmetNeedsError];
  if (refusals.some((refusal) => error instanceof refusal)) return exitCodes.refused;
  if (error instanceof PolicyError || error instanceof OptionError) return exitCodes.usage;
  if (error instanceof QmpError) return exitCodes['no-qmp'];
  return exitCodes.failure;
}

guardOutput();
const program = new Command('fakedirty')
  .description('Live migration of virtual machines that skips pages that did not really change.')
  .version(packageVersion())
  // So that `qemu build` can have a --version of its own.
  .enablePositionalOptions()
  .configureHelp(readableHelp)
  .showHelpAfterError('(add --help for what there is)')
  .exitOverride()
  .addHelpText('after', exitCodesHelp);
addQemu(program);
addMigrate(program);
addWatch(program);
addReplay(program);
addEstimate(program);
addLab(program);
addCompletion(program);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}
