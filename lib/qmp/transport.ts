// How to reach a QMP: over a UNIX socket, a TCP port, or the standard streams of a QEMU.
import { once } from 'node:events';
import { realpathSync, type Stats, statSync } from 'node:fs';
import { createConnection } from 'node:net';
import { Duplex, type Readable, type Writable } from 'node:stream';
import { shown } from '../errors/shown.js';
import { within } from '../system/deadline.js';
import { QmpAddressError, QmpBusyError, QmpClosedError, QmpError } from './errors.js';

/** Where QEMU listens: the path of a UNIX socket, or a TCP port. */
export type QmpAddress = string | { readonly host: string; readonly port: number };

/** The streams of a QEMU that was started with `-qmp stdio`. */
export interface StandardStreams {
  /** What QEMU writes: the child's stdout. */
  readonly output: Readable;
  /** What QEMU reads: the child's stdin. */
  readonly input: Writable;
}

/** An address as text, in the form that `parseAddress` reads. */
export function formatAddress(address: QmpAddress): string {
  if (typeof address === 'string') return address;
  const { host, port } = address;
  return `tcp:${host.includes(':') ? `[${host}]` : host}:${port}`;
}

const maxPort = 65_535;

function isPort(port: unknown): boolean {
  return typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= maxPort;
}

function notAnAddress(given: unknown): QmpAddressError {
  const expected = 'expected the path of a UNIX socket, or tcp:HOST:PORT';
  const text = typeof given === 'string' ? `"${given}"` : shown(given);
  return new QmpAddressError(`${text} is not a QMP address; ${expected}.`);
}

function notAPort(address: string, port: unknown): QmpAddressError {
  const expected = `expected a whole number from 1 to ${maxPort}`;
  return new QmpAddressError(`${address} has the port ${shown(port)}; ${expected}.`);
}

/** Reads an address as QEMU's command line has it: `/path`, `unix:/path`, `tcp:host:port`, `tcp:[::1]:port`. */
export function parseAddress(text: string): QmpAddress {
  if (typeof text !== 'string') throw notAnAddress(text);
  const tcp = /^tcp:(?:\[([^\]]+)\]|([^:[\]]*)):(\d+)$/.exec(text);
  if (tcp) {
    const port = Number(tcp[3]);
    const host = tcp[1] ?? (tcp[2] || 'localhost');
    if (!isPort(port)) throw notAPort(`"${text}"`, port);
    return { host, port };
  }
  const path = text.replace(/^unix:/, '');
  if (!text.startsWith('tcp:') && path !== '') return path;
  throw notAnAddress(text);
}

/** An address that a caller without types gives may be anything. */
export function checkAddress(address: unknown): asserts address is QmpAddress {
  if (typeof address === 'string' && address !== '') return;
  const { host, port } = (address ?? {}) as { readonly host?: unknown; readonly port?: unknown };
  if (typeof host !== 'string') throw notAnAddress(address);
  if (!isPort(port)) throw notAPort(`The QMP address at host '${host}'`, port);
}

/** A socket may have several names. */
function resolvedPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Whether both lead to the same QMP. */
export function isSameAddress(one: QmpAddress, other: QmpAddress): boolean {
  if (typeof one === 'string' && typeof other === 'string') {
    return resolvedPath(one) === resolvedPath(other);
  }
  return formatAddress(one) === formatAddress(other);
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

/** What a path leads to that is no socket. */
function kindOf(found: Stats): string {
  if (found.isFile()) return 'a file';
  if (found.isDirectory()) return 'a folder';
  return found.isFIFO() ? 'a pipe' : 'a device';
}

/** Why nobody listens at an address; the system's own words do where there is nothing better. */
function whyNotOpened(address: QmpAddress, { code, message }: NodeJS.ErrnoException): string {
  if (code !== 'ECONNREFUSED') return message;
  if (typeof address !== 'string') return `no program listens there (${message})`;
  const found = statSync(address, { throwIfNoEntry: false });
  if (found && !found.isSocket()) {
    return `it is ${kindOf(found)}, not a socket. Name the socket that QEMU was started with (-qmp unix:PATH,...)`;
  }
  return `no program listens at this socket; its QEMU may have ended (${message})`;
}

interface OpenOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** QEMU accepts one connection at a time, and has room for few more: what does not fit is turned away. */
export const busyHint = 'Perhaps another program is connected: QEMU talks to one at a time.';

/** Connects; aborting the signal ends that, with its reason. */
export async function open(
  address: QmpAddress,
  { timeoutMs, signal }: OpenOptions,
): Promise<Duplex> {
  signal?.throwIfAborted();
  const socket = createConnection(
    typeof address === 'string' ? { path: address } : { ...address, noDelay: true },
  );
  const late = () => {
    throw new QmpBusyError(
      `${formatAddress(address)} did not accept a connection within ${timeoutMs} ms. ${busyHint}`,
    );
  };
  try {
    await within(timeoutMs, once(socket, 'connect'), late, signal);
    return socket;
  } catch (error) {
    // What destroying it says is of no interest any more.
    socket.on('error', () => {});
    socket.destroy();
    signal?.throwIfAborted();
    if (error instanceof QmpError) throw error;
    const failure = error as NodeJS.ErrnoException;
    if (failure.code === 'EAGAIN') {
      throw new QmpBusyError(`${formatAddress(address)} accepts no connection now. ${busyHint}`);
    }
    const why = whyNotOpened(address, failure);
    throw new QmpClosedError(`There is no QMP at ${formatAddress(address)}: ${why}`, {
      cause: error,
    });
  }
}

/** Both directions as one stream. */
export function toDuplex(streams: Duplex | StandardStreams): Duplex {
  if (streams instanceof Duplex) return streams;
  return Duplex.from({ readable: streams.output, writable: streams.input });
}
