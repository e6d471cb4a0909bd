// The QMP of a domain, as libvirt passes it on: a virsh for each command, and one that tells the events. libvirt marks a
// domain that is asked this way as tainted ("custom-monitor"), for as long as it runs.
import { Duplex } from 'node:stream';
import { messageOf } from '../../../errors/message-of.js';
import { type ClientOptions, QmpClient } from '../../../qmp/client.js';
import type { QmpEvent } from '../../../qmp/messages.js';
import { ActError } from '../../errors.js';
import type { Domain } from './domain.js';
import { linesOf, type Virsh, type VirshCommand } from './virsh.js';

const microsecondsPerSecond = 1e6;
/** Before anything is asked, it is to answer. */
const openMs = 10_000;
/** QEMU answers nobody while it sends the rest of its guest. Whoever asks has limits of its own. */
const silentMs = 60 * 60_000;

/** What virsh prints of an event; undefined for a line that is of none. */
export function parseEvent(line: string): QmpEvent | undefined {
  const [, event, seconds = '', fraction = '', text] =
    /^event (\S+) at (\d+)\.(\d+) for domain '.*': (<null>|\{.*\})$/.exec(line) ?? [];
  if (event === undefined || text === undefined) return undefined;
  const microseconds = Number(`0.${fraction}`) * microsecondsPerSecond;
  return {
    event,
    data: text === '<null>' ? {} : JSON.parse(text),
    timestamp: { seconds: Number(seconds), microseconds: Math.round(microseconds) },
  };
}

interface Request {
  readonly execute: string;
  readonly arguments?: object;
  readonly id: number;
}

/** Speaks as a QEMU does, of which libvirt holds the monitor. */
class DomainMonitor extends Duplex {
  readonly #virsh: Virsh;
  readonly #domain: string;
  readonly #events: VirshCommand;
  /** What is being asked. */
  #asking: VirshCommand | undefined;

  private constructor(virsh: Virsh, domain: string, events: VirshCommand) {
    super();
    this.#virsh = virsh;
    this.#domain = domain;
    this.#events = events;
  }

  static async open({ virsh, id }: Domain): Promise<DomainMonitor> {
    const listen = ['qemu-monitor-event', id, '--loop'];
    // Lines that come before there is somebody to hear them are of no migration that is followed.
    let hear = (_line: string) => {};
    const events = await virsh.start(listen, (line) => hear(line));
    const monitor = new DomainMonitor(virsh, id, events);
    hear = (line) => {
      const event = parseEvent(line);
      if (event) monitor.#say(event);
    };
    try {
      const { return: version } = await monitor.#ask('query-version', undefined, openMs);
      monitor.#say({ QMP: { version, capabilities: [] } });
    } catch (error) {
      monitor.destroy();
      throw error;
    }
    void events.ended.then(({ problem }) => monitor.destroy(new ActError(problem)));
    return monitor;
  }

  #say(message: object): void {
    if (!this.destroyed) this.push(`${JSON.stringify(message)}\n`);
  }

  async #ask(
    execute: string,
    commandArguments: object | undefined,
    limitMs: number,
  ): Promise<Record<string, unknown>> {
    const request = JSON.stringify({ execute, arguments: commandArguments });
    const command = await this.#virsh.start(['qemu-monitor-command', this.#domain, request]);
    this.#asking = command;
    if (this.destroyed) await command.end();
    const output = await this.#virsh.outputOf(command, execute, limitMs);
    return JSON.parse(linesOf(output, 'qemu-monitor-command').join('\n'));
  }

  async #answer({ execute, arguments: commandArguments, id }: Request): Promise<object> {
    // That has been negotiated by libvirt.
    if (execute === 'qmp_capabilities') return { return: {}, id };
    return { ...(await this.#ask(execute, commandArguments, silentMs)), id };
  }

  override _read(): void {
    // It says what it has to say when that comes.
  }

  /** A client writes one whole command at a time, and one answer follows the other. */
  override _write(line: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.#answer(JSON.parse(line.toString())).then(
      (answer) => {
        this.#say(answer);
        done();
      },
      (error: unknown) => done(new ActError(messageOf(error))),
    );
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    void Promise.all([this.#events.end(), this.#asking?.end()]).then(() => done(error));
  }
}

/** The QMP of a domain that runs. Closing it ends what virsh runs for it. */
export async function connectToDomain(
  domain: Domain,
  options: Pick<ClientOptions, 'timeoutMs'> = {},
): Promise<QmpClient> {
  // Its daemon may be elsewhere, or in namespaces of its own: a path or a process number means nothing here.
  return await QmpClient.over(await DomainMonitor.open(domain), { ...options, isLocal: false });
}
