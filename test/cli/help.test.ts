// What --help says, of every command: defaults that a reader understands, with units.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { packageRoot } from '../../lib/system/package-root.js';

// Each call starts a Node.
vi.setConfig({ hookTimeout: 60_000 });

const main = join(packageRoot, 'dist', 'cli', 'main.js');

/** With each run of blanks as one: columns break lines anywhere. */
function helpOf(words: readonly string[]): { text: string; commands: string[] } {
  const { stdout } = spawnSync(process.execPath, [main, ...words, '--help'], { encoding: 'utf8' });
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
