// What is made of two readings of a VM's counters.
import { describe, expect, it } from 'vitest';
import { parseNetDev, type VmCounters } from '../../lib/monitor/counters.js';
import { parseObservation } from '../../lib/monitor/observation.js';
import { smoothed, totalUse, useBetween } from '../../lib/monitor/vm-use.js';

function counters(more: Partial<VmCounters> = {}): VmCounters {
  return {
    clockMs: 10_000,
    vcpus: [
      { name: 'vCPU 0', busyMs: 500 },
      { name: 'vCPU 1', busyMs: 0 },
    ],
    interfaces: [{ name: 'tap0', transmittedBytes: 1000, receivedBytes: 0 }],
    disks: [{ name: 'disk', readBytes: 0, writtenBytes: 4096 }],
    ...more,
  };
}

const later = counters({
  clockMs: 12_000,
  vcpus: [
    { name: 'vCPU 0', busyMs: 2500 },
    { name: 'vCPU 1', busyMs: 500 },
  ],
  interfaces: [{ name: 'tap0', transmittedBytes: 3000, receivedBytes: 500 }],
  disks: [{ name: 'disk', readBytes: 8192, writtenBytes: 4096 }],
});

describe('two readings', () => {
  it('give what was used a second', () => {
    expect(useBetween(counters(), later)).toEqual({
      seconds: 2,
      vcpus: [
        { name: 'vCPU 0', share: 1 },
        { name: 'vCPU 1', share: 0.25 },
      ],
      interfaces: [{ name: 'tap0', transmitBytesPerSecond: 1000, receiveBytesPerSecond: 250 }],
      disks: [{ name: 'disk', readBytesPerSecond: 4096, writeBytesPerSecond: 0 }],
      vanished: [],
    });
  });

  it('give nothing where the clock did not go forward', () => {
    expect(useBetween(later, later)).toBeUndefined();
    expect(useBetween(later, counters())).toBeUndefined();
  });

  it('leave out a counter that began anew, and one that is new', () => {
    const interfaces = [
      { name: 'tap0', transmittedBytes: 10, receivedBytes: 500 },
      { name: 'tap1', transmittedBytes: 10, receivedBytes: 10 },
    ];
    const use = useBetween(counters(), { ...later, interfaces });
    expect(use).toMatchObject({ interfaces: [], vanished: [] });
  });

  it('name what has vanished', () => {
    const [first] = later.vcpus ?? [];
    const gone = { ...later, vcpus: first ? [first] : [], interfaces: [] };
    expect(useBetween(counters(), gone)?.vanished).toEqual(['vCPU 1', 'tap0']);
  });

  it('say nothing of what can not be seen', () => {
    const use = useBetween(counters(), { ...later, vcpus: undefined, interfaces: undefined });
    expect(use).not.toHaveProperty('vcpus');
    expect(use).not.toHaveProperty('interfaces');
    expect(use && totalUse(use)).toMatchObject({
      processors: undefined,
      transmitBytesPerSecond: undefined,
      readBytesPerSecond: 4096,
    });
  });
});

it('older readings count for what the newest leaves', () => {
  const use = useBetween(counters(), later);
  if (!use) throw new Error('no time has passed');
  const half = { ...use, vcpus: use.vcpus?.map((vcpu) => ({ ...vcpu, share: 0 })) };
  expect(smoothed(use, half, 0.25).vcpus).toMatchObject([{ share: 0.75 }, { share: 0.1875 }]);
  expect(smoothed(undefined, use, 0.25)).toEqual(use);
});

it('what the kernel counts of each interface is read, whatever its name', () => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:  100       1    0    0    0     0          0         0      200       1    0    0    0     0       0          0
vnet:1:18446744073709551615 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0
 broken: x
`;
  expect(Object.fromEntries(parseNetDev(text))).toEqual({
    lo: { received: 100, transmitted: 200 },
    'vnet:1': { received: 2 ** 64, transmitted: 7 },
  });
});

describe('a line of an observation', () => {
  it('is read as it was written', () => {
    const use = useBetween(counters(), later);
    const observation = { type: 'use', atMs: 1, use } as const;
    expect(parseObservation(JSON.stringify(observation))).toEqual({ observation });
  });

  it.each([
    ['{', /no JSON/],
    ['{"type":"use","atMs":1}', /^use: /],
    ['{"type":"gone","atMs":"1","reason":""}', /^atMs: /],
    ['7', /^the line: /],
  ])('that is garbled is told: %s', (line, problem) => {
    const read = parseObservation(line);
    expect('problem' in read && read.problem).toMatch(problem);
  });
});
