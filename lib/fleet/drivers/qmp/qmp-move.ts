// One attempt at a move by QMP: looks at both QEMUs, and tells them what it is told.
import { join } from 'node:path';
import type { Connections } from '../../../migration/connections.js';
import type { Decision } from '../../../migration/decision.js';
import { isRunning } from '../../../migration/statuses.js';
import { QmpClient } from '../../../qmp/client.js';
import { QmpBusyError, QmpError } from '../../../qmp/errors.js';
import type { LastingQmp } from '../../../qmp/lasting-qmp.js';
import { eventTimeMs, type QmpEvent } from '../../../qmp/messages.js';
import { processOf } from '../../../qmp/process-usage.js';
import { parseAddress } from '../../../qmp/transport.js';
import type { Certificates, QmpHost, Vm } from '../../../site/site.js';
import { within } from '../../../system/deadline.js';
import { isAlive, isSameProcess, type ProcessIdentity } from '../../../system/owner.js';
import { ActError, ActRefusedError } from '../../errors.js';
import type { EntryOf, MoveFigures } from '../../journal/entries.js';
import type {
  Decisions,
  DestinationSighting,
  Observation,
  SourceSighting,
} from '../../move/next-action.js';
import type { Act, MoveInHand, MoveProgress } from '../driver.js';
import { News } from '../news.js';
import { forgetArrival, forgetCertificates, useCertificates } from './certificates.js';
import { endQemu, findQemu, logOf, removeFolder, startQemu } from './destination-qemu.js';
import { HeldMigration } from './held-migration.js';
import { Side } from './side.js';
import {
  destinationSighting,
  type NoAnswer,
  type QemuAnswers,
  sourceSighting,
} from './sightings.js';

/** A QEMU that stops its guest, or waits for a page in post-copy, may be silent for a while: it is looked at again. */
const answerMs = 1500;
/** What is left of certificates harms nothing before the next move, which says so: a silent QEMU is not waited for. */
const forgetMs = 15_000;

/** What an attempt's hands need to know. */
export interface QmpMoveGiven {
  readonly attempt: EntryOf<'attempt'>;
  readonly host: QmpHost;
  readonly vm: Vm;
  /** The certificates of its source. */
  readonly sourceTls: Certificates | undefined;
  /** Where the journals of migrations are. */
  readonly journals: string;
}

/** One attempt at a move by QMP. */
export class QmpMove implements MoveInHand {
  readonly #given: QmpMoveGiven;
  readonly #source: Side;
  readonly #destination: Side;
  readonly #sourceProcess: ProcessIdentity | undefined;
  readonly #folder: string;
  readonly #migration: HeldMigration;
  readonly #news = new News();
  #destinationProcess: ProcessIdentity | undefined;
  #asked: { readonly greeting: object; readonly process: ProcessIdentity | undefined } | undefined;
  /** The source has said by itself that all of the guest has arrived. */
  #hasHandedOver = false;
  #isForeign = false;
  #failure: string | undefined;
  #stoppedAtMs: number | undefined;
  #ranAgainAtMs: number | undefined;

