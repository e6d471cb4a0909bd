// The rooms of the lab stand in the order that lib/lab/index.ts lists them in: each imports only those before it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../lib/system/package-root.js';
import { importsIn } from './import-graph.js';

const lab = join('lib', 'lab');

function read(path: string): string {
  return readFileSync(join(packageRoot, path), 'utf8');
}

/** As the comment of the door lists them. */
const order = [...read(join(lab, 'index.ts')).matchAll(/^\/\/ {3}([a-z]+) {2,}/gm)].map(
  ([, room = '']) => room,
);

const files = readdirSync(join(packageRoot, lab), { recursive: true })
  .map(String)
  .filter((name) => name.endsWith('.ts'));

/** Undefined: the door itself, or outside the lab. */
function roomOf(path: string): string | undefined {
  return /^lib\/lab\/([^/]+)\//.exec(path)?.[1];
}

/** The imports within the lab that go to a later room. */
function backwards(sources: ReadonlyMap<string, string>): string[] {
  return importsIn(sources).flatMap(({ from, to }) => {
    const [room, other] = [roomOf(from), roomOf(to)];
    if (room === undefined || other === undefined) return [];
    return order.indexOf(other) > order.indexOf(room) ? [`${from} imports ${to}`] : [];
  });
}

it('lists every room of the lab once', () => {
  const rooms = new Set(files.flatMap((name) => roomOf(join(lab, name)) ?? []));
  expect([...order].sort()).toEqual([...rooms].sort());
});

it('lets no room of the lab import a later one', () => {
  const sources = new Map(files.map((name) => [join(lab, name), read(join(lab, name))]));
  expect(importsIn(sources).length).toBeGreaterThan(sources.size);
  expect(backwards(sources)).toEqual([]);
});

it('notices an import of a later room', () => {
  const source = `import { runExperiment } from '../run/run-experiment.js';`;
  expect(backwards(new Map([['lib/lab/model/cell.ts', source]]))).toEqual([
    'lib/lab/model/cell.ts imports lib/lab/run/run-experiment.ts',
  ]);
});
