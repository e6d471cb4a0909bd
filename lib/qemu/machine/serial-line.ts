// A guest's serial port: what it says, line by line, and what is said to it.
import type { Socket } from 'node:net';
import { createInterface, type Interface } from 'node:readline';
import { TimeoutError, within } from '../../system/deadline.js';
import { GuestError } from './errors.js';

/** Somebody who waits for a line. */
interface Reader {
  readonly resolve: (line: string) => void;
  readonly reject: (error: Error) => void;
}

export class SerialLine {
  readonly #socket: Socket;
  readonly #reader: Interface;
  readonly #lines: string[] = [];
  /** Set at the end of the stream, which may come before the socket closes. */
  #isClosed = false;
  #waiting: Reader[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => {});
    // It repeats the socket's errors; that it closes then is what tells those who wait.
    this.#reader = createInterface({ input: socket }).on('error', () => {});
    this.#reader.on('line', (line) => {
      const reader = this.#waiting.shift();
      if (reader) reader.resolve(line);
      else this.#lines.push(line);
    });
    this.#reader.on('close', () => {
      this.#isClosed = true;
      for (const { reject } of this.#waiting.splice(0)) reject(this.#silent());
    });
  }

  send(text: string): void {
    this.#socket.write(text);
  }

  /** The next line that has not been read yet. */
  line(timeoutMs: number): Promise<string> {
    const line = this.#lines.shift();
    if (line !== undefined) return Promise.resolve(line);
    if (this.#isClosed) return Promise.reject(this.#silent());
    let reader: Reader | undefined;
    const next = new Promise<string>((resolve, reject) => {
      reader = { resolve, reject };
      this.#waiting.push(reader);
    });
    return within(timeoutMs, next, () => {
      this.#waiting = this.#waiting.filter((other) => other !== reader);
      throw new TimeoutError(`The guest said nothing on its serial port for ${timeoutMs} ms.`);
    });
  }

  close(): void {
    this.#reader.close();
    this.#socket.destroy();
  }

  #silent(): Error {
    return new GuestError('The serial port is closed: this QEMU has ended.');
  }
}
