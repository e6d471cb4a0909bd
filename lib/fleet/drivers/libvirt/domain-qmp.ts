// The QMP of a domain, as libvirt passes it on: a virsh for each command, and one that tells the events. libvirt marks a
// domain that is asked this way as tainted ("custom-monitor"), for as long as it runs.
import { Duplex } from 'node:stream';
import { messageOf } from '../../../errors/message-of.js';
import { QmpClient } from '../../../qmp/client.js';
import type { QmpEvent } from '../../../qmp/messages.js';
import { ActError } from '../../errors.js';
import type { Domain } from './domain.js';
import type { Virsh, VirshCommand } from './virsh.js';

const microsecondsPerSecond = 1e6;
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
      const { return: version } = await monitor.#ask('query-version');
      monitor.#say({ QMP: { version, capabilities: [] } });
    } catch (error) {
      await events.end();
      throw error;
    }
    void events.ended.then(({ problem }) => monitor.destroy(new ActError(problem)));
    return monitor;
  }

  #say(message: object): void {
    if (!this.destroyed) this.push(`${JSON.stringify(message)}\n`);
  }

  async #ask(execute: string, commandArguments?: object): Promise<Record<string, unknown>> {
    const request = JSON.stringify({ execute, arguments: commandArguments });
    const lines = await this.#virsh.run(['qemu-monitor-command', this.#domain, request], silentMs);
    return JSON.parse(lines.join('\n'));
  }

  async #answer({ execute, arguments: commandArguments, id }: Request): Promise<object> {
    // That has been negotiated by libvirt.
    if (execute === 'qmp_capabilities') return { return: {}, id };
    return { ...(await this.#ask(execute, commandArguments)), id };
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
    void this.#events.end().then(() => done(error));
  }
}

/** The QMP of a domain that runs. Closing it ends what virsh runs for it. */
export async function connectToDomain(domain: Domain): Promise<QmpClient> {
  // Its daemon may be elsewhere, or in namespaces of its own: a path or a process number means nothing here.
  return await QmpClient.over(await DomainMonitor.open(domain), { isLocal: false });
}
