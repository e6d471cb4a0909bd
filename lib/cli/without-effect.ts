// Options that have no effect without another one: whoever gives one expects something, so it is refused.
import type { Command } from 'commander';
import { exitCodes } from './exit-codes.js';

/** An option, and what it needs to have an effect. */
export interface Need {
  readonly option: string;
  /** What has to be there, in words: "--hash", "--multifd-compression zlib or zstd". */
  readonly needs: string;
  /** Whether it is there, by the values of all options. */
  readonly isMet: (values: Readonly<Record<string, unknown>>) => boolean;
  /** What is wrong, where "has no effect without" would not say it well. */
  readonly problem?: string;
}

/** An option that has no effect without another one. */
export function needs(option: string, other: string): Need {
  const name = other.slice(2).replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  const isMet = (values: Readonly<Record<string, unknown>>) => values[name] !== undefined;
  return { option, needs: other, isMet };
}

/** An option that has no effect beside another one. */
export function replacedBy(option: string, other: string): Need {
  const { isMet } = needs(option, other);
  return { option, needs: `leaving out ${other}`, isMet: (values) => !isMet(values) };
}

/** Says as little as possible, or as much: not both. */
export const quietOrVerbose: Need = {
  option: '--quiet',
  needs: 'leaving out --verbose',
  isMet: ({ verbose }) => verbose !== true,
};

/** Has the command refuse options without effect, before it does anything. */
export function refuseWithoutEffect(command: Command, all: readonly Need[]): Command {
  return command.hook('preAction', (_, running) => {
    const values: Readonly<Record<string, unknown>> = running.opts();
    const idle = all.filter(({ option, isMet }) => {
      const given = running.options.find(({ long }) => long === option)?.attributeName() ?? '';
      return running.getOptionValueSource(given) === 'cli' && !isMet(values);
    });
    if (idle.length === 0) return;
    const problems = idle.map(
      ({ problem, ...each }) => problem ?? `${each.option} has no effect without ${each.needs}`,
    );
    running.error(`error: ${problems.join('; ')}`, { exitCode: exitCodes.usage });
  });
}
