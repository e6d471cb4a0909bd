// What --help says of defaults: only those that tell a reader something. What "help" says of commands, by their words.
import { type Command, Help, type HelpConfiguration, type Option } from 'commander';
import { didYouMean } from '../errors/nearest.js';
import { exitCodes } from './exit-codes.js';

/** Off, an empty list, no settings: what a reader expects of an option that is not given. */
function isNothing(value: unknown): boolean {
  if (value === false) return true;
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** For Command.configureHelp; the commands below that one inherit it. */
export const readableHelp: HelpConfiguration = {
  optionDescription(option: Option): string {
    const shown: Option = isNothing(option.defaultValue)
      ? Object.create(option, { defaultValue: { value: undefined } })
      : option;
    return Help.prototype.optionDescription.call(this, shown);
  },
};

function below({ commands }: Command, word: string): Command | undefined {
  return commands.find((command) => command.name() === word);
}

/** The command of that name below the other; ends by throwing if there is none. */
function demandBelow(command: Command, word: string): Command {
  const found = below(command, word);
  if (found) return found;
  const names = command.commands.map((each) => each.name());
  const there = names.length > 0 ? `; there are ${names.join(', ')}` : '';
  const problem = `error: there is no command '${word}'${there}.${didYouMean(word, names)}`;
  return command.error(problem, { exitCode: exitCodes.usage });
}

/**
 * Shows the help that "help qemu build" or "qemu help build" ask for, and ends by throwing, as commander does. That knows
 * one word after "help" only, and for one that is no command it shows all that there is.
 */
export function showHelpOfWords(program: Command, given: readonly string[]): void {
  const words = given.filter((word) => !word.startsWith('-'));
  const at = words.indexOf('help');
  if (at < 0 || at === words.length - 1) return;
  let command: Command | undefined = program;
  for (const word of words.slice(0, at)) command = command && below(command, word);
  // "help" may be an argument of a command that has none below it.
  if (!command || command.commands.length === 0) return;
  words
    .slice(at + 1)
    .reduce(demandBelow, command)
    .help();
}
