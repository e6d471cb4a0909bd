// Sentences that name options. The API names them as it takes them (`filter.hash`), a terminal by its flags (`--hash`): the
// same sentence can be said in both ways.

type Value = string | number | boolean;

/** An option in a sentence, and the value to give it where the sentence says one. */
export class OptionName {
  constructor(
    /** Its name in the API; for one inside another, a path such as `filter.hash`. */
    readonly path: string,
    readonly value?: Value,
  ) {}
}

/** How options are named. */
export type Naming = (option: OptionName) => string;

/** As the API has them: `filter.hash`, or `filter.hash: 'ph128'`. */
export const apiNames: Naming = ({ path, value }) => {
  if (value === undefined) return path;
  return `${path}: ${typeof value === 'string' ? `'${value}'` : value}`;
};

/** A sentence that names options; as a string, it names them as the API does. */
export class Sentence {
  readonly #parts: readonly (string | OptionName | Sentence)[];

  constructor(parts: readonly (string | OptionName | Sentence)[]) {
    this.#parts = parts;
  }

  /** The sentence with its options named like this. */
  in(naming: Naming): string {
    return this.#parts
      .map((part) => (part instanceof OptionName ? naming(part) : inWords(part, naming)))
      .join('');
  }

  toString(): string {
    return this.in(apiNames);
  }
}

/** Text, which may name options. */
export type Words = string | Sentence;

/** The text with its options named like this. */
export function inWords(words: Words, naming: Naming): string {
  return typeof words === 'string' ? words : words.in(naming);
}

/** An option to be named in a sentence. */
export function option(path: string, value?: Value): OptionName {
  return new OptionName(path, value);
}

/** Makes a sentence of a template in which options stand. */
export function sentence(
  texts: TemplateStringsArray,
  ...between: readonly (string | number | OptionName | Sentence)[]
): Sentence {
  const parts = texts.flatMap((text, at) => {
    const next = between[at];
    if (next === undefined) return [text];
    return [text, typeof next === 'number' ? String(next) : next];
  });
  return new Sentence(parts);
}
