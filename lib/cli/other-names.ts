// Options that another command has under another name, or that people expect under one: no misspelling leads to them.
import { type Command, Option } from 'commander';
import { exitCodes } from './exit-codes.js';

/** Refuses `--name`, and says that the option is called `instead` in this command. */
export function suggestInstead(command: Command, name: string, instead: string): Command {
  const refuse = () => {
    const problem = `error: unknown option '${name}' (Did you mean ${instead}?)`;
    return command.error(problem, { exitCode: exitCodes.usage });
  };
  return command.addOption(new Option(`${name} <value>`).argParser(refuse).hideHelp());
}
