// Talks to the first process of a Linux guest (native/guest/linux/init.c) over the guest's second serial port. The guest
// migrates; its messages come from the QEMU that it runs in at the time.

import { GuestError } from '../../qemu/machine/errors.js';
import type { SerialLine } from '../../qemu/machine/serial-line.js';
import { within } from '../../system/deadline.js';
import { type GuestMessage, type GuestMessageOf, parseGuestMessage } from './guest-message.js';
import { MovingLines } from './moving-lines.js';

const linesKept = 200;
const linesQuoted = 5;

function isMessage(line: string): boolean {
  try {
    parseGuestMessage(line);
    return true;
  } catch {
    return false;
  }
}

interface Waiting {
  readonly type: GuestMessage['type'];
  readonly resolve: (message: GuestMessage) => void;
  readonly reject: (error: Error) => void;
}

/** Talks to the first process of a Linux guest. */
export class LinuxControl {
  readonly #waiting = new Set<Waiting>();
  readonly #listeners = new Set<(message: GuestMessage) => void>();
  /** The last lines, for error messages. */
  readonly #lastLines: string[] = [];
  readonly #lines = new MovingLines(isMessage, (line) => this.#onLine(line));
  #port: SerialLine | undefined;

  /** Adds a QEMU that the guest runs in, or will run in; commands go to the one added last. */
  connect(port: SerialLine): void {
    this.#port = port;
    this.#lines.read(port).then(() => {
      if (port === this.#port)
        this.#fail(new GuestError('The QEMU that ran this guest has ended.'));
    });
  }

  /** Sends a command to the guest. */
  send(command: string): void {
    if (!this.#port) throw new GuestError('No machine runs this guest yet.');
    if (command.includes('\n')) {
      throw new GuestError(`A command must be one line, and this is not: ${command}`);
    }
    this.#port.send(`${command}\n`);
  }

  /** Calls `listener` for every message of the guest; the function returned stops that. */
  onMessage(listener: (message: GuestMessage) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The next message of that type; without a limit, as long as the guest lives. Call it before what triggers the message. */
  next<Type extends GuestMessage['type']>(
    type: Type,
    timeoutMs = Number.POSITIVE_INFINITY,
  ): Promise<GuestMessageOf<Type>> {
    let waiting: Waiting | undefined;
    const message = new Promise<GuestMessageOf<Type>>((resolve, reject) => {
      waiting = { type, resolve: (found) => resolve(found as GuestMessageOf<Type>), reject };
      this.#waiting.add(waiting);
    });
    const late = (): never => {
      const last = this.#lastLines.slice(-linesQuoted).join(' ') || 'nothing';
      throw new GuestError(
        `The guest did not send "${type}" within ${timeoutMs} ms; it sent last: ${last}`,
      );
    };
    return within(timeoutMs, message, late).finally(() => {
      if (waiting) this.#waiting.delete(waiting);
    });
  }

  #onLine(line: string): void {
    this.#lastLines.push(line);
    if (this.#lastLines.length > linesKept) this.#lastLines.shift();
    let message: GuestMessage;
    try {
      message = parseGuestMessage(line);
    } catch (error) {
      this.#fail(error as Error);
      return;
    }
    for (const listener of this.#listeners) listener(message);
    for (const waiting of this.#take(({ type }) => type === message.type)) waiting.resolve(message);
    if (message.type === 'error') this.#fail(new GuestError(`The guest says: ${message.text}`));
  }

  #fail(error: Error): void {
    for (const waiting of this.#take(() => true)) waiting.reject(error);
  }

  /** Each is resolved or rejected once. */
  #take(matches: (waiting: Waiting) => boolean): Waiting[] {
    const taken = [...this.#waiting].filter(matches);
    for (const waiting of taken) this.#waiting.delete(waiting);
    return taken;
  }
}
