// The part of a workload that runs on the client host, outside the guest: a program that speaks like those
// in the guest.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { mortalCommand, undoAtExit } from '../../qemu/machine/cleanup.js';
import { type GuestMessage, parseGuestMessage } from '../guest/control.js';
import { compiledProgram } from '../guest/programs.js';
import type { Host } from '../hosts/hosts.js';
import type { Commands } from './workload.js';

const graceMs = 120_000;

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

export class OutsideProgram {
  readonly ended: Promise<OutsideEnd>;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, onMessage: (message: GuestMessage) => void) {
    this.#child = child;
    const forget = undoAtExit(() => child.kill('SIGKILL'));
    const complaints: string[] = [];
    if (child.stdout) {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const message = messageOf(line);
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
    onMessage: (message: GuestMessage) => void,
  ): Promise<OutsideProgram> {
    const [command, words] = mortalCommand([
      ...host.prefix,
      await compiledProgram(program),
      ...args,
    ]);
    const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    return new OutsideProgram(child, onMessage);
  }

  /** Asks it to end, and waits for that. */
  async stop(): Promise<OutsideEnd> {
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.kill(), graceMs);
    try {
      return await this.ended;
    } finally {
      clearTimeout(timer);
    }
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
