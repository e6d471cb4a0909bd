// One attempt at a move by QMP: looks at both QEMUs, and tells them what it is told.
import { join } from 'node:path';
import { messageOf } from '../../../errors/message-of.js';
import type { Connections } from '../../../migration/connections.js';
import type { Decision } from '../../../migration/decision.js';
import { MigrationRefusedError } from '../../../migration/errors.js';
import { JournalError } from '../../../migration/journal.js';
import { JournalDirectory } from '../../../migration/journal-directory.js';
import { startOver } from '../../../migration/migrate.js';
import type { Migration } from '../../../migration/migration.js';
import {
  type MigrateOptions,
  type MigrationProgress,
  parseMigrateOptions,
} from '../../../migration/options.js';
import type { MigrationResult } from '../../../migration/result.js';
import { isRunning } from '../../../migration/statuses.js';
import { putBack, takeOverWith } from '../../../migration/take-over.js';
import { parsePolicies } from '../../../policy/named.js';
import { QmpClient } from '../../../qmp/client.js';
import { QmpBusyError, QmpError } from '../../../qmp/errors.js';
import type { LastingQmp } from '../../../qmp/lasting-qmp.js';
import { eventTimeMs, type QmpEvent } from '../../../qmp/messages.js';
import { processOf } from '../../../qmp/process-usage.js';
import type { FakeDirtyHash } from '../../../qmp/schema/fake-dirty.js';
import { parseAddress } from '../../../qmp/transport.js';
import type { MoveMethod } from '../../../site/move.js';
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
import { Side } from './side.js';
import {
  destinationSighting,
  type NoAnswer,
  type QemuAnswers,
  sourceSighting,
} from './sightings.js';

/** A QEMU that stops its guest, or waits for a page in post-copy, may be silent for a while: it is looked at again. */
const answerMs = 1500;
/** Its supervisor has put all settings back by then. */
const settleMs = 15_000;

