// What is said between the lab and the first process of its Linux guest (native/guest/linux/init.c): lines
// of JSON on the second serial port. The guest moves; what it says comes from wherever it runs.

import { z } from 'zod';
import { FakedirtyError } from '../../errors/error.js';
import type { SerialLine } from '../../qemu/machine/serial-line.js';

const counted = z.int().nonnegative();

export const reportSchema = z.strictObject({
  type: z.literal('report'),
  /** By the guest's clock, since the workload began. */
  atMs: z.number().nonnegative(),
  /** Since it began. */
  operations: counted,
  /** How long one operation took, of those since the last report; null: the workload can't tell. */
  p50Us: z.number().nonnegative().nullable(),
  p99Us: z.number().nonnegative().nullable(),
  maxUs: z.number().nonnegative().nullable(),
});

const messageSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ready') }),
  z.strictObject({ type: z.literal('started'), text: z.string() }),
  z.strictObject({ type: z.literal('running') }),
  /** How far a program is with what prepares its work, or checks it. */
  z.strictObject({ type: z.literal('progress'), text: z.string() }),
  z.strictObject({ type: z.literal('output'), text: z.string() }),
  z.strictObject({ type: z.literal('error'), text: z.string() }),
  z.strictObject({ type: z.literal('memory'), totalBytes: counted, freeBytes: counted }),
  z.strictObject({
    type: z.literal('check'),
    what: z.string(),
    checked: counted,
    wrong: counted,
  }),
  z.strictObject({ type: z.literal('exit'), status: counted, signal: counted }),
  reportSchema,
]);

export type GuestMessage = z.output<typeof messageSchema>;
export type GuestMessageOf<Type extends GuestMessage['type']> = Extract<
  GuestMessage,
  { type: Type }
>;
export type Report = z.output<typeof reportSchema>;

/** The guest said something else than what was expected of it, or nothing. */
export class GuestError extends FakedirtyError {
  override readonly name = 'GuestError';
  override readonly code = 'ERR_GUEST';
}

const linesKept = 200;
/** As long as a timer can wait. */
export const forever = 2 ** 31 - 1;

export function parseGuestMessage(line: string): GuestMessage {
  try {
    return messageSchema.parse(JSON.parse(line));
  } catch (cause) {
    throw new GuestError(`The guest said what is no message of its first process: ${line}`, {
      cause,
    });
  }
}

/** Reads a serial port to its end. */
export async function readAll(serial: SerialLine, each: (line: string) => void): Promise<void> {
  for (;;) {
    let line: string;
    try {
      line = await serial.line(forever);
    } catch {
      return;
    }
    each(line);
  }
}

interface Waiting {
  readonly wanted: (message: GuestMessage) => boolean;
  readonly resolve: (message: GuestMessage) => void;
  readonly reject: (error: Error) => void;
}

export class GuestControl {
  readonly #waiting = new Set<Waiting>();
  readonly #listeners = new Set<(message: GuestMessage) => void>();
  /** What it said last, for explanations. */
  readonly #lately: string[] = [];
  #port: SerialLine | undefined;

  /** Hears a machine on which the guest runs, or will run; what is said goes to the last one heard. */
  hear(port: SerialLine): void {
    this.#port = port;
    readAll(port, (line) => this.#take(line)).then(() => {
      if (port === this.#port)
        this.#fail(new GuestError('The QEMU that ran this guest has ended.'));
    });
  }

  /** Has the guest told something where it runs now. */
  tell(command: string): void {
    if (!this.#port) throw new GuestError('No machine runs this guest yet.');
    if (command.includes('\n')) throw new GuestError(`A command has one line, not: ${command}`);
    this.#port.send(`${command}\n`);
  }

  /** Called with everything that the guest says; the function returned ends that. */
  listen(listener: (message: GuestMessage) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The next message of that kind: ask for it before what makes the guest say it. */
  next<Type extends GuestMessage['type']>(
    type: Type,
    timeoutMs: number,
  ): Promise<GuestMessageOf<Type>> {
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(waiting);
      };
      const waiting: Waiting = {
        wanted: (message) => message.type === type,
        resolve: (message) => {
          done();
          resolve(message as GuestMessageOf<Type>);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      };
      const timer = setTimeout(() => {
        const lately = this.#lately.slice(-5).join(' ') || 'nothing';
        const what = `The guest did not say "${type}" within ${timeoutMs} ms`;
        waiting.reject(new GuestError(`${what}; it said last: ${lately}`));
      }, timeoutMs).unref();
      this.#waiting.add(waiting);
    });
  }

  #take(line: string): void {
    const text = line.trim();
    if (text === '') return;
    this.#lately.push(text);
    if (this.#lately.length > linesKept) this.#lately.shift();
    let message: GuestMessage;
    try {
      message = parseGuestMessage(text);
    } catch (error) {
      this.#fail(error as Error);
      return;
    }
    for (const listener of this.#listeners) listener(message);
    for (const waiting of [...this.#waiting]) {
      if (waiting.wanted(message)) waiting.resolve(message);
    }
    if (message.type === 'error') this.#fail(new GuestError(`The guest says: ${message.text}`));
  }

  #fail(error: Error): void {
    for (const waiting of [...this.#waiting]) waiting.reject(error);
  }
}
