// One move of a VM between two hosts of libvirt. The daemons carry it out; this looks at both, and tells them.

import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../../../errors/message-of.js';
import type { Decision } from '../../../migration/decision.js';
import type { LibvirtHost } from '../../../site/site.js';
import { ActError } from '../../errors.js';
import type { EntryOf, MoveFigures } from '../../journal/entries.js';
import type { Decisions, Observation, Outcome } from '../../move/next-action.js';
import type { Act, Guidance, MoveInHand, MoveProgress } from '../driver.js';
import { News } from '../news.js';
import type { DomainAnswers, NoDomain } from './answers.js';
import { Domain } from './domain.js';
import { type MigrateHow, migrateWords, resumeWords } from './migrate-words.js';
import { destinationSighting, postCopyFailed, sourceSighting } from './sightings.js';
import { Steering } from './steering.js';
import { Virsh, type VirshCommand } from './virsh.js';

/** What a virsh that was killed with its controller had sent has been taken up by then. */
const stillOnItsWayMs = 2000;
/** A daemon that is started again answers by then. */
const restartMs = 15_000;
/** Looks are cheap, and post-copy is not to begin late. */
const pollMs = 250;

/** What libvirt says of a domain with which it is busy, after 30 s. */
const heldDomain = 'cannot acquire state change lock';

/** What an attempt's hands need to know. */
export interface LibvirtMoveGiven {
  readonly attempt: EntryOf<'attempt'>;
  readonly from: LibvirtHost;
  readonly to: LibvirtHost;
}

function isShutOff(answers: DomainAnswers | NoDomain): boolean {
  return typeof answers === 'object' && answers.state === 'shut off';
}

export class LibvirtMove implements MoveInHand {
  readonly #attempt: EntryOf<'attempt'>;
  readonly #to: LibvirtHost;
  readonly #source: Domain;
  readonly #destination: Domain;
  readonly #how: MigrateHow;
  readonly #startsWithHost: boolean;
  readonly #news = new News();
  /** Until then something that an earlier controller has sent may begin. */
  readonly #fenceMs: number;
  #command: VirshCommand | undefined;
  #interruption: VirshCommand | undefined;
  readonly #steering: Steering;
  #due: Guidance | undefined;
  #progress: MoveProgress | undefined;
  #figures: MoveFigures | undefined;
  #failure: string | undefined;
  #isHeld = false;
  /** Its guest was told to stop for the migration. */
  #mayStandStill = false;

