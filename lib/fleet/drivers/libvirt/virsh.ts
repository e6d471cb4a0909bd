// virsh, by which libvirt's daemons are asked and told. Nothing passes through a shell, and nothing is waited for without
// an end: a daemon that has stopped, or a host that is away, would be.
import { type Companion, type CompanionEnd, startCompanion } from '../../../system/companion.js';
import { within } from '../../../system/deadline.js';
import { endText } from '../../../system/processes.js';
import { ActError } from '../../errors.js';

/** How long an answer may take. */
export const answerMs = 5000;
/** The same, where the daemon has something to do first: with a domain, or with an emulator that is new to it. */
export const workMs = 60_000;

/** What env(1) ends with where there is no such program. */
const notFound = 127;

/** What virsh wrote. */
export interface VirshOutput {
  /** Its standard output, without empty lines. */
  readonly lines: readonly string[];
  /** Its errors. */
  readonly problem: string;
  readonly succeeded: boolean;
}

/** What a failed command says, in a line. */
function problemOf({ output, ...end }: CompanionEnd): string {
  const errors = output.split('\n').filter((line) => line.startsWith('error: '));
  const texts = errors.map((line) => line.slice('error: '.length));
  if (end.exitCode === notFound) return 'virsh is not installed (Debian: libvirt-clients)';
  return texts.join('; ') || `virsh ended with ${endText(end)}`;
}

/** A virsh that runs. It ends with this process, which ends no migration that the daemons carry out themselves. */
export class VirshCommand {
  readonly #companion: Companion;
  readonly ended: Promise<VirshOutput>;
  #hasEnded = false;

  constructor(companion: Companion, lines: readonly string[]) {
    this.#companion = companion;
    this.ended = companion.ended.then((end) => {
      this.#hasEnded = true;
      return { lines, problem: problemOf(end), succeeded: end.exitCode === 0 };
    });
  }

  /** Whether it still runs. */
  get runs(): boolean {
    return !this.#hasEnded;
  }

  async end(): Promise<void> {
    if (this.runs) this.#companion.kill('SIGKILL');
    await this.ended;
  }
}

/** What a command wrote; throws ActError when it failed. */
export function linesOf(
  { lines, problem, succeeded }: VirshOutput,
  name: string,
): readonly string[] {
  if (!succeeded) throw new ActError(`"virsh ${name}" failed: ${problem}.`);
  return lines;
}

/** virsh for the daemon of one host. */
export class Virsh {
  constructor(
    /** Where the daemon is reached. */
    readonly uri: string,
  ) {}

  /** Starts one command. Who hears its lines as they come gets none of them in the end. */
  async start(words: readonly string[], hear?: (line: string) => void): Promise<VirshCommand> {
    const lines: string[] = [];
    const keep = (line: string) => line !== '' && lines.push(line);
    const companion = await startCompanion(
      ['env', 'LC_ALL=C', 'virsh', '--connect', this.uri, '--quiet', ...words],
      { onLine: hear ?? keep },
    );
    return new VirshCommand(companion, lines);
  }

  /** Runs one to its end, whatever that is; throws ActError when it has none within the time. */
  async attempt(words: readonly string[], limitMs = answerMs): Promise<VirshOutput> {
    return await this.outputOf(await this.start(words), words[0] ?? '', limitMs);
  }

  /** Waits for the end of a command; throws ActError, and ends it, when it has none within the time. */
  async outputOf(command: VirshCommand, name: string, limitMs: number): Promise<VirshOutput> {
    const output = await within(limitMs, command.ended, () => undefined);
    if (output) return output;
    await command.end();
    throw new ActError(`${this.uri} did not answer "${name}" within ${limitMs} ms.`);
  }

  /** Runs one and returns what it wrote; throws ActError when it fails. */
  async run(words: readonly string[], limitMs = answerMs): Promise<readonly string[]> {
    return linesOf(await this.attempt(words, limitMs), words[0] ?? '');
  }
}
