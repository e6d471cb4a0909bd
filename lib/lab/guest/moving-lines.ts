// The lines of a guest that moves from one QEMU to the next. It may move in the middle of a line: the beginning is then on
// the serial port of the QEMU that it left, and the end on that of the QEMU in which it arrived.
import type { SerialLine } from '../../qemu/machine/serial-line.js';
import { silenceMs } from './read-lines.js';

/** What the guest said in one QEMU. */
interface Stay {
  /** Where it was before. */
  readonly before: Stay | undefined;
  /** Where it went afterwards. */
  after: Stay | undefined;
  /** The line that it has not finished; one character a byte. */
  unfinished: string;
  /** Lines that nobody has been given yet. */
  lines: string[];
  /** Whether its first line is known to be a whole one. */
  isJoined: boolean;
  hasEnded: boolean;
}

function decoded(line: string): string {
  return Buffer.from(line, 'latin1').toString().trim();
}

/** Reads the lines of a guest, and joins those in the middle of which it moved. */
export class MovingLines {
  readonly #isWhole: (line: string) => boolean;
  readonly #onLine: (line: string) => void;
  #last: Stay | undefined;

  /** `isWhole` tells a line from the end of one. `onLine` is called for each line but empty ones. */
  constructor(isWhole: (line: string) => boolean, onLine: (line: string) => void) {
    this.#isWhole = isWhole;
    this.#onLine = onLine;
  }

  /** Reads the serial port of a QEMU that the guest runs in or will move to; resolves when the port is closed. */
  async read(port: SerialLine): Promise<void> {
    const before = this.#last;
    const stay: Stay = {
      ...{ before, after: undefined, unfinished: '', lines: [] },
      ...{ isJoined: before === undefined, hasEnded: false },
    };
    if (before) before.after = stay;
    this.#last = stay;
    for (;;) {
      let text: string;
      try {
        text = await port.text(silenceMs);
      } catch {
        break;
      }
      const lines = `${stay.unfinished}${text}`.split('\n');
      stay.unfinished = lines.pop() ?? '';
      stay.lines.push(...lines);
      this.#deliver(stay);
    }
    stay.hasEnded = true;
    if (stay.after) this.#deliver(stay.after);
  }

  #deliver(stay: Stay): void {
    stay.isJoined ||= this.#join(stay);
    if (stay.isJoined) {
      for (const line of stay.lines.splice(0).map(decoded)) if (line !== '') this.#onLine(line);
    }
    // It may have waited for this.
    if (stay.after) this.#deliver(stay.after);
  }

  /** Whether its first line has been joined with its beginning, if that was said before the guest moved. */
  #join({ before, lines }: Stay): boolean {
    const [first] = lines;
    if (before === undefined || first === undefined) return false;
    if (this.#isWhole(decoded(first))) return true;
    const line = `${before.unfinished}${first}`;
    // The beginning was sent first, but this process may not have read it yet.
    if (!this.#isWhole(decoded(line)) && !before.hasEnded) return false;
    before.unfinished = '';
    lines[0] = line;
    return true;
  }
}
