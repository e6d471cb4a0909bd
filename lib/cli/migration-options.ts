// Options of all commands that migrate.
import { Option } from 'commander';
import { oneOf } from './option-values.js';
import { onDisconnectChoices } from './session.js';

/** By which method; `description` says what is worth knowing of it there. */
export function methodOption(description: string, more: readonly string[] = []): Option {
  const option = new Option('--method <method>', description);
  return oneOf(option, ['pre-copy', 'post-copy', 'hybrid', ...more]).default('pre-copy');
}

/** What to do when nobody can see any more how it goes on. */
export function onDisconnectOption(): Option {
  const description = 'when the terminal, or whoever reads the output, is gone';
  return oneOf(new Option('--on-disconnect <what>', description), onDisconnectChoices).default(
    'cancel',
  );
}
