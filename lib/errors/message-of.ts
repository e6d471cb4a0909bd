// What was thrown, in words: anything may be.

/** The message of an error; of anything else, itself as text. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
