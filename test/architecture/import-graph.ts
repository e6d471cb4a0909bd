// Who imports whom, read from the sources: imports of types count as well.
import { dirname, join } from 'node:path';
import { directions, mayImport, pureRooms, roomsWithOneDoor } from './directions.js';

/** Path from the root of the repository -> text. */
export type Sources = ReadonlyMap<string, string>;

export interface Import {
  readonly from: string;
  readonly to: string;
}

const specifier = /\b(?:from|import)\s*\(?\s*'([^']+)'/g;

/** Sources are TypeScript; what they import is named as it will be compiled. */
function sourceOf(from: string, name: string): string {
  return join(dirname(from), name).replace(/\.js$/, '.ts');
}

/** Of npm packages and of Node, the name alone. */
export function importsIn(sources: Sources): Import[] {
  return [...sources].flatMap(([from, text]) =>
    [...text.matchAll(specifier)].map(([, name = '']) => ({
      from,
      to: name.startsWith('.') ? sourceOf(from, name) : name,
    })),
  );
}

/** "lib/qmp/client.ts" is in the room "qmp"; what lies in lib itself is in none: it is the package's door. */
export function roomOf(path: string): string | undefined {
  const [, room] = /^lib\/([^/]+)\//.exec(path) ?? [];
  return room;
}

/** What is wrong with an import; undefined when it may be. */
function problemOf({ from, to }: Import): string | undefined {
  const [room, other] = [roomOf(from), roomOf(to)];
  if (/^(scripts|bench|test)\//.test(to)) return `${from} imports ${to}: lib stands by itself`;
  if (room === undefined) return undefined;
  if (!(room in directions)) return `${from}: the room ${room} is not in directions.ts`;
  if (to.startsWith('node:') && pureRooms.includes(room)) {
    return `${from} imports ${to}: ${room} is pure`;
  }
  if (other === undefined) {
    return to.startsWith('lib/') ? `${from} imports ${to}: the way in, from inside` : undefined;
  }
  if (!mayImport(room, other)) return `${from} imports ${to}: not in that direction`;
  const isPastDoor = roomsWithOneDoor.includes(other) && to !== `lib/${other}/index.ts`;
  return isPastDoor && room !== other ? `${from} imports ${to}: past the door` : undefined;
}

export function wrongDirections(sources: Sources): string[] {
  return importsIn(sources).flatMap((each) => problemOf(each) ?? []);
}

/** Each circle once, as "a → b → a". */
export function circles(sources: Sources): string[] {
  const targets = new Map<string, string[]>();
  for (const { from, to } of importsIn(sources)) {
    if (sources.has(to)) targets.set(from, [...(targets.get(from) ?? []), to]);
  }
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file);
    if (at >= 0) found.push([...path.slice(at), file].join(' → '));
    if (at >= 0 || done.has(file)) return;
    for (const target of targets.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of sources.keys()) visit(file, []);
  return found;
}
