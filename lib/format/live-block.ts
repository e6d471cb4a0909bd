// Several lines that are rewritten in place below the lasting ones, on a terminal; nothing of them elsewhere.
import { type TextOutput, usualColumns } from './status-line.js';

/** Where a terminal does not say, or says 0. */
const usualRows = 24;

/** A terminal also says how many lines it has. */
export interface BlockOutput extends TextOutput {
  readonly rows?: number;
}

export class LiveBlock {
  /** It can be rewritten. */
  readonly isLive: boolean;
  readonly #output: BlockOutput;
  #shown = 0;
  #isSilent = false;

  constructor(output: BlockOutput) {
    this.#output = output;
    this.isLive = output.isTTY === true;
  }

  /** How many lines it may have: more would scroll away, and could not be rewritten. */
  get room(): number {
    return Math.max(1, (this.#output.rows || usualRows) - 2);
  }

  /** Writes nothing from now on. */
  silence(): void {
    this.#isSilent = true;
  }

  /** Shows these lines instead of those before; the last of too many are shown. */
  show(lines: readonly string[]): void {
    if (!this.isLive || this.#isSilent) return;
    const width = (this.#output.columns || usualColumns) - 1;
    const shown = lines.slice(-this.room).map((line) => line.slice(0, width));
    this.#output.write(`${this.#erased()}${shown.map((line) => `${line}\n`).join('')}`);
    this.#shown = shown.length;
  }

  /** Writes a line that stays, above those that are rewritten. */
  print(text: string): void {
    if (this.#isSilent) return;
    this.#output.write(`${this.#erased()}${text}\n`);
  }

  /** Takes the lines away. */
  clear(): void {
    if (!this.#isSilent) this.#output.write(this.#erased());
  }

  /** What takes away what is shown. */
  #erased(): string {
    const lines = this.#shown;
    this.#shown = 0;
    return lines > 0 ? `\x1b[${lines}A\r\x1b[J` : '';
  }
}
