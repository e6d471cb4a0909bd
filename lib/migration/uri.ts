// Checks the URI of a destination: what QEMU says of a malformed one does not name what is wrong with it.
import { isIPv6 } from 'node:net';
import { nearestOf } from '../errors/nearest.js';

/** The source connects to a URI, the destination listens at one. */
export type UriUse = 'connect' | 'listen';

/** What QEMU knows. Those without a check of their own here are passed on as they are. */
const protocols = ['tcp', 'unix', 'vsock', 'exec', 'fd', 'file', 'rdma'] as const;

const expected = 'expected a URI such as tcp:host2:4444 or unix:/run/vm.sock';
/** The room that the kernel has for a path, without the byte that ends it. */
const maxPathBytes = 107;
const maxPort = 65_535;

function portProblem(port: string, use: UriUse): string | undefined {
  const min = use === 'listen' ? 0 : 1;
  const isPort = /^\d{1,5}$/.test(port) && Number(port) >= min && Number(port) <= maxPort;
  if (isPort) return undefined;
  return `has the port '${port}'; expected a number from ${min} to ${maxPort}`;
}

/** HOST:PORT with the options that QEMU takes after it, as in `host:4444,ipv4=on`. */
function tcpProblem(place: string, use: UriUse): string | undefined {
  const [, address = ''] = /^(.*?)(?:,.*)?$/s.exec(place) ?? [];
  if (isIPv6(address) || isIPv6(address.replace(/:[^:]*$/, ''))) {
    return 'has an IPv6 address without brackets; expected them, as in tcp:[::1]:4444';
  }
  const [, inBrackets, plain, port] =
    /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(.*))?$/s.exec(address) ?? [];
  const host = inBrackets ?? plain;
  if (host === undefined) return `is not a host and a port; expected tcp:HOST:PORT`;
  if (inBrackets !== undefined && !isIPv6(inBrackets.replace(/%.*$/, ''))) {
    return `has '${inBrackets}' in brackets; expected an IPv6 address there, as in tcp:[::1]:4444`;
  }
  if (/\s/.test(host)) return `has a blank in its host; expected tcp:HOST:PORT`;
  if (port === undefined) return `has no port; expected tcp:${host || 'HOST'}:PORT`;
  // Listening without a host is listening at every address.
  if (host === '' && use === 'connect') return `has no host; expected tcp:HOST:${port || 'PORT'}`;
  return portProblem(port, use);
}

function unixProblem(path: string): string | undefined {
  if (path === '') return 'has no path; expected unix:PATH';
  const bytes = Buffer.byteLength(path);
  if (bytes <= maxPathBytes) return undefined;
  return `has a path of ${bytes} bytes; expected at most ${maxPathBytes}, the limit for UNIX sockets`;
}

/** What was meant by a URI that begins with no protocol. */
function withoutProtocol(uri: string): string {
  const [, word = '', rest = ''] = /^([^:]*):?(.*)$/s.exec(uri) ?? [];
  if (/^\.{0,2}\//.test(uri)) return `has no protocol; for a UNIX socket write unix:${uri}`;
  if (isIPv6(uri) || /^\[.*\]:\d+$/.test(uri)) {
    return `has no protocol; expected tcp:[ADDRESS]:PORT, as in tcp:[::1]:4444`;
  }
  if (/^\d+$/.test(rest) && word !== '') {
    return `has no protocol; for TCP write tcp:${uri}`;
  }
  const nearest = rest === '' ? undefined : nearestOf(word, protocols);
  const hint = nearest === undefined ? '' : `. Did you mean '${nearest}:${rest}'?`;
  return `does not begin with one of ${protocols.map((name) => `${name}:`).join(', ')}; ${expected}${hint}`;
}

/** What is wrong with a URI, and what to write; undefined: nothing that could be seen without QEMU. */
export function migrationUriProblem(uri: string, use: UriUse): string | undefined {
  const [, protocol = '', rest = ''] = /^([^:]*):(.*)$/s.exec(uri) ?? [];
  const about = (problem: string | undefined) => problem && `'${uri}' ${problem}`;
  if (protocol === 'tcp') return about(tcpProblem(rest, use));
  if (protocol === 'unix') return about(unixProblem(rest));
  return protocols.some((name) => name === protocol) ? undefined : about(withoutProtocol(uri));
}
