// A guest's serial port: what it says, line by line, and what is said to it.
import type { Socket } from 'node:net';
import { createInterface, type Interface } from 'node:readline';
import { GuestError, QemuEndedError } from './errors.js';

export class SerialLine {
  readonly #socket: Socket;
  readonly #reader: Interface;
  readonly #lines: string[] = [];
  /** The last line may come with the end, and whoever has read it asks for another before the socket is gone. */
  #isClosed = false;
  readonly #waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = [];

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
    return new Promise((resolve, reject) => {
      const waiting = {
        resolve: (text: string) => {
          clearTimeout(timer);
          resolve(text);
        },
        reject: (error: Error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(new GuestError(`The guest said nothing on its serial port for ${timeoutMs} ms.`));
      }, timeoutMs);
      this.#waiting.push(waiting);
    });
  }

  close(): void {
    this.#reader.close();
    this.#socket.destroy();
  }

  #silent(): Error {
    return new QemuEndedError('The serial port is closed: this QEMU has ended.');
  }
}
