// A VM as one host's libvirt has it.
import { ActError } from '../../errors.js';
import type { MoveFigures } from '../../journal/entries.js';
import {
  type DomainAnswers,
  lookWords,
  type NoDomain,
  parseFigures,
  parseLook,
} from './answers.js';
import { answerMs, type Virsh, type VirshCommand, workMs } from './virsh.js';

/** What it says of itself beside its state. */
export interface DomainFacts {
  readonly uuid: string;
  readonly isPersistent: boolean;
  readonly startsWithHost: boolean;
  /** It has a QEMU. */
  readonly runs: boolean;
}

/** A VM as one host's libvirt has it, or does not. */
export class Domain {
  constructor(
    readonly virsh: Virsh,
    /** Its UUID, or its name. */
    readonly id: string,
  ) {}

  /** What libvirt says of it now. */
  async look(): Promise<DomainAnswers | NoDomain> {
    try {
      const { lines, problem } = await this.virsh.attempt(lookWords(this.id));
      const answers = parseLook(lines, problem);
      if (answers) return answers;
      // An error may mean anything: only a list without it says that it is not there.
      return (await this.#isListed()) ? 'unknown' : 'absent';
    } catch (error) {
      if (!(error instanceof ActError)) throw error;
      return 'unknown';
    }
  }

  async #isListed(): Promise<boolean> {
    const lines = await this.virsh.run(['list', '--all', '--uuid', '--name']);
    return lines.some((line) => line.split(/\s+/).includes(this.id));
  }

  async facts(): Promise<DomainFacts> {
    const lines = await this.virsh.run(['dominfo', this.id], workMs);
    const has = (name: string, value: string) =>
      lines.some((line) => line.startsWith(`${name}:`) && line.endsWith(value));
    const [, uuid = this.id] = /^UUID:\s*(\S+)/m.exec(lines.join('\n')) ?? [];
    return {
      uuid,
      isPersistent: has('Persistent', 'yes'),
      startsWithHost: has('Autostart', 'enable'),
      runs: !has('State', 'shut off'),
    };
  }

  /** What the migration by which it came here has cost, if libvirt still knows. */
  async figures(): Promise<MoveFigures | undefined> {
    const kept = ['--completed', '--keep-completed', '--rawstats'];
    const { lines } = await this.virsh.attempt(['domjobinfo', this.id, ...kept]);
    return parseFigures(lines);
  }

  /** Tells libvirt something of it, as long as that may take. */
  async tell(command: string, ...words: string[]): Promise<void> {
    await this.virsh.run([command, this.id, ...words], workMs);
  }

  /** Ends the QEMU that its guest has left. One whose guest runs is not touched. */
  async end(): Promise<void> {
    const answers = await this.look();
    if (typeof answers === 'object' && answers.state === 'paused') await this.tell('destroy');
    await this.forget();
  }

  /** Removes its definition, if it has one, unless it runs. */
  async forget(): Promise<void> {
    const answers = await this.look();
    if (answers === 'absent') return;
    if (answers === 'unknown') throw new ActError(`${this.virsh.uri} does not answer.`);
    if (answers.state !== 'shut off') {
      throw new ActError(`${this.virsh.uri} says that the VM is ${answers.state} there.`);
    }
    // The files of its firmware are where it runs now as well.
    await this.tell('undefine', '--keep-nvram');
  }

  /** Aborts what runs of its migration. */
  async abort(): Promise<void> {
    await this.virsh.run(['domjobabort', this.id], answerMs);
  }

  /** Has post-copy wait for another connection. */
  async interrupt(): Promise<VirshCommand> {
    return await this.virsh.start(['domjobabort', this.id, '--postcopy']);
  }
}
