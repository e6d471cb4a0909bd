// The command line as a whole: every command with its options. main.ts runs it; the manual pages are made from it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { packageRoot } from '../system/package-root.js';
import { addCompletion } from './completion-command.js';
import { addEstimate } from './estimate-command.js';
import { exitCodesHelp } from './exit-codes.js';
import { addExplain } from './explain-command.js';
import { addDrain } from './fleet/drain-command.js';
import { addFleetCommands } from './fleet/fleet-commands.js';
import { readableHelp } from './help.js';
import { addLab } from './lab-command.js';
import { addMigrate } from './migrate-command.js';
import { addObserve } from './observe-command.js';
import { addOutputOptions, outputOptions, paintFor } from './output-options.js';
import { addQemu } from './qemu-command.js';
import { addReplay } from './replay-command.js';
import { addWatch } from './watch-command.js';

export function packageVersion(): string {
  const file = join(packageRoot, 'package.json');
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  return version;
}

export function createProgram(): Command {
  const program = new Command('fakedirty')
    .description('Live migration of virtual machines that skips pages that did not really change.')
    .version(packageVersion())
    // So that `qemu build` can have a --version of its own.
    .enablePositionalOptions()
    .configureHelp(readableHelp)
    .showHelpAfterError('(add --help for what there is)')
    .configureOutput({
      // For programs it is told as JSON, once it has been caught.
      outputError: (text, write) => {
        if (outputOptions().json) return;
        write(text.replace(/^error:/, (word) => paintFor(process.stderr)(word, 'error')));
      },
      writeErr: (text) => {
        if (!outputOptions().json) process.stderr.write(text);
      },
    })
    .exitOverride()
    .addHelpText('after', exitCodesHelp);
  addQemu(program);
  addMigrate(program);
  addWatch(program);
  addReplay(program);
  addEstimate(program);
  addObserve(program);
  addExplain(program);
  addDrain(program);
  addFleetCommands(program);
  addLab(program);
  addCompletion(program);
  addOutputOptions(program);
  return program;
}
