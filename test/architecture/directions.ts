// Which rooms of lib/ may import which: design and test read this one drawing. Each room may import those after its
// arrow, and nothing else.

/** From anywhere: they know nothing of ours but errors, and do nothing but compute. */
const everywhere = ['errors', 'format', 'statistics'];

export const directions: Readonly<Record<string, readonly string[]>> = {
  // What a user starts.
  cli: [
    'lab',
    'fleet',
    'strategy',
    'policy',
    'site',
    'monitor',
    'migration',
    'qemu',
    'fingerprint',
    'qmp',
    'system',
  ],
  fleet: ['strategy', 'policy', 'site', 'monitor', 'migration', 'qmp', 'system'],
  lab: ['strategy', 'policy', 'monitor', 'migration', 'qemu', 'fingerprint', 'qmp', 'system'],

  // Numbers in, a decision out: no I/O, no clock, and so nothing of system.
  strategy: ['policy', 'site', 'monitor'],
  policy: ['site', 'monitor', 'migration'],
  site: [],

  // What watches, and what acts.
  monitor: ['site', 'migration', 'fingerprint', 'qmp', 'system'],
  migration: ['qmp', 'system'],
  qemu: ['qmp', 'system'],

  // What they stand on.
  fingerprint: ['system'],
  qmp: ['system'],
  system: [],

  format: [],
  statistics: [],
  errors: [],
};

/** Rooms that use nothing of Node either. */
export const pureRooms: readonly string[] = ['strategy', 'policy', 'site', 'statistics', 'errors'];

/** Rooms that others enter by their index.ts alone; within lib, the others are entered where one needs them. */
export const roomsWithOneDoor: readonly string[] = ['lab'];

/** Whether a file of one room may import a file of the other. */
export function mayImport(from: string, to: string): boolean {
  if (from === to) return true;
  if (from === 'errors') return false;
  // Those that are for everywhere stand side by side.
  if (from === 'format' || from === 'statistics') return to === 'errors';
  return everywhere.includes(to) || (directions[from] ?? []).includes(to);
}
