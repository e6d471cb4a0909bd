// A guest's serial port: what it says, line by line or as it comes, and what is said to it.
import type { Socket } from 'node:net';
import { TimeoutError, within } from '../../system/deadline.js';
import { GuestError } from './errors.js';

/** Somebody who waits for a part of what the guest says. */
interface Reader {
  /** Takes its part of what has been said; undefined: not enough has been said yet. */
  readonly take: () => string | undefined;
  readonly resolve: (said: string) => void;
  readonly reject: (error: Error) => void;
}

export class SerialLine {
  readonly #socket: Socket;
  /** What nobody has read yet; one character a byte, so that no character is lost where the text is cut. */
  #unread = '';
  /** Set at the end of the stream, which may come before the socket closes. */
  #isClosed = false;
  #waiting: Reader[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
    const close = () => {
      this.#isClosed = true;
      this.#serve();
      for (const { reject } of this.#waiting.splice(0)) reject(this.#silent());
    };
    socket
      .setEncoding('latin1')
      .on('data', (text: string) => {
        this.#unread += text;
        this.#serve();
      })
      // That it closes is what tells those who wait.
      .on('error', () => {})
      .on('end', close)
      .on('close', close);
  }

  send(text: string): void {
    this.#socket.write(text);
  }

  /** The next line that has not been read yet; at the end, also one that was not finished. */
  async line(timeoutMs: number): Promise<string> {
    const line = await this.#next(() => this.#takeLine(), timeoutMs);
    return Buffer.from(line, 'latin1').toString().replace(/\r+$/, '');
  }

  /** Everything that has been said and not read yet, one character a byte; waits until there is something. */
  text(timeoutMs: number): Promise<string> {
    return this.#next(() => this.#takeText(), timeoutMs);
  }

  close(): void {
    this.#socket.destroy();
  }

  #takeLine(): string | undefined {
    const end = this.#unread.indexOf('\n');
    if (end < 0) return this.#isClosed ? this.#takeText() : undefined;
    const line = this.#unread.slice(0, end);
    this.#unread = this.#unread.slice(end + 1);
    return line;
  }

  #takeText(): string | undefined {
    const text = this.#unread;
    this.#unread = '';
    return text === '' ? undefined : text;
  }

  #next(take: Reader['take'], timeoutMs: number): Promise<string> {
    const said = this.#waiting.length === 0 ? take() : undefined;
    if (said !== undefined) return Promise.resolve(said);
    if (this.#isClosed || this.#socket.destroyed) return Promise.reject(this.#silent());
    let reader: Reader | undefined;
    const next = new Promise<string>((resolve, reject) => {
      reader = { take, resolve, reject };
      this.#waiting.push(reader);
    });
    return within(timeoutMs, next, () => {
      this.#waiting = this.#waiting.filter((other) => other !== reader);
      throw new TimeoutError(`The guest said nothing on its serial port for ${timeoutMs} ms.`);
    });
  }

  #serve(): void {
    for (let [reader] = this.#waiting; reader; [reader] = this.#waiting) {
      const said = reader.take();
      if (said === undefined) return;
      this.#waiting.shift();
      reader.resolve(said);
    }
  }

  #silent(): Error {
    return new GuestError('The serial port is closed: this QEMU has ended.');
  }
}
