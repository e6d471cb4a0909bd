// HTML that is escaped by construction: text can only enter a page through the template `html`, which escapes it.

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

class Markup {
  readonly #markup: string;

  constructor(markup: string) {
    this.#markup = markup;
  }

  toString(): string {
    return this.#markup;
  }
}

/** A piece of a page; String() gives its text. The class is not exported: only `html` and `trustedHtml` make pieces. */
export type Html = Markup;

/** What may stand in a template: text is escaped, pieces are not, and the items of a list follow each other. */
export type HtmlContent = string | number | Html | readonly HtmlContent[];

function markupOf(content: HtmlContent): string {
  if (content instanceof Markup) return content.toString();
  if (typeof content === 'object') return content.map(markupOf).join('');
  return String(content).replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

/** A template for pieces of a page. What is inserted is escaped, so attributes have to be in quotes. */
export function html(strings: TemplateStringsArray, ...contents: readonly HtmlContent[]): Html {
  const parts = strings.map((text, at) => {
    const content = contents[at];
    return content === undefined ? text : text + markupOf(content);
  });
  return new Markup(parts.join(''));
}

/** Markup that is not escaped. For what this program has made itself, such as the SVG of a chart, never for text. */
export function trustedHtml(markup: string): Html {
  return new Markup(markup);
}
