// What --help says of defaults: only those that tell a reader something.
import { Help, type HelpConfiguration, type Option } from 'commander';

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
