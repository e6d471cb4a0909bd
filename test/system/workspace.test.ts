// Where guests have their memory, and what a start removes there that was left by those who were killed.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ownedName } from '../../lib/system/owner.js';
import { Workspace } from '../../lib/system/workspace.js';
import { smallFileSystem } from '../harness/small-file-system.js';

const kibibyte = 1024;

interface Owner {
  readonly pid: number;
  readonly start: number;
  readonly namespace: number;
}

const [, ...numbers] = ownedName('me').split('-').map(Number);
const [pid = 0, start = 0, namespace = 0] = numbers;
const me: Owner = { pid, start, namespace };
const dead: Owner = { ...me, pid: spawnSync('true').pid };

let directory: string;
let places: [string, string];
let workspace: Workspace | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
  places = [join(directory, 'first'), join(directory, 'second')];
  for (const place of places) mkdirSync(place);
});
afterEach(() => {
  workspace?.remove();
  workspace = undefined;
  rmSync(directory, { recursive: true });
});

/** A directory with guest memory that such a process has made. */
function madeBy(owner: Owner, place = places[0], bytes = 1): string {
  const name = ['fakedirty', owner.pid, owner.start, owner.namespace, 'Ab3dEf'].join('-');
  mkdirSync(join(place, name));
  writeFileSync(join(place, name, 'source.ram'), Buffer.alloc(bytes));
  return join(place, name);
}

/** In which place one is made that needs so many bytes. */
function chosenFor(bytes: number): string {
  workspace = Workspace.create(bytes, places);
  return dirname(workspace.directory);
}

it('is in the first place, and carries the name of its owner', () => {
  expect(chosenFor(kibibyte)).toBe(places[0]);
  expect(workspace?.directory).toMatch(
    new RegExp(`/fakedirty-${pid}-${start}-${namespace}-[0-9A-Za-z]+$`),
  );
});

it('is in the next place where the first has no room, and nowhere where none has', (context) => {
  places = [smallFileSystem(context, 256), smallFileSystem(context, 512)];
  expect(chosenFor(384 * kibibyte)).toBe(places[1]);
  expect(() => chosenFor(768 * kibibyte)).toThrow(
    new RegExp(`needs 786432 bytes, but ${places[0]} has 262144 and ${places[1]} has \\d+ left`),
  );
});

it('is where there is room again, when what was left has been removed', (context) => {
  places[0] = smallFileSystem(context, 1024);
  const left = madeBy(dead, places[0], 768 * kibibyte);
  expect(chosenFor(512 * kibibyte)).toBe(places[0]);
  expect(existsSync(left)).toBe(false);
});

it('takes away what was left in a place that it is not in', () => {
  const left = madeBy(dead, places[1]);
  expect(chosenFor(kibibyte)).toBe(places[0]);
  expect(existsSync(left)).toBe(false);
});

it('takes away what belonged to an earlier process with the number of one that lives', () => {
  const left = madeBy({ ...me, start: start - 1 });
  chosenFor(kibibyte);
  expect(existsSync(left)).toBe(false);
});

it('leaves alone what belongs to somebody who lives', () => {
  const theirs = places.map((place) => madeBy(me, place));
  chosenFor(kibibyte);
  expect(theirs.filter(existsSync)).toEqual(theirs);
});

it('leaves alone what was made where process numbers mean other processes', () => {
  const theirs = madeBy({ ...dead, namespace: namespace + 1 });
  chosenFor(kibibyte);
  expect(existsSync(theirs)).toBe(true);
});

it('leaves alone what does not say whose it is', () => {
  const names = ['fakedirty-test-Ab3dEf', `fakedirty-${dead.pid}`, `${dead.pid}-1-1-x`];
  const others = names.map((name) => join(places[0], name));
  for (const other of others) mkdirSync(other);
  chosenFor(kibibyte);
  expect(others.filter(existsSync)).toEqual(others);
});

it('does without a place that is not there', () => {
  places[0] = join(directory, 'nowhere');
  const left = madeBy(dead, places[1]);
  expect(chosenFor(kibibyte)).toBe(places[1]);
  expect(existsSync(left)).toBe(false);
});
