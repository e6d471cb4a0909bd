// The part of a workload that runs on the client host, outside the guest: a program that speaks like those
// in the guest.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { mortalCommand, undoAtExit } from '../../system/cleanup.js';
import { GuestError, type GuestMessage, parseGuestMessage } from '../guest/linux-control.js';
import { compiledProgram } from '../guest/programs.js';
import type { Host } from '../hosts/create-hosts.js';
import type { Commands } from './workload.js';

/** Longer than any of its own limits, such as that of a connection that nobody answers on. */
const longestSilenceMs = 120_000;

/** Undefined: it is no message. Whoever is killed may leave half of one. */
function messageOf(line: string): GuestMessage | undefined {
  try {
    return parseGuestMessage(line);
  } catch {
    return undefined;
  }
}

export interface OutsideEnd {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it said that was no message. */
  readonly complaint: string;
}

export interface OutsideOptions {
  readonly onMessage: (message: GuestMessage) => void;
  /** How long it may say nothing where something of it is awaited. */
  readonly silenceMs?: number;
}

export class OutsideProgram {
  readonly ended: Promise<OutsideEnd>;
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #silenceMs: number;
  #heard = () => {};
  #lately = 'nothing';

  private constructor(
    child: ChildProcess,
    { name, onMessage, silenceMs = longestSilenceMs }: OutsideOptions & { readonly name: string },
  ) {
    this.#child = child;
    this.#name = name;
    this.#silenceMs = silenceMs;
    const forget = undoAtExit(() => child.kill('SIGKILL'));
    const complaints: string[] = [];
    if (child.stdout) {
      createInterface({ input: child.stdout }).on('line', (line) => {
        this.#heard();
        const message = messageOf(line);
        this.#lately = message?.type === 'progress' ? message.text : line;
        if (message) onMessage(message);
        else complaints.push(line);
      });
    }
    child.on('error', (error) => complaints.push(error.message));
    this.ended = once(child, 'close').then(([status, signal]) => {
      forget();
      return { status, signal, complaint: complaints.slice(-5).join('; ') };
    });
  }

  static async start(
    host: Host,
    { program, arguments: args }: NonNullable<Commands['outside']>,
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

  /** Waits for something that it has to bring about, as long as it says anything at all. */
  async awaiting<Outcome>(what: string, outcome: Promise<Outcome>): Promise<Outcome> {
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<never>((_, reject) => {
      const message = `${this.#name} said nothing for ${this.#silenceMs} ms where ${what} was awaited`;
      const end = () => reject(new GuestError(`${message}; it said last: ${this.#lately}`));
      timer = setTimeout(end, this.#silenceMs);
    });
    this.#heard = () => timer?.refresh();
    try {
      return await Promise.race([outcome, silence]);
    } finally {
      clearTimeout(timer);
      this.#heard = () => {};
    }
  }

  /** Asks it to end, and waits for that: what it has to check first may take long. */
  async stop(): Promise<OutsideEnd> {
    this.#child.kill('SIGTERM');
    try {
      return await this.awaiting('its end', this.ended);
    } finally {
      this.kill();
    }
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
