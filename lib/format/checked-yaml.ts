// A file that people write in YAML, checked against a schema: every mistake is told with its line.
import { LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { explainIssue } from '../errors/explain-issue.js';

/** What was read, or what is wrong with it. */
export type CheckedYaml<Value> =
  | { readonly value: Value }
  | { readonly problems: readonly string[] };

/** Reads a text; `schema` says what it should be. */
export function checkedYaml<Schema extends z.ZodType>(
  text: string,
  schema: Schema,
): CheckedYaml<z.output<Schema>> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const lineAt = (offset: number) => `line ${lines.linePos(offset).line}`;
  if (document.errors.length > 0) {
    return {
      problems: document.errors.map(({ pos, message }) => `${lineAt(pos[0])}: ${message}`),
    };
  }
  const { success, data, error } = schema.safeParse(document.toJS(), { error: explainIssue });
  if (success) return { value: data };
  const problems = error.issues.map(({ path, message }) => {
    const told = `${path.join('.') || 'the file'}: ${message}`;
    // What is missing has no line; what it should be part of has.
    for (let depth = path.length; depth >= 0; depth -= 1) {
      const node: unknown = document.getIn(path.slice(0, depth), true);
      const range = (node as { range?: [number, number, number] } | undefined)?.range;
      if (range) return `${lineAt(range[0])}: ${told}`;
    }
    return told;
  });
  return { problems };
}
