// What shells complete, asked of the shells themselves.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { policyNames, policySettings } from '../../lib/policy/named.js';
import { packageRoot } from '../../lib/system/package-root.js';

// Each call starts a Node.
vi.setConfig({ hookTimeout: 60_000 });

const main = join(packageRoot, 'dist', 'cli', 'main.js');
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { stdout } = spawnSync(process.execPath, [main, 'completion', shell], {
      encoding: 'utf8',
    });
    writeFileSync(join(folder, shell), stdout);
  }
  writeFileSync(join(folder, 'file-of-mine'), '');
});
afterAll(() => rmSync(folder, { recursive: true }));

function output(shell: string, args: readonly string[], line: string): string[] {
  const { stdout, stderr } = spawnSync(shell, args, {
    encoding: 'utf8',
    cwd: folder,
    env: { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, COMP_LINE: line },
  });
  expect(stderr).toBe('');
  return stdout.split('\n').filter(Boolean);
}

/** What each shell offers, as whole words: readline and zsh complete only their last part. */
const offered: Record<string, (line: string) => string[]> = {
  bash: (line) => {
    const asked = `source ./bash; COMP_WORDBREAKS=' =:'; COMP_POINT=\${#COMP_LINE}; _fakedirty; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const value = (line.split(' ').at(-1) ?? '').replace(/^--[\w-]+=/, '');
    const kept = value.replace(/[^=:]*$/, '');
    return output('bash', ['-c', asked], line).map((word) => kept + word);
  },
  zsh: (line) => {
    const words = line.split(' ').map((word) => `'${word}'`);
    const stubs = `
      compdef() { : }
      _files() { print -l -- $value*(N) }
      compset() { case "$2" in ('*=') cut=\${value} ;; ('*[:,]') kept="\${value%\${value##*[:,]}}"; cut="\${value#$kept}" ;; esac }
      compadd() {
        [[ $1 == -S ]] && shift 2
        shift
        for each in "$@"; do [[ $each == \${cut-$word}* ]] && print -r -- "$kept$each"; done
      }`;
    const asked = `${stubs}\nsource ./zsh; words=(${words.join(' ')}); CURRENT=\${#words}; _fakedirty`;
    return output('zsh', ['-fc', asked], line);
  },
  fish: (line) => {
    const asked = `source fish; complete -C'${line}'`;
    return output('fish', ['--no-config', '-c', asked], line).map((word) =>
      (word.split('\t')[0] ?? '').replace(/^--[\w-]+=/, ''),
    );
  },
};

const goals = ['fake-aware:goal=fewest-bytes', 'fake-aware:goal=shortest-total-time'];

describe.each(['bash', 'zsh', 'fish'])('%s', (shell) => {
  beforeEach((context) => {
    if (spawnSync(shell, ['-c', 'true']).error) context.skip(`${shell} is not installed`);
  });
  const complete = (line: string) => offered[shell]?.(`fakedirty ${line}`) ?? [];

  it.each<[line: string, words: string[]]>([
    ['qemu b', ['build']],
    ['migrate --meth', ['--method']],
    ['migrate --method post', ['post-copy']],
    ['migrate --method=post', ['post-copy']],
    ['migrate --hash sha', ['sha256', 'sha1']],
    ['migrate --hash=sha', ['sha256', 'sha1']],
    ['lab run --version=7', ['7.2']],
    ['completion z', ['zsh']],
    ['migrate --policy fake', ['fake-aware', 'fake-aware:']],
    ['migrate --policy=give', ['give-up', 'give-up:']],
    ['replay --policy fake-aware:go', goals],
    ['replay --policy=fake-aware:go', goals],
    ['replay --policy give-up:after=60s,b', ['give-up:after=60s,bytes=']],
    ['migrate --policy=give-up:after=60s,b', ['give-up:after=60s,bytes=']],
  ])('completes "%s"', (line, words) => {
    expect(complete(line).sort()).toEqual([...words].sort());
  });

  it('offers commands, and files where an option takes one', () => {
    expect(complete('')).toEqual(expect.arrayContaining(['qemu', 'migrate', 'watch', 'replay']));
    expect(complete('migrate --record file')).toEqual(['file-of-mine']);
  });

  it('offers every policy with every setting', () => {
    expect(complete('migrate --policy ').sort()).toEqual(
      policyNames.flatMap((name) => [name, `${name}:`]).sort(),
    );
    for (const name of policyNames) {
      const words = complete(`migrate --policy ${name}:`).map((word) => word.split(/[:=]/)[1]);
      expect([...new Set(words)].sort()).toEqual(Object.keys(policySettings[name] ?? {}).sort());
    }
  });
});
