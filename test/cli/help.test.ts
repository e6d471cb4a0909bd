// What --help says, of every command: defaults that a reader understands, with units.
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { exitCodes } from '../../lib/cli/exit-codes.js';
import { fakedirty } from './fakedirty.js';

// Each call starts a Node.
vi.setConfig({ hookTimeout: 60_000 });

/** With each run of blanks as one: columns break lines anywhere. */
function helpOf(words: readonly string[]): { text: string; commands: string[] } {
  const { stdout } = fakedirty(...words, '--help');
  const [, list = ''] = /^Commands:\n((?: {2}.*\n)+)/m.exec(stdout) ?? [];
  const names = [...list.matchAll(/^ {2}([\w-]+)/gm)].map(([, name = '']) => name);
  return {
    text: stdout.replaceAll(/\s+/g, ' '),
    commands: names.filter((name) => name !== 'help'),
  };
}

/** The help of a command and of all below it, by their words. */
function helpOfAll(words: readonly string[] = []): [command: string, text: string][] {
  const { text, commands } = helpOf(words);
  const below = commands.flatMap((name) => helpOfAll([...words, name]));
  return [[['fakedirty', ...words].join(' '), text], ...below];
}

let all: [command: string, text: string][];
beforeAll(() => {
  all = helpOfAll();
});

/** The commands whose help has it. */
function having(pattern: RegExp): string[] {
  return all.flatMap(([command, text]) => {
    const found = pattern.exec(text);
    return found ? [`${command}: ${found[0]}`] : [];
  });
}

describe('help', () => {
  it.each([
    [['help', 'nope'], /^error: there is no command 'nope'; there are qemu, migrate, [^.]*\.\n/],
    [['help', 'migrat'], /^error: .*'migrat'.* Did you mean 'migrate'\?/],
    [['help', 'qemu', 'biuld'], /^error: .*'biuld'.* Did you mean 'build'\?/],
    [['lab', 'help', 'rnu'], /^error: .*'rnu'.* Did you mean 'run'\?/],
    [['help', 'migrate', 'x'], /^error: there is no command 'x'\.\n/],
  ])('refuses what is no command: %j', (words, message) => {
    const { status, stdout, stderr } = fakedirty(...words);
    expect(status).toBe(exitCodes.usage);
    expect(stderr).toMatch(message);
    expect(stdout + stderr).not.toContain('Usage:');
  });

  it.each([
    [['help', 'qemu', 'build'], 'fakedirty qemu build'],
    [['qemu', 'help', 'build'], 'fakedirty qemu build'],
    [['help', 'migrate'], 'fakedirty migrate'],
    [['help', 'lab'], 'fakedirty lab'],
  ])('is shown of a command by its words: %j', (words, command) => {
    const { status, stdout } = fakedirty(...words);
    expect(status).toBe(exitCodes.ok);
    expect(stdout).toContain(`Usage: ${command} `);
  });

  it('is no word of its own where a command takes a file', () => {
    expect(fakedirty('replay', 'help', 'me').stderr).not.toContain('there is no command');
  });
});

describe('the help of every command', () => {
  it('is found by this test', () => {
    const commands = all.map(([command]) => command);
    expect(commands).toContain('fakedirty estimate');
    expect(commands).toContain('fakedirty qemu build');
    expect(commands).toContain('fakedirty lab run');
    expect(commands.length).toBeGreaterThan(12);
    for (const [command, text] of all) expect(text).toContain(`Usage: ${command}`);
  });

  it('names no default that says nothing: an empty list, no settings, off', () => {
    expect(having(/default: (\[\]|\{\}|false|none|undefined|null)/)).toEqual([]);
  });

  it('writes lists as they are typed, not as JSON', () => {
    expect(having(/default: [[{]/)).toEqual([]);
  });

  it('has units in place of large numbers', () => {
    expect(having(/\b\d{5,}\b/)).toEqual([]);
    const [, estimate] = all.find(([command]) => command === 'fakedirty estimate') ?? [];
    expect(estimate).toContain('(default: 1Gbit)');
    expect(estimate).toContain('(default: 300ms)');
  });
});
