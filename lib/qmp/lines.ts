// Splits a stream of bytes into lines, however the bytes arrive, and stops at a line that is too long.

export interface LineSplitterOptions {
  readonly maxLineBytes: number;
  readonly onLine: (line: string) => void;
  /** Is called once, with the beginning of the line; nothing is read after that. */
  readonly onOversized: (beginning: string) => void;
}

const newline = 0x0a;
const beginningBytes = 1000;

export class LineSplitter {
  readonly #options: LineSplitterOptions;
  /** The line that has not ended yet. Bytes, since a character may be cut in two. */
  #parts: Buffer[] = [];
  #bytes = 0;
  #stopped = false;

  constructor(options: LineSplitterOptions) {
    this.#options = options;
  }

  push(chunk: Buffer): void {
    let start = 0;
    while (!this.#stopped) {
      const end = chunk.indexOf(newline, start);
      const part = chunk.subarray(start, end === -1 ? chunk.length : end);
      this.#parts.push(part);
      this.#bytes += part.length;
      if (this.#bytes > this.#options.maxLineBytes) {
        this.#stopped = true;
        this.#options.onOversized(this.#take().toString('utf8', 0, beginningBytes));
        return;
      }
      if (end === -1) return;
      this.#options.onLine(this.#take().toString('utf8'));
      start = end + 1;
    }
  }

  /** Ignores everything from now on. */
  stop(): void {
    this.#stopped = true;
  }

  /** What has arrived of a line that has not ended. */
  get rest(): string {
    return Buffer.concat(this.#parts).toString('utf8', 0, beginningBytes);
  }

  #take(): Buffer {
    const [first = Buffer.alloc(0), ...more] = this.#parts;
    const line = more.length === 0 ? first : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#bytes = 0;
    return line;
  }
}
