// The part of a workload that runs on the client host, outside the guest: a program that sends the same messages as
// programs in the guest.
import { GuestError } from '../../qemu/machine/errors.js';
import { type Companion, startCompanion } from '../../system/companion.js';
import { type GuestMessage, parseGuestMessage } from '../guest/guest-message.js';
import { compiledProgram } from '../guest/programs.js';
import type { Host } from '../hosts/host.js';
import type { WorkloadCommands } from './workload.js';

/** Longer than any limit of the programs themselves, such as that of a connection without answers. */
const maxSilenceMs = 120_000;
const complaintsQuoted = 5;

/** Undefined: it is not a message. A program that is killed may leave half of one. */
function messageOf(line: string): GuestMessage | undefined {
  try {
    return parseGuestMessage(line);
  } catch {
    return undefined;
  }
}

/** How a program ended. */
export interface OutsideEnd {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last lines of its output that were not messages. */
  readonly complaint: string;
}

/** Who hears a program, and how long it may be silent. */
export interface OutsideOptions {
  readonly onMessage: (message: GuestMessage) => void;
  /** How long it may be silent while something is expected of it. */
  readonly silenceMs?: number;
}

/** A program that runs on the client host. */
export class OutsideProgram {
  readonly #name: string;
  readonly #onMessage: (message: GuestMessage) => void;
  readonly #silenceMs: number;
  readonly #complaints: string[] = [];
  #process: Companion | undefined;
  #onLine = () => {};
  #lastLine = 'nothing';

  private constructor(name: string, { onMessage, silenceMs = maxSilenceMs }: OutsideOptions) {
    this.#name = name;
    this.#onMessage = onMessage;
    this.#silenceMs = silenceMs;
  }

  /** Compiles the program if need be, and starts it on the host. */
  static async start(
    host: Host,
    { program, arguments: args }: NonNullable<WorkloadCommands['outside']>,
    options: OutsideOptions,
  ): Promise<OutsideProgram> {
    const words = [...host.prefix, await compiledProgram(program), ...args];
    const outside = new OutsideProgram(program, options);
    outside.#process = await startCompanion(words, {
      stderr: 'inherit',
      onLine: (line) => outside.#hear(line),
    });
    return outside;
  }

  /** Resolves when it has ended. */
  get ended(): Promise<OutsideEnd> {
    return this.#running.ended.then(({ exitCode, signal }) => ({
      status: exitCode,
      signal,
      complaint: this.#complaints.slice(-complaintsQuoted).join('; '),
    }));
  }

  /** Waits for something that the program has to bring about, for as long as the program is not silent. */
  async awaiting<Outcome>(what: string, outcome: Promise<Outcome>): Promise<Outcome> {
    let timer: NodeJS.Timeout | undefined;
    // Every line starts the time again, which a fixed deadline could not do.
    const silence = new Promise<never>((_, reject) => {
      const message = `${this.#name} was silent for ${this.#silenceMs} ms while waiting for ${what}`;
      const end = () => reject(new GuestError(`${message}; its last line: ${this.#lastLine}`));
      timer = setTimeout(end, this.#silenceMs);
    });
    this.#onLine = () => timer?.refresh();
    try {
      return await Promise.race([outcome, silence]);
    } finally {
      clearTimeout(timer);
      this.#onLine = () => {};
    }
  }

  /** Asks it to end, and waits until it has: it may have much to check first. */
  async stop(): Promise<OutsideEnd> {
    this.#running.kill('SIGTERM');
    try {
      return await this.awaiting('its end', this.ended);
    } finally {
      this.kill();
    }
  }

  /** Ends it now. */
  kill(): void {
    this.#running.kill('SIGKILL');
  }

  get #running(): Companion {
    if (!this.#process) throw new GuestError(`${this.#name} has not started yet.`);
    return this.#process;
  }

  #hear(line: string): void {
    this.#onLine();
    const message = messageOf(line);
    this.#lastLine = message?.type === 'progress' ? message.text : line;
    if (message) this.#onMessage(message);
    else this.#complaints.push(line);
  }
}