  constructor(given: QmpMoveGiven) {
    const { source, destination } = given.attempt;
    if (source.driver !== 'qmp' || destination.driver !== 'qmp' || !destination.folder) {
      throw new ActError('This attempt is of another driver.');
    }
    this.#given = given;
    this.#source = new Side(source.qmp, (event) => this.#onSourceEvent(event));
    this.#sourceProcess = source.process;
    this.#destination = new Side(destination.qmp, (event) => this.#onDestinationEvent(event));
    this.#folder = destination.folder;
    this.#migration = new HeldMigration({
      journals: join(given.journals, given.attempt.attempt),
      method: given.attempt.move.method,
      onNews: () => this.#news.come(),
    });
  }

  get progress(): MoveProgress | undefined {
    const { isHeld, passes, progress } = this.#migration;
    const { ram, status = 'none', 'total-time': elapsedMs = 0 } = this.#source.lastInfo;
    // What an earlier migration has sent is no part of this one.
    if (!isHeld && !isRunning(status)) return undefined;
    if (!ram) return progress && { ...progress, passes };
    return {
      ...{ elapsedMs, status, passes },
      sentBytes: ram.transferred,
      remainingBytes: ram.remaining,
      linkBytesPerSecond: progress?.linkBytesPerSecond ?? 0,
    };
  }

  get decision(): Decision | undefined {
    return this.#migration.decision;
  }

  readonly isSilentAtTheEnd = true;

  /** `migrate` does itself what its policy chooses. */
  get due(): undefined {
    return undefined;
  }

  get figures(): MoveFigures | undefined {
    const { result } = this.#migration;
    if (!result) return undefined;
    const { totalMs, bytes, passes, downtimeMs } = result;
    const [stopped, ran] = [this.#stoppedAtMs, this.#ranAgainAtMs];
    const seen = stopped === undefined || ran === undefined ? undefined : ran - stopped;
    return {
      timeMs: totalMs,
      bytes: bytes.total + bytes.multifd,
      passes: passes.length,
      // QEMU's figure ends with the arrival: what came after it counts as well.
      ...(downtimeMs === undefined ? {} : { downtimeMs: Math.max(downtimeMs, seen ?? 0) }),
    };
  }

  get failure(): string | undefined {
    const failure = this.#failure ?? this.#migration.failure;
    if (failure !== undefined) return failure;
    const { result } = this.#migration;
    if (!result || result.outcome === 'completed') return undefined;
    const said = logOf(this.#folder);
    return `${result.reason}${said ? ` The destination's QEMU said: ${said}` : ''}`;
  }

  async observe(decisions: Decisions): Promise<Observation> {
    const source = await this.#seeSource(decisions);
    return { source, destination: await this.#seeDestination(source) };
  }

  async #seeSource(decisions: Decisions): Promise<SourceSighting> {
    if (this.#isForeign) return 'somebody-elses';
    // It has said so by itself, and it stays so: the guest stands still until it is run at the destination, and a source
    // that clears up answers late.
    if (this.#hasHandedOver && this.#migration.isHeld && !this.#isGone(this.#sourceProcess)) {
      return 'arrived';
    }
    const answers = await this.#answersOf(this.#source, this.#sourceProcess);
    if (answers === 'gone') return (await this.#isReplaced()) ? 'somebody-elses' : 'gone';
    if (answers === 'unknown') return 'unknown';
    const process = await this.#processBehind((await this.#source.connect()).qmp);
    if (process && this.#sourceProcess && !isSameProcess(process, this.#sourceProcess)) {
      return 'somebody-elses';
    }
    const sighting = sourceSighting(answers, decisions);
    this.#migration.forgetIfLost();
    if (decisions.toldToMigrate && !this.#migration.isHeld) await this.#takeOver(sighting);
    return this.#isForeign ? 'somebody-elses' : sighting;
  }

  /** The process at the other end: asked for once in each connection, which has its own greeting. */
  async #processBehind(qmp: LastingQmp): Promise<ProcessIdentity | undefined> {
    if (this.#asked?.greeting !== qmp.greeting) {
      const { greeting } = qmp;
      this.#asked = { greeting, process: await processOf(qmp) };
    }
    return this.#asked.process;
  }

  /** Somebody has started the VM again at its source, as a supervisor of services does: with its disks. */
  async #isReplaced(): Promise<boolean> {
    const { source } = this.#given.attempt;
    if (source.driver !== 'qmp') return false;
    try {
      await using _another = await QmpClient.connect(parseAddress(source.qmp), {
        timeoutMs: answerMs,
      });
      return true;
    } catch (error) {
      // Its socket may be there still.
      if (error instanceof QmpError) return error instanceof QmpBusyError;
      throw error;
    }
  }

  async #seeDestination(source: SourceSighting): Promise<DestinationSighting> {
    if (!this.#destinationProcess || this.#isGone(this.#destinationProcess)) {
      this.#destinationProcess = findQemu(this.#folder);
    }
    if (!this.#destinationProcess) return destinationSighting('gone', source);
    const answers = await this.#answersOf(this.#destination, this.#destinationProcess);
    return destinationSighting(answers, source);
  }

  #isGone(process: ProcessIdentity | undefined): boolean {
    return process !== undefined && isAlive(process) === false;
  }

  /** What a side says, if it does. */
  async #answersOf(
    side: Side,
    process: ProcessIdentity | undefined,
  ): Promise<QemuAnswers | NoAnswer> {
    if (this.#isGone(process)) return 'gone';
    try {
      return await within(answerMs, side.answers(), () => 'unknown' as const);
    } catch (error) {
      if (!(error instanceof QmpError)) throw error;
      if (!(error instanceof QmpBusyError)) await side.disconnect();
      return this.#isGone(process) ? 'gone' : 'unknown';
    }
  }

  async #takeOver(sighting: SourceSighting): Promise<void> {
    const isOver = sighting === 'not-started';
    const isOurs = await this.#migration.takeOver(() => this.#connections(), { isOver });
    if (!isOurs) this.#isForeign = true;
  }

  async #connections(): Promise<Connections> {
    const { qmp: source } = await this.#source.connect();
    const qemu = this.#destinationProcess ?? findQemu(this.#folder);
    const there = qemu && (await this.#destinationSoon());
    return { source, destination: there?.qmp, release: () => Promise.resolve() };
  }

  /** One that does not answer now is done without. */
  async #destinationSoon(): Promise<{ readonly qmp: LastingQmp } | undefined> {
    const connected = this.#destination.connect().catch(() => undefined);
    return await within(answerMs, connected, () => undefined);
  }

  #onSourceEvent(event: QmpEvent | undefined): void {
    if (event?.event === 'STOP') this.#stoppedAtMs = eventTimeMs(event);
    const { status } = (event?.data ?? {}) as { readonly status?: unknown };
    if (event?.event === 'MIGRATION') this.#hasHandedOver = status === 'completed';
    else if (event?.event !== 'STOP') this.#hasHandedOver = false;
    this.#news.come();
  }

  #onDestinationEvent(event: QmpEvent | undefined): void {
    if (event?.event === 'RESUME') this.#ranAgainAtMs = eventTimeMs(event);
    this.#news.come();
  }

  async act(action: Act): Promise<void> {
    switch (action) {
      case 'prepare':
        await startQemu(this.#given.host, this.#given.vm, this.#folder);
        return;
      case 'migrate':
        await this.#migrate();
        return;
      case 'cancel':
        await this.#cancel();
        return;
      case 'recover':
        await this.#recover();
        return;
      case 'interrupt':
        await this.#interrupt();
        return;
      case 'run-there':
        await (await this.#destination.connect()).qmp.execute('cont');
        return;
      case 'run-here':
        this.#hasHandedOver = false;
        // A person may say so while the other one does not answer: it must not run the guest after that.
        await this.#endIfAlive(this.#destination, findQemu(this.#folder));
        await (await this.#source.connect()).qmp.execute('cont');
        return;
      case 'end-source':
        await this.#end(this.#source, this.#sourceProcess);
        return;
      case 'end-destination':
        await this.#end(this.#destination, this.#destinationProcess);
        return;
      case 'switch-to-post-copy':
      case 'stop-now':
      case 'stop-guest':
        throw new ActError('The migration does so by itself.');
    }
  }

  async #migrate(): Promise<void> {
    const { qmp: source } = await this.#source.connect();
    const { qmp: destination, client } = await this.#destination.connect();
    const { running, status } = await source.execute('query-status');
    if (!running) throw new ActRefusedError(`The guest does not run (${status}).`);
    const { attempt, host, sourceTls } = this.#given;
    const tls = await useCertificates(source, destination, { host, sourceTls });
    const release = () => Promise.resolve();
    await this.#migration.begin(
      { source, destination, release },
      { ...tls, to: { qmp: client, listen: attempt.listen } },
    );
  }

  async #cancel(): Promise<void> {
    if (this.#migration.cancel()) return;
    const { qmp } = await this.#source.connect();
    const capabilities = await qmp.execute('query-migrate-capabilities');
    // In post-copy QEMU cancels as well, and nobody knows here whether it is about to begin that.
    if (capabilities.some(({ capability, state }) => capability === 'postcopy-ram' && state)) {
      throw new ActError('It can switch to post-copy at any moment: it is not cancelled.');
    }
    await qmp.execute('migrate_cancel');
  }

  async #recover(): Promise<void> {
    const uri = this.#given.attempt.listen;
    const { qmp: destination } = await this.#destination.connect();
    // Its main loop may wait for a page that is to come over the new connection.
    await destination.execute('migrate-recover', { uri }, { outOfBand: true });
    await (await this.#source.connect()).qmp.execute('migrate', { uri, resume: true });
  }

  /** Either side may have noticed already. A source that sends the rest listens to nothing else than this. */
  async #interrupt(): Promise<void> {
    const { qmp: source } = await this.#source.connect();
    if (this.#source.lastInfo.status !== 'postcopy-active') {
      const instances = [{ type: 'migration' }];
      await source.execute('yank', { instances }, { outOfBand: true });
      return;
    }
    for (const side of [this.#source, this.#destination]) {
      try {
        const { qmp } = await side.connect();
        await qmp.execute('migrate-pause', undefined, { outOfBand: true });
      } catch (error) {
        if (!(error instanceof QmpError)) throw error;
      }
    }
  }

  async #end(side: Side, process: ProcessIdentity | undefined): Promise<void> {
    // The migration still talks to it.
    await this.#migration.untilSettled();
    const connection = await side.connect().catch(() => undefined);
    if (process) await endQemu(connection?.client, process);
    await side.disconnect();
  }

  async #endIfAlive(side: Side, process: ProcessIdentity | undefined): Promise<void> {
    if (process && isAlive(process)) await this.#end(side, process);
  }

  async untilNews(limitMs: number): Promise<void> {
    await this.#news.wait(limitMs);
  }

  async cleanUp(outcome: 'moved' | 'stayed' | 'lost'): Promise<void> {
    const { source } = this.#given.attempt;
    await this.#migration.untilSettled();
    const { host, sourceTls } = this.#given;
    if (outcome === 'stayed' && sourceTls) await this.#without(this.#source, forgetCertificates);
    if (outcome === 'moved' && host.tls) await this.#without(this.#destination, forgetArrival);
    // What does not answer, and was settled by a person, may live: the guest is elsewhere.
    if (outcome === 'stayed') await this.#endIfAlive(this.#destination, findQemu(this.#folder));
    if (outcome === 'moved') await this.#endIfAlive(this.#source, this.#sourceProcess);
    // With what the destination's QEMU has said.
    this.#failure = this.failure;
    if (outcome !== 'moved' && !findQemu(this.#folder)) removeFolder(this.#folder);
    if (outcome === 'moved' && source.driver === 'qmp' && source.folder) {
      removeFolder(source.folder);
    }
  }

  async #without(side: Side, forget: (qmp: LastingQmp) => Promise<void>): Promise<void> {
    try {
      const forgotten = side.connect().then(({ qmp }) => forget(qmp));
      await within(forgetMs, forgotten, () => undefined);
    } catch (error) {
      if (!(error instanceof QmpError)) throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([
      this.#source[Symbol.asyncDispose](),
      this.#destination[Symbol.asyncDispose](),
    ]);
  }
}
