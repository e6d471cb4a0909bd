// How a command speaks: the options that all commands have in common, or several.
import type { Command } from 'commander';
import { coloured, type Paint, plain, wantsColour } from '../format/colours.js';
import { tellStepsTo } from '../system/step.js';

interface OutputOptions {
  /** For programs: JSON on standard output, errors too. */
  readonly json: boolean;
  /** Nothing but how it ended. */
  readonly quiet: boolean;
  /** What was considered as well. */
  readonly verbose: boolean;
  /** False: it was forbidden on the command line. */
  readonly color: boolean;
}

function fromWords(words: readonly string[]): OutputOptions {
  const end = words.indexOf('--');
  const given = new Set(end < 0 ? words : words.slice(0, end));
  return {
    json: given.has('--json'),
    quiet: given.has('--quiet'),
    verbose: given.has('--verbose'),
    color: !given.has('--no-color'),
  };
}

// Until a command line has been understood, what it says has to do: its errors are told in the same way.
let current = fromWords(process.argv.slice(2));

export function outputOptions(): OutputOptions {
  return current;
}

/** How to paint what goes to that stream. */
export function paintFor(stream: { readonly isTTY?: boolean }): Paint {
  if (!current.color || current.json) return plain;
  return wantsColour(stream.isTTY === true, process.env) ? coloured : plain;
}

const pathOf = (command: Command): string =>
  command.parent?.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();

/** Commands that say how far they are. */
const quietable = ['migrate', 'watch', 'drain', 'lab run', 'qemu build'];
/** Commands that follow a policy. */
const talkative = ['migrate', 'watch'];

function addTo(command: Command): void {
  const flags = command.options.map(({ long }) => long);
  const path = pathOf(command);
  if (!flags.includes('--json')) {
    command.option('--json', 'print the result as JSON, and errors too', false);
  }
  if (quietable.includes(path)) command.option('--quiet', 'say only how it ended', false);
  if (talkative.includes(path)) {
    command.option(
      '--verbose',
      'say what the policy considers each time, and what QEMU reports',
      false,
    );
  }
  command.option('--no-color', 'no colours; NO_COLOR and FORCE_COLOR are heeded as well');
}

/** Gives every command its options for output. Call it when all commands have been added. */
export function addOutputOptions(program: Command): void {
  const visit = (command: Command): void => {
    if (command.commands.length === 0) addTo(command);
    for (const each of command.commands) visit(each);
  };
  visit(program);
  program.hook('preAction', (_, command) => {
    const { json = false, quiet = false, verbose = false, color = true } = command.opts();
    current = { json, quiet, verbose, color };
    if (quiet) tellStepsTo({ write: () => true });
    else if (json) tellStepsTo(process.stderr);
  });
}

/** Prints a result: for programs if they asked for it, else for people. */
export function printResult(result: object, text: () => string): void {
  console.log(current.json ? JSON.stringify(result) : text());
}
