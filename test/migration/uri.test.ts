// Which URIs of destinations are refused before QEMU sees them, and what is said of them.
import { describe, expect, it } from 'vitest';
import { MigrationRefusedError } from '../../lib/migration/errors.js';
import { type MigrateOptions, parseMigrateOptions } from '../../lib/migration/options.js';
import { migrationUriProblem } from '../../lib/migration/uri.js';

describe('a URI that a source connects to', () => {
  it.each([
    'tcp:host2:4444',
    'tcp:10.0.0.2:1',
    'tcp:host2:65535,ipv4=on',
    'tcp:[::1]:4444',
    'tcp:[fe80::1%eth0]:4444',
    'unix:/run/vm.sock',
    'unix:vm.sock',
    'vsock:2:4444',
    'exec:cat >/dev/null',
    'fd:migration',
    'fd:5',
    'file:/tmp/vm.state,offset=4096',
    'rdma:host2:4444',
  ])('is accepted: %s', (uri) => {
    expect(migrationUriProblem(uri, 'connect')).toBeUndefined();
  });

  it.each([
    ['', /does not begin with one of tcp:, unix:/],
    ['foo:bar', /'foo:bar' does not begin with one of tcp:.*expected a URI such as tcp:host2:4444/],
    ['tpc:host2:4444', /Did you mean 'tcp:host2:4444'\?/],
    ['host2', /does not begin with one of/],
    ['host2:4444', /has no protocol; for TCP write tcp:host2:4444/],
    ['[::1]:4444', /has no protocol; expected tcp:\[ADDRESS\]:PORT/],
    ['/run/vm.sock', /has no protocol; for a UNIX socket write unix:\/run\/vm\.sock/],
    ['tcp:host2', /has no port; expected tcp:host2:PORT/],
    ['tcp:', /has no port; expected tcp:HOST:PORT/],
    ['tcp:host2:', /has the port ''; expected a number from 1 to 65535/],
    ['tcp:host2:ssh', /has the port 'ssh'; expected a number from 1 to 65535/],
    ['tcp:host2:0', /has the port '0'; expected a number from 1/],
    ['tcp:host2:70000', /has the port '70000'; expected a number from 1 to 65535/],
    ['tcp::4444', /has no host; expected tcp:HOST:4444/],
    ['tcp:two words:4444', /has a blank in its host/],
    ['tcp:a:b:4444', /is not a host and a port|has the port/],
    ['tcp:::1:4444', /IPv6 address without brackets; expected them, as in tcp:\[::1\]:4444/],
    ['tcp:[host2]:4444', /has 'host2' in brackets; expected an IPv6 address/],
    ['unix:', /has no path; expected unix:PATH/],
    [`unix:/${'x'.repeat(107)}`, /has a path of 108 bytes; expected at most 107/],
  ])('is refused with what to write: %s', (uri, message) => {
    expect(migrationUriProblem(uri, 'connect')).toMatch(message);
  });
});

describe('a URI that a destination listens at', () => {
  it.each(['tcp:0.0.0.0:0', 'tcp::4444', 'tcp:[::]:0', 'unix:/run/vm.sock', 'exec:cat'])(
    'is accepted: %s',
    (uri) => {
      expect(migrationUriProblem(uri, 'listen')).toBeUndefined();
    },
  );

  it('is refused with a port that there is not', () => {
    const problem = migrationUriProblem('tcp:0.0.0.0:65536', 'listen');
    expect(problem).toMatch(/has the port '65536'; expected a number from 0 to 65535/);
  });
});

it('is checked with the other options of a migration', () => {
  const refusal = (options: object) => {
    try {
      parseMigrateOptions(options as MigrateOptions);
    } catch (error) {
      return error;
    }
    return undefined;
  };
  const error = refusal({ to: 'foo:bar', downtimeLimitMs: -1 }) as MigrationRefusedError;
  expect(error).toBeInstanceOf(MigrationRefusedError);
  expect(error.problems).toHaveLength(2);
  expect(error.problems[0]).toMatch(/^to: 'foo:bar' does not begin with one of/);
  expect(String(refusal({ to: { qmp: {}, listen: 'tcp:host2' } }))).toMatch(/has no port/);
});
