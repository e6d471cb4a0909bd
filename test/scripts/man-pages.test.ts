// The manual pages: one for each command, complete, and without a warning of those that render them.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../lib/cli/exit-codes.js';
import { createProgram } from '../../lib/cli/program.js';
import { packageRoot } from '../../lib/system/package-root.js';
import { manPages } from '../../scripts/man-pages.js';

function all(command: Command): Command[] {
  return [command, ...command.commands.flatMap(all)];
}
const nameOf = (command: Command): string =>
  command.parent ? `${nameOf(command.parent)}-${command.name()}` : command.name();

const commands = all(createProgram());
const pages = manPages();

/** What a reader sees, each run of blanks as one. */
function rendered(path: string, context: { skip: (note: string) => void }): string {
  const file = join(packageRoot, path);
  const args = ['-man', '-ww', '-Tutf8', '-Kutf8', '-P-cbou', '-rLL=200n', file];
  const { error, stdout, stderr } = spawnSync('groff', args, { encoding: 'utf8' });
  if (error) context.skip('groff is not installed');
  expect(stderr).toBe('');
  return stdout.replaceAll(/\s+/g, ' ');
}

describe('the manual pages', () => {
  it('are there for every command, in the package, and listed in its manifest', () => {
    const paths = commands.map((command) => join('man', `${nameOf(command)}.1`)).sort();
    expect([...pages.keys()].sort()).toEqual(paths);
    const manifest = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'));
    expect(manifest.man).toEqual(paths.map((path) => `./${path}`));
    expect(manifest.files).toContain('man');
    for (const [path, text] of pages) {
      expect(readFileSync(join(packageRoot, path), 'utf8')).toBe(text);
    }
  });

  it.for(commands.map(nameOf))(
    '%s renders without a warning, with every option',
    (name, context) => {
      const command = commands.find((each) => nameOf(each) === name) as Command;
      const text = rendered(join('man', `${name}.1`), context);
      expect(text).toContain(command.description().replaceAll(/\s+/g, ' '));
      for (const { long, hidden } of command.options) {
        if (hidden) expect(text).not.toContain(`${long} `);
        else expect(text).toContain(long);
      }
      for (const argument of command.registeredArguments) {
        expect(text).toContain(argument.name());
      }
    },
  );

  it('have examples and exit codes as they are typed', (context) => {
    const replay = rendered(join('man', 'fakedirty-replay.1'), context);
    expect(replay).toContain(
      'EXAMPLES fakedirty replay m.jsonl --policy intelligent-hybrid:watch=2',
    );
    const [last = ''] = Object.values(exitCodes).slice(-1).map(String);
    const main = rendered(join('man', 'fakedirty.1'), context);
    expect(main).toContain('EXIT STATUS 0 done');
    expect(main).toContain(`${last} interrupted`);
  });

  it('pass mandoc where it is installed', (context) => {
    const files = [...pages.keys()].map((path) => join(packageRoot, path));
    const { error, stdout } = spawnSync('mandoc', ['-Tlint', '-Wwarning', ...files], {
      encoding: 'utf8',
    });
    if (error) context.skip('mandoc is not installed');
    // A page that is made must not change from day to day.
    const lines = stdout.split('\n').filter((line) => line && !line.includes('missing date'));
    expect(lines).toEqual([]);
  });
});
