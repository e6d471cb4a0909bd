// How to reach a QMP: over a UNIX socket, a TCP port, or the standard streams of a QEMU.
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { Duplex, type Readable, type Writable } from 'node:stream';
import { QmpAddressError, QmpClosedError } from './errors.js';

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
  return typeof address === 'string' ? address : `tcp:${address.host}:${address.port}`;
}

/** Reads an address as QEMU's command line has it: `/path`, `unix:/path`, `tcp:host:port`, `tcp:[::1]:port`. */
export function parseAddress(text: string): QmpAddress {
  const tcp = /^tcp:(?:\[([^\]]+)\]|([^:[\]]*)):(\d+)$/.exec(text);
  if (tcp) {
    const port = Number(tcp[3]);
    const host = tcp[1] ?? (tcp[2] || 'localhost');
    if (port >= 1 && port <= 65_535) return { host, port };
  }
  const path = text.replace(/^unix:/, '');
  if (!text.startsWith('tcp:') && path !== '') return path;
  throw new QmpAddressError(
    `"${text}" is not a QMP address; expected the path of a UNIX socket, or tcp:HOST:PORT.`,
  );
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

/** Connects; aborting the signal ends that, with its reason. */
export async function open(address: QmpAddress, signal?: AbortSignal): Promise<Duplex> {
  signal?.throwIfAborted();
  const socket = createConnection(
    typeof address === 'string' ? { path: address } : { ...address, noDelay: true },
  );
  try {
    await once(socket, 'connect', signal ? { signal } : {});
    return socket;
  } catch (error) {
    socket.destroy();
    signal?.throwIfAborted();
    const { message } = error as Error;
    throw new QmpClosedError(`There is no QMP at ${formatAddress(address)}: ${message}`, {
      cause: error,
    });
  }
}

/** Both directions as one stream. */
export function toDuplex(streams: Duplex | StandardStreams): Duplex {
  if (streams instanceof Duplex) return streams;
  return Duplex.from({ readable: streams.output, writable: streams.input });
}
