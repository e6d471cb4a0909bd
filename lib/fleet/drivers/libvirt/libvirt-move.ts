// One move of a VM between two hosts of libvirt. The daemons carry it out; this looks at both, and tells them.

import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../../../errors/message-of.js';
import type { Decision } from '../../../migration/decision.js';
import { parsePolicies } from '../../../policy/named.js';
import type { LibvirtHost } from '../../../site/site.js';
import { ActError } from '../../errors.js';
import type { EntryOf, MoveFigures } from '../../journal/entries.js';
import type { Decisions, Observation, Outcome } from '../../move/next-action.js';
import type { Act, Guidance, MoveInHand, MoveProgress } from '../driver.js';
import { News } from '../news.js';
import type { DomainAnswers, NoDomain } from './answers.js';
import { Domain } from './domain.js';
import { Following } from './following.js';
import { type MigrateHow, migrateWords, postCopyFromPass, resumeWords } from './migrate-words.js';
import { destinationSighting, sourceSighting } from './sightings.js';
import { Virsh, type VirshCommand } from './virsh.js';

/** What a virsh that was killed with its controller had sent has been taken up by then. */
const stillOnItsWayMs = 2000;
/** A daemon that is started again answers by then. */
const restartMs = 15_000;
/** Looks are cheap, and post-copy is not to begin late. */
const pollMs = 250;

/** The longest downtime limit that QEMU accepts. */
const maxDowntimeMs = 2_000_000;
/** QEMU decides ten times a second whether what is left fits into the limit: by then it has had many chances. */
const stopGuestAfterMs = 2000;
/** QEMU has switched to post-copy by then, and libvirt knows. */
const switchMs = 3000;

/** What libvirt says of a domain with which it is busy, after 30 s. */
const heldDomain = 'cannot acquire state change lock';