/** A method as `migrate` takes it. */
function methodOptions(method: MoveMethod): Omit<MigrateOptions, 'to'> {
  const { name, hash, policy, downtimeLimitMs, bytesPerSecond } = method;
  return {
    method: name,
    // One that nobody knows is refused, as all that is wrong with a method.
    ...(hash === undefined
      ? {}
      : { filter: { hash: hash as FakeDirtyHash, ifMissing: 'leave-out' } }),
    ...(policy.length > 0 ? { policy: parsePolicies(policy) } : {}),
    ...(downtimeLimitMs === undefined ? {} : { downtimeLimitMs }),
    ...(bytesPerSecond === undefined ? {} : { bandwidthBytesPerSecond: bytesPerSecond }),
  };
}

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
  readonly #journals: JournalDirectory;
  #destinationProcess: ProcessIdentity | undefined;
  #migration: Migration | undefined;
  #result: MigrationResult | undefined;
  #asked: { readonly greeting: object; readonly process: ProcessIdentity | undefined } | undefined;
  /** The source has said by itself that all of the guest has arrived. */
  #hasHandedOver = false;
  #isForeign = false;
  #progress: MigrationProgress | undefined;
  #failure: string | undefined;
  readonly #news = new News();
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
    this.#journals = new JournalDirectory(join(given.journals, given.attempt.attempt));
  }

  get progress(): MoveProgress | undefined {
    const passes = this.#migration?.observation.passes.length ?? 0;
    const { ram, status = 'none', 'total-time': elapsedMs = 0 } = this.#source.lastInfo;
    // What an earlier migration has sent is no part of this one.
    if (!this.#migration && !isRunning(status)) return undefined;
    if (!ram) return this.#progress && { ...this.#progress, passes };
    return {
      ...{ elapsedMs, status, passes },
      sentBytes: ram.transferred,
      remainingBytes: ram.remaining,
      linkBytesPerSecond: this.#progress?.linkBytesPerSecond ?? 0,
    };
  }

  get decision(): Decision | undefined {
    const decided = this.#result?.policyEvaluations.at(-1)?.decision;
    return decided?.choice === 'go-on' ? undefined : decided;
  }

  readonly isSilentAtTheEnd = true;

  /** `migrate` does itself what its policy chooses. */
  get due(): undefined {
    return undefined;
  }

  get figures(): MoveFigures | undefined {
    if (!this.#result) return undefined;
    const { totalMs, bytes, passes, downtimeMs } = this.#result;
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
    if (this.#failure !== undefined) return this.#failure;
    if (this.#result && this.#result.outcome !== 'completed') {
      const said = logOf(this.#folder);
      return `${this.#result.reason}${said ? ` The destination's QEMU said: ${said}` : ''}`;
    }
    return undefined;
  }

  async observe(decisions: Decisions): Promise<Observation> {
    const source = await this.#seeSource(decisions);
    return { source, destination: await this.#seeDestination(source) };
  }

  async #seeSource(decisions: Decisions): Promise<SourceSighting> {
    if (this.#isForeign) return 'somebody-elses';
    // It has said so by itself, and it stays so: the guest stands still until it is run at the destination, and a source
    // that clears up answers late.
    if (this.#hasHandedOver && this.#migration && !this.#isGone(this.#sourceProcess))
      return 'arrived';
    const answers = await this.#answersOf(this.#source, this.#sourceProcess);
    if (answers === 'gone') return (await this.#isReplaced()) ? 'somebody-elses' : 'gone';
    if (answers === 'unknown') return 'unknown';
    const process = await this.#processBehind((await this.#source.connect()).qmp);
    if (process && this.#sourceProcess && !isSameProcess(process, this.#sourceProcess)) {
      return 'somebody-elses';
    }
    const sighting = sourceSighting(answers, decisions);
    this.#forgetLostSupervisor();
    if (decisions.toldToMigrate && !this.#migration) await this.#goOn(sighting);
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

  /** One that could not reach the source any more has ended, and put nothing back: another goes on from its journal. */
  #forgetLostSupervisor(): void {
    if (this.#result?.outcome !== 'unknown') return;
    this.#migration = undefined;
    this.#result = undefined;
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

  /** Goes on with the migration whose controller was killed. Of one that is over, settings are put back. */
  async #goOn(sighting: SourceSighting): Promise<void> {
    const [found] = this.#journals.open();
    if (!found) return;
    const connections = await this.#connections();
    const file = this.#journals.goOn(found);
    try {
      if (sighting === 'not-started') {
        await putBack(connections, found.journal, file.write);
        file[Symbol.dispose]();
        return;
      }
      const migration = await takeOverWith(connections, found.journal, {
        write: file.write,
        ...(found.journal.begin.policy
          ? { policy: parsePolicies(found.journal.begin.policy) }
          : {}),
        onProgress: (progress) => this.#onProgress(progress),
      });
      this.#follow(migration, () => file[Symbol.dispose]());
    } catch (error) {
      file[Symbol.dispose]();
      // The source is silent again: whoever looks next sees that.
      if (error instanceof QmpError) return;
      if (!(error instanceof JournalError)) throw error;
      this.#failure = messageOf(error);
      this.#isForeign = true;
    }
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

  #onProgress(progress: MigrationProgress): void {
    this.#progress = progress;
  }

  #follow(migration: Migration, release: () => void): void {
    this.#migration = migration;
    const settle = (result: MigrationResult | undefined) => {
      this.#result = result;
      release();
      this.#news.come();
    };
    migration.result.then(settle, () => settle(undefined));
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
    const { attempt } = this.#given;
    const { host, sourceTls } = this.#given;
    const tls = await useCertificates(source, destination, { host, sourceTls });
    const file = this.#journals.create();
    try {
      const options = parseMigrateOptions({
        ...methodOptions(attempt.move.method),
        ...tls,
        to: { qmp: client, listen: attempt.listen },
        destinationIsHeld: true,
        journal: { write: file.write, policy: attempt.move.method.policy },
        onProgress: (progress) => this.#onProgress(progress),
      });
      const release = () => Promise.resolve();
      const migration = await startOver({ source, destination, release }, options);
      this.#follow(migration, () => file[Symbol.dispose]());
    } catch (error) {
      file[Symbol.dispose]();
      this.#failure = messageOf(error);
      throw error instanceof MigrationRefusedError ? new ActRefusedError(error.message) : error;
    }
  }

  async #cancel(): Promise<void> {
    if (this.#migration && !this.#result) {
      this.#migration.cancel().catch(() => {});
      return;
    }
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
    // Its supervisor still talks to it.
    if (this.#migration) await within(settleMs, this.#migration.result, () => undefined);
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
    if (this.#migration) await within(settleMs, this.#migration.result, () => undefined);
    const { host, sourceTls } = this.#given;
    if (outcome === 'stayed' && sourceTls) await this.#without(this.#source, forgetCertificates);
    if (outcome === 'moved' && host.tls) await this.#without(this.#destination, forgetArrival);
    // What does not answer, and was settled by a person, may live: the guest is elsewhere.
    if (outcome === 'stayed') await this.#endIfAlive(this.#destination, findQemu(this.#folder));
    if (outcome === 'moved') await this.#endIfAlive(this.#source, this.#sourceProcess);
    // With what the destination's QEMU has said.
    this.#failure = this.failure;
    if (outcome !== 'moved' && !findQemu(this.#folder)) removeFolder(this.#folder);
    if (outcome === 'moved' && source.driver === 'qmp' && source.folder)
      removeFolder(source.folder);
  }

  /** What is left of certificates harms nothing before the next move, which says so: a silent QEMU is not waited for. */
  async #without(side: Side, forget: (qmp: LastingQmp) => Promise<void>): Promise<void> {
    try {
      const forgotten = side.connect().then(({ qmp }) => forget(qmp));
      await within(settleMs, forgotten, () => undefined);
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
