// What virsh prints of events of a domain.
import { expect, it } from 'vitest';
import { parseEvent } from '../../../../lib/fleet/drivers/libvirt/domain-qmp.js';

it('an event is read with its data and its time', () => {
  const line = `event MIGRATION_PASS at 1764525600.012345 for domain 'web': {"pass":2}`;
  expect(parseEvent(line)).toEqual({
    event: 'MIGRATION_PASS',
    data: { pass: 2 },
    timestamp: { seconds: 1_764_525_600, microseconds: 12_345 },
  });
});

it('an event without data has none', () => {
  const line = "event STOP at 1764525600.500000 for domain 'it''s web': <null>";
  expect(parseEvent(line)).toMatchObject({ event: 'STOP', data: {} });
});

it.each(['', 'events received: 3', "event STOP at noon for domain 'web': <null>", 'error: no'])(
  '"%s" is none',
  (line) => {
    expect(parseEvent(line)).toBeUndefined();
  },
);