/** What an attempt's hands need to know. */
export interface LibvirtMoveGiven {
  readonly attempt: EntryOf<'attempt'>;
  readonly from: LibvirtHost;
  readonly to: LibvirtHost;
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
  readonly #following: Following | undefined;
  #due: Guidance | undefined;
  #toldToStop = false;
  #limitLiftedAtMs: number | undefined;
  /** Until then a switch to post-copy may not be seen yet. */
  #maySwitchUntilMs: number;
  #progress: MoveProgress | undefined;
  #figures: MoveFigures | undefined;
  #failure: string | undefined;
  #hasLimit = false;
  #isHeld = false;

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
    // An earlier controller may just have told it to switch.
    const maySwitch = decisions.toldToMigrate && attempt.move.method.name !== 'pre-copy';
    this.#maySwitchUntilMs = maySwitch ? performance.now() + switchMs : 0;
    const { method } = attempt.move;
    if (method.policy.length > 0) {
      const policy = parsePolicies(method.policy);
      const onNews = () => this.#news.come();
      this.#following = new Following({ domain: this.#source, method, policy, onNews });
    }
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
    return this.#following?.decision;
  }

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
    this.#toldToStop = decisions.toldToStop === true;
    const isGuided = source === 'ours' && progress !== undefined && decisions.wanted === 'move';
    this.#due = isGuided ? await this.#guide(progress, decisions) : undefined;
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

  /** What the migration is to be told now. Some of it can be told to one that runs only. */
  async #guide(
    { sentBytes, passes }: MoveProgress,
    { chosen }: Decisions,
  ): Promise<Guidance | undefined> {
    const { method } = this.#attempt.move;
    const hasBegun = sentBytes > 0;
    if (!hasBegun) return undefined;
    if (chosen?.choice === 'post-copy') return 'switch-to-post-copy';
    if (chosen?.choice === 'stop-now') return await this.#stopping();
    await this.#limitDowntime();
    const from = postCopyFromPass(method);
    if (from !== undefined && passes + 1 >= from) return 'switch-to-post-copy';
    if (!chosen) this.#following?.goOn();
    return undefined;
  }

  async #limitDowntime(): Promise<void> {
    const { downtimeLimitMs } = this.#attempt.move.method;
    if (downtimeLimitMs === undefined || this.#hasLimit) return;
    try {
      await this.#source.tell('migrate-setmaxdowntime', `${Math.ceil(downtimeLimitMs)}`);
      this.#hasLimit = true;
    } catch (error) {
      // It may just have ended; otherwise it is told again.
      if (!(error instanceof ActError)) throw error;
    }
  }

  /** Where QEMU knows no bandwidth, no limit is long enough. */
  async #stopping(): Promise<Guidance | undefined> {
    if (this.#limitLiftedAtMs === undefined) return 'stop-now';
    if (this.#toldToStop || performance.now() - this.#limitLiftedAtMs < stopGuestAfterMs) {
      return undefined;
    }
    const answers = await this.#source.look();
    return typeof answers === 'object' && answers.state === 'running' ? 'stop-guest' : undefined;
  }

  async act(action: Act): Promise<void> {
    switch (action) {
      case 'prepare':
        // libvirt starts the destination's QEMU when the source is told to migrate.
        return;
      case 'migrate':
        await this.#following?.begin();
        await this.#start(migrateWords);
        return;
      case 'cancel':
        await this.#cancel();
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
        await this.#switchToPostCopy();
        return;
      case 'stop-now':
        await this.#liftLimit();
        return;
      case 'stop-guest':
        await this.#stopGuest();
        return;
    }
  }

  /** QEMU cancels in post-copy as well, with the guest at the destination, until libvirt has noticed the switch. */
  async #cancel(): Promise<void> {
    if (performance.now() < this.#maySwitchUntilMs) {
      throw new ActError('It may be switching to post-copy at this moment: it is not cancelled.');
    }
    await this.#source.abort();
  }

  async #switchToPostCopy(): Promise<void> {
    this.#maySwitchUntilMs = Number.POSITIVE_INFINITY;
    try {
      await this.#source.tell('migrate-postcopy');
    } finally {
      this.#maySwitchUntilMs = performance.now() + switchMs;
    }
  }

  /** QEMU then stops the guest as soon as it can. A limit that comes too late would be that of the next migration. */
  async #liftLimit(): Promise<void> {
    const { virsh, id } = this.#source;
    const [before = ''] = await virsh.run(['migrate-getmaxdowntime', id]);
    await this.#source.tell('migrate-setmaxdowntime', `${maxDowntimeMs}`);
    this.#limitLiftedAtMs = performance.now();
    if (await this.#hasLeftItsJob()) await this.#source.tell('migrate-setmaxdowntime', before);
  }

  /** libvirt runs the guest again where the migration ends, unless that has ended before. */
  async #stopGuest(): Promise<void> {
    await this.#source.tell('suspend');
    await this.#runAgain();
  }

  async #hasLeftItsJob(): Promise<boolean> {
    const answers = await this.#source.look();
    return typeof answers === 'object' && answers.job === 'none';
  }

  /** A guest that was stopped for a migration which has ended meanwhile. */
  async #runAgain(): Promise<void> {
    const answers = await this.#source.look();
    if (typeof answers !== 'object') return;
    const { job, state, reason } = answers;
    if (job === 'none' && state === 'paused' && reason === 'user') {
      await this.#source.tell('resume');
    }
  }

  /** A daemon that was killed while it started a QEMU holds its domain for good, and has nothing to end. */
  async #endDestination(): Promise<void> {
    const there = await this.#destination.look();
    if (there === 'absent') return;
    if (there === 'unknown') throw new ActError('libvirt at the destination does not answer.');
    // libvirt may have run the guest there since: that is seen next, and a person is asked.
    if (there.state === 'running') throw new ActError('The guest runs at the destination.');
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
    if (outcome === 'stayed' && this.#toldToStop) await this.#runAgain();
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

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#following?.[Symbol.asyncDispose]();
    await Promise.all([this.#command?.end(), this.#interruption?.end()]);
  }
}
