// How far something is, and what it says meanwhile: on a terminal one line that is rewritten below the lasting ones,
// elsewhere a line now and then.

/** Standard output, or whatever text goes to. */
export interface TextOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const clearLine = '\r\x1b[2K';
/** Where a terminal does not say, or says 0. */
export const usualColumns = 80;

export interface StatusLineOptions {
  /** How often it is written where it can't be rewritten; never when not given. */
  readonly elsewhereEveryMs?: number;
  readonly nowMs?: () => number;
}

export class StatusLine {
  /** It can be rewritten. */
  readonly isLive: boolean;
  readonly #output: TextOutput;
  readonly #elsewhereEveryMs: number;
  readonly #nowMs: () => number;
  #writtenMs: number;
  #isSilent = false;

  constructor(
    output: TextOutput,
    {
      elsewhereEveryMs = Number.POSITIVE_INFINITY,
      nowMs = () => performance.now(),
    }: StatusLineOptions = {},
  ) {
    this.#output = output;
    this.isLive = output.isTTY === true;
    this.#elsewhereEveryMs = elsewhereEveryMs;
    this.#nowMs = nowMs;
    this.#writtenMs = nowMs();
  }

  /** Writes nothing from now on. */
  silence(): void {
    this.#isSilent = true;
  }

  /** Shows how far it is; `elsewhere` is for where that is not rewritten. */
  show(text: string, elsewhere = text): void {
    if (this.#isSilent) return;
    if (this.isLive) {
      const room = (this.#output.columns || usualColumns) - 1;
      this.#output.write(`${clearLine}${text.slice(0, room)}`);
    } else if (this.#nowMs() - this.#writtenMs >= this.#elsewhereEveryMs) {
      this.#writtenMs = this.#nowMs();
      this.#output.write(`${elsewhere}\n`);
    }
  }

  /** Writes a line that stays. */
  print(text: string): void {
    if (this.#isSilent) return;
    this.clear();
    this.#output.write(`${text}\n`);
  }

  /** Takes the status away. */
  clear(): void {
    if (this.isLive && !this.#isSilent) this.#output.write(clearLine);
  }
}
