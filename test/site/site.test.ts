// The file of a site: what it can say, and what is told of its mistakes.
import { describe, expect, it } from 'vitest';
import { parseSite, SiteError } from '../../lib/site/read-site.js';
import { isWithin, parseTimeWindow } from '../../lib/site/time-window.js';

const good = `format: 1
hosts:
  h1:
    driver: qmp
    memory: 64GiB
    cards: { east: 10Gbit }
    address: 10.0.0.1
    qemu: /usr/bin/qemu-system-x86_64
    folder: /run/vms
  h2:
    driver: libvirt
    memory: 32GiB
    cards:
      east: { transmit: 10Gbit, receive: 1Gbit }
      west: 1Gbit
    card: west
    address: 10.0.0.2
    ports: [50000, 50009]
    uri: qemu+tcp://h2/system
vms:
  web: { host: h1, memory: 4GiB, qmp: /run/vms/web.qmp }
  db: { host: h2, memory: 8GiB }
rules:
  - apart: [web, db]
  - stay: [db]
  - { only: [web], on: [h1, h2] }
`;

function problemsOf(text: string): readonly string[] {
  try {
    parseSite(text, 'site.yaml');
    return [];
  } catch (error) {
    if (error instanceof SiteError) return error.problems;
    throw error;
  }
}

describe('the file of a site', () => {
  it('has no path and no address in which QEMU would find another option', () => {
    const [folder] = problemsOf(good.replace('/run/vms\n', '/run/vms,server=off\n'));
    expect(folder).toMatch(/without a comma/);
    const [address] = problemsOf(good.replace('10.0.0.1', '"10.0.0.1,to=9"'));
    expect(address).toMatch(/expected an address/);
    expect(problemsOf(good.replace('10.0.0.1', '"fd00::1"'))).toEqual([]);
  });

  it('is read as it was written', () => {
    const { hosts, vms, rules } = parseSite(good, 'site.yaml');
    const { h1, h2 } = hosts;
    expect(h1).toMatchObject({
      memoryBytes: 64 * 2 ** 30,
      cards: { east: { transmitBytesPerSecond: 1.25e9, receiveBytesPerSecond: 1.25e9 } },
      arrivals: { card: 'east', address: '10.0.0.1', ports: [49_152, 49_215] },
    });
    expect(h2).toMatchObject({
      cards: { east: { transmitBytesPerSecond: 1.25e9, receiveBytesPerSecond: 1.25e8 } },
      arrivals: { card: 'west', ports: [50_000, 50_009] },
    });
    expect(vms).toMatchObject({
      web: { host: 'h1', memoryBytes: 2 ** 32, qmp: '/run/vms/web.qmp' },
    });
    expect(rules).toHaveLength(3);
  });

  it.each([
    [
      'host: h1, memory: 4GiB',
      'host: h3, memory: 4GiB',
      /^line 21: vms\.web\.host: there is no host 'h3'/,
    ],
    [
      'stay: [db]',
      'stay: [dp]',
      /^line 25: rules\.1\.stay\.0: there is no VM 'dp'\. Did you mean 'db'\?/,
    ],
    ['memory: 64GiB', 'memory: plenty', /^line 5: hosts\.h1\.memory: 'plenty' is not a size/],
    [
      '    card: west\n',
      '',
      /^line 1[12]: hosts\.h2: which of its cards carries migrations\? card: east/,
    ],
    [
      'card: west',
      'card: wesst',
      /^line 16: hosts\.h2\.card: there is no card 'wesst'\. Did you mean 'west'\?/,
    ],
    [
      '[50000, 50009]',
      '[50009, 50000]',
      /^line 18: hosts\.h2\.ports: the first port is after the last/,
    ],
    [
      'driver: qmp',
      'driver: kvm',
      /^line 4: hosts\.h1\.driver: is 'kvm'; expected one of qmp, libvirt\.$/,
    ],
    [
      'driver: libvirt',
      'driver: libvrt',
      /^line 11: hosts\.h2\.driver: .*Did you mean 'libvirt'\?$/,
    ],
    [
      '    driver: qmp\n',
      '',
      /^line \d+: hosts\.h1\.driver: is missing; expected one of qmp, libvirt$/,
    ],
    ['format: 1', 'format: 2', /^line 1: format/],
    ['folder: /run/vms', 'folder: vms', /^line 9: hosts\.h1\.folder: expected a path/],
    [', qmp: /run/vms/web.qmp', '', /^line 21: vms\.web: host h1 is driven by QMP/],
    ['  h1:', '  h/1:', /a name has letters/],
    ['rules:', 'rule:', /unknown: 'rule'.*Did you mean 'rules'\?/],
    ['apart: [web, db]', 'apart: [web', /^line \d+: /],
  ])('is refused with its line where "%s" is "%s"', (right, wrong, problem) => {
    expect(good).toContain(right);
    expect(problemsOf(good.replace(right, wrong)).join('\n')).toMatch(problem);
  });

  it('is refused for all of its mistakes at once', () => {
    const text = good.replace('host: h2', 'host: h9').replace('stay: [db]', 'stay: [dx]');
    expect(problemsOf(text)).toHaveLength(2);
  });
});

describe('what a site says of moves', () => {
  const withMore = (more: string) => parseSite(`${good}${more}`, 'site.yaml');

  it('has programs that are told, and times at which moves begin', () => {
    const site = withMore(
      'hooks: { before: [/usr/bin/tell, "it goes"] }\nwindows: ["22:00-06:00"]\n',
    );
    expect(site.hooks.before).toEqual(['/usr/bin/tell', 'it goes']);
    expect(site.windows).toEqual([{ fromMinute: 1320, toMinute: 360 }]);
  });

  it('keeps a part of a card for the VMs, and never all of it', () => {
    const keep = (size: string) =>
      good.replace('receive: 1Gbit }', `receive: 1Gbit, keep: ${size} }`);
    const { h2 } = parseSite(keep('200Mbit'), 'site.yaml').hosts;
    const { east } = h2?.cards ?? {};
    expect(east?.keepBytesPerSecond).toBe(2.5e7);
    expect(problemsOf(keep('1Gbit')).join()).toMatch(/nothing is left for moves/);
  });

  it.each(['22-06', '25:00-06:00', '22:00-24:01', 'night'])('%s is no window', (text) => {
    expect(problemsOf(`${good}windows: ["${text}"]\n`).join()).toMatch(/is not two times of day/);
  });
});

it.each([
  ['22:00-06:00', '23:30', true],
  ['22:00-06:00', '05:59', true],
  ['22:00-06:00', '06:00', false],
  ['09:00-17:00', '09:00', true],
  ['09:00-17:00', '17:00', false],
  ['18:00-24:00', '23:59', true],
])('in %s, %s is: %s', (text, at, expected) => {
  const window = parseTimeWindow(text);
  const [hours = 0, minutes = 0] = at.split(':').map(Number);
  const time = new Date(2026, 5, 1, hours, minutes).getTime();
  expect(window && isWithin(window, time)).toBe(expected);
});

it('a window without a length is none: nobody knows whether it is always or never', () => {
  expect(parseTimeWindow('22:00-22:00')).toBeUndefined();
  expect(parseTimeWindow('00:00-24:00')).toEqual({ fromMinute: 0, toMinute: 1440 });
});