  constructor({ attempt, from, to }: LibvirtMoveGiven, decisions: Decisions) {
    const { source, destination } = attempt;
    if (source.driver !== 'libvirt' || destination.driver !== 'libvirt') {
      throw new ActError('This attempt is of another driver.');
    }
    this.#attempt = attempt;
    this.#to = to;
    this.#source = new Domain(new Virsh(from.uri), source.uuid);
    this.#destination = new Domain(new Virsh(to.uri), destination.uuid);
    this.#how = {
      isPersistent: source.persistent ?? false,
      isEncrypted: from.tls !== undefined && to.tls !== undefined,
    };
    this.#startsWithHost = source.autostart ?? false;
    this.#fenceMs = decisions.toldToMigrate ? performance.now() + stillOnItsWayMs : 0;
    this.#steering = new Steering({
      domain: this.#source,
      method: attempt.move.method,
      isTakenOver: decisions.toldToMigrate,
      onNews: () => this.#news.come(),
    });
  }

  get progress(): MoveProgress | undefined {
    return this.#progress;
  }

  get figures(): MoveFigures | undefined {
    return this.#figures;
  }

  get failure(): string | undefined {
    return this.#failure;
  }

  get decision(): Decision | undefined {
    return this.#steering.decision;
  }

  /** A daemon that does not answer says nothing of what its QEMU does. */
  readonly isSilentAtTheEnd = false;

  get due(): Guidance | undefined {
    return this.#due;
  }

  async observe(decisions: Decisions): Promise<Observation> {
    // Before the look: one that ends meanwhile leaves nothing that could begin later.
    const mayBegin = this.#command?.runs === true || performance.now() < this.#fenceMs;
    const answers = await this.#source.look();
    const source = sourceSighting(answers, { ...decisions, mayBegin });
    const progress = typeof answers === 'object' ? answers.progress : undefined;
    if (progress) this.#progress = progress;
    const isSteered = source === 'ours' && progress !== undefined && decisions.wanted === 'move';
    this.#due = isSteered ? await this.#steering.due(progress, decisions) : undefined;
    this.#mayStandStill = decisions.toldToStop === true;
    const there = await this.#seeDestination(source === 'gone' && !decisions.settled);
    const destination = this.#isHeld
      ? 'somebody-elses'
      : destinationSighting(there, decisions, source);
    if (source === 'interrupted' && destination === 'ours-in-post-copy') await this.#tellApart();
    return { source, destination };
  }

  /** A person is not asked at once about a guest that nobody but a daemon knows of that may be starting again. */
  async #seeDestination(isPatient: boolean): Promise<DomainAnswers | NoDomain> {
    const giveUpAt = performance.now() + restartMs;
    for (;;) {
      const there = await this.#destination.look();
      if (!isPatient || there !== 'unknown' || performance.now() > giveUpAt) return there;
      await pause(pollMs);
    }
  }

  /**
   * The source sends nothing any more, which its destination can't know. QEMU doesn't answer, and so libvirt neither,
   * while its guest waits for a page: then it hears of it by that connection, once packets get through.
   */
  async #tellApart(): Promise<void> {
    if (!this.#interruption?.runs) this.#interruption = await this.#destination.interrupt();
  }

  async act(action: Act): Promise<void> {
    switch (action) {
      case 'prepare':
        // libvirt starts the destination's QEMU when the source is told to migrate.
        return;
      case 'migrate':
        await this.#steering.begin();
        await this.#start(migrateWords);
        return;
      case 'cancel':
        this.#steering.checkCancel();
        await this.#source.abort();
        return;
      case 'recover':
        // One that has not heard yet that the link is still down is waited for.
        if (!this.#command?.runs) await this.#start(resumeWords);
        return;
      case 'interrupt':
        await this.#source.tell('domjobabort', '--postcopy');
        return;
      case 'run-there':
        await this.#destination.tell('resume');
        return;
      case 'run-here':
        await this.#source.tell('resume');
        return;
      case 'end-source':
        await this.#source.end();
        return;
      case 'end-destination':
        await this.#endDestination();
        return;
      case 'switch-to-post-copy':
      case 'stop-now':
      case 'stop-guest':
        await this.#steering.act(action);
        return;
    }
  }

  /** A daemon that was killed while it started a QEMU holds its domain for good, and has nothing to end. */
  async #endDestination(): Promise<void> {
    const there = await this.#destination.look();
    if (there === 'absent') return;
    if (there === 'unknown') throw new ActError('libvirt at the destination does not answer.');
    // libvirt may have run the guest there since: that is seen next, and a person is asked. One whose post-copy has failed is
    // running for libvirt too, until it asks for a page that nobody has any more.
    if (there.state === 'running' && there.reason !== postCopyFailed) {
      throw new ActError('The guest runs at the destination.');
    }
    try {
      await this.#destination.tell('destroy');
    } catch (error) {
      if (error instanceof ActError && error.message.includes(heldDomain)) {
        this.#isHeld = true;
        this.#failure = `libvirt at the destination can't end what it has begun: ${error.message}`;
      }
      throw error;
    }
  }

  async #start(words: typeof migrateWords): Promise<void> {
    await this.#command?.end();
    const { method } = this.#attempt.move;
    const command = await this.#source.virsh.start(
      words(this.#source.id, this.#to, method, this.#how),
    );
    this.#command = command;
    this.#failure = undefined;
    void command.ended.then(({ succeeded, problem }) => {
      if (!succeeded) this.#failure = `libvirt: ${problem}.`;
      this.#news.come();
    });
  }

  async untilNews(limitMs: number): Promise<void> {
    await this.#news.wait(Math.min(limitMs, pollMs));
  }

  async cleanUp(outcome: Outcome): Promise<void> {
    // It says why when it has ended.
    if (outcome === 'stayed') await this.#command?.ended;
    if (outcome === 'stayed' && this.#mayStandStill) await this.#steering.runAgain();
    if (outcome === 'lost') await this.#forgetHalf();
    if (outcome !== 'moved') return;
    this.#figures = await this.#destination.figures().catch(() => undefined);
    try {
      await this.#source.forget();
      if (this.#startsWithHost) await this.#destination.tell('autostart');
    } catch (error) {
      if (!(error instanceof ActError)) throw error;
      this.#failure = messageOf(error);
    }
  }

  /** A guest that went there in post-copy was defined there already: it is left where it was alone. */
  async #forgetHalf(): Promise<void> {
    try {
      const [here, there] = [await this.#source.look(), await this.#destination.look()];
      if (isShutOff(here) && isShutOff(there)) await this.#destination.forget();
    } catch (error) {
      if (!(error instanceof ActError)) throw error;
      this.#failure = messageOf(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#steering[Symbol.asyncDispose]();
    await Promise.all([this.#command?.end(), this.#interruption?.end()]);
  }
}
