// The part of a workload that runs on the client host, outside the guest: a program that sends the same messages as
// programs in the guest.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { GuestError } from '../../qemu/machine/errors.js';
import { mortalCommand, undoAtExit } from '../../system/cleanup.js';
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
  readonly ended: Promise<OutsideEnd>;
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #silenceMs: number;
  #onLine = () => {};
  #lastLine = 'nothing';

  private constructor(
    child: ChildProcess,
    { name, onMessage, silenceMs = maxSilenceMs }: OutsideOptions & { readonly name: string },
  ) {
    this.#child = child;
    this.#name = name;
    this.#silenceMs = silenceMs;
    const cancelCleanup = undoAtExit(() => child.kill('SIGKILL'));
    const complaints: string[] = [];
    if (child.stdout) {
      createInterface({ input: child.stdout }).on('line', (line) => {
        this.#onLine();
        const message = messageOf(line);
        this.#lastLine = message?.type === 'progress' ? message.text : line;
        if (message) onMessage(message);
        else complaints.push(line);
      });
    }
    child.on('error', (error) => complaints.push(error.message));
    this.ended = once(child, 'close').then(([status, signal]) => {
      cancelCleanup();
      return { status, signal, complaint: complaints.slice(-complaintsQuoted).join('; ') };
    });
  }

  /** Compiles the program if need be, and starts it on the host. */
  static async start(
    host: Host,
    { program, arguments: args }: NonNullable<WorkloadCommands['outside']>,
    options: OutsideOptions,
  ): Promise<OutsideProgram> {
    const [command, words] = mortalCommand([
      ...host.prefix,
      await compiledProgram(program),
      ...args,
    ]);
    const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    return new OutsideProgram(child, { name: program, ...options });
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
    this.#child.kill('SIGTERM');
    try {
      return await this.awaiting('its end', this.ended);
    } finally {
      this.kill();
    }
  }

  /** Ends it now. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
