// Colours where they help to see what matters, and only where somebody sees them.

/** What a colour stands for. */
export type Meaning = 'error' | 'good' | 'warning' | 'emphasis' | 'aside';

const codes: Readonly<Record<Meaning, readonly [number, number]>> = {
  error: [31, 39],
  good: [32, 39],
  warning: [33, 39],
  emphasis: [1, 22],
  aside: [2, 22],
};

/** The parts of an environment that speak of colours. */
export type ColourEnvironment = Readonly<
  Partial<Record<'NO_COLOR' | 'FORCE_COLOR' | 'TERM', string>>
>;

/**
 * Whether to use colours: NO_COLOR (https://no-color.org) forbids them, FORCE_COLOR asks for them also where no terminal is,
 * unless it is 0 or false.
 */
export function wantsColour(isTerminal: boolean, environment: ColourEnvironment): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = environment;
  if (NO_COLOR) return false;
  if (FORCE_COLOR !== undefined) return !['0', 'false'].includes(FORCE_COLOR);
  return isTerminal && TERM !== 'dumb';
}

/** Text as it is to be seen. */
export type Paint = (text: string, meaning: Meaning) => string;

export const plain: Paint = (text) => text;

export const coloured: Paint = (text, meaning) => {
  const [on, off] = codes[meaning];
  return text === '' ? '' : `\x1b[${on}m${text}\x1b[${off}m`;
};
