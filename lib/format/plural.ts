// Numbers with what they count: "1 attempt", "2 attempts".

/** The number with its noun, in the singular if it is 1; `many` is the plural where that is not the noun with an s. */
export function plural(count: number, noun: string, many = `${noun}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? noun : many}`;
}
