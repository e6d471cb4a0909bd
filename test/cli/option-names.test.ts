// Refusals name options: at a terminal its flags, and never the names of the API; in the API those, and never a flag.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { flagNames, flags, withoutFlag } from '../../lib/cli/option-names.js';
import type { FakedirtyError } from '../../lib/errors/error.js';
import { OptionError } from '../../lib/errors/option-error.js';
import { apiNames, inWords, option, sentence, type Words } from '../../lib/errors/wording.js';
import { MigrationRefusedError } from '../../lib/migration/errors.js';
import {
  type MigrateOptions,
  optionsSchema,
  parseMigrateOptions,
} from '../../lib/migration/options.js';
import { planSettings } from '../../lib/migration/plan-settings.js';
import type { QemuSetup } from '../../lib/migration/qemu-setup.js';
import { packageRoot } from '../../lib/system/package-root.js';

/** The paths of all options, those inside others too. */
function pathsIn(schema: z.ZodObject, before = ''): string[] {
  return Object.entries(schema.shape).flatMap(([name, member]) => {
    const path = `${before}${name}`;
    let inner = member as z.ZodType;
    while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault) {
      inner = inner.unwrap() as z.ZodType;
    }
    if (inner instanceof z.ZodUnion) {
      inner = inner.options.find((each) => each instanceof z.ZodObject) as z.ZodType;
    }
    return [path, ...(inner instanceof z.ZodObject ? pathsIn(inner, `${path}.`) : [])];
  });
}

const paths = pathsIn(optionsSchema);
/** Names that no sentence has but those that mean the option: `acceptUnsafeHash`, `filter.hash`. */
const unmistakable = [...paths, ...Object.keys(flags)].flatMap((path) => {
  const leaf = path.split('.').at(-1) ?? '';
  return [...(path.includes('.') ? [path] : []), ...(/[A-Z]/.test(leaf) ? [leaf] : [])];
});
const apiName = new RegExp(`\\b(${unmistakable.join('|').replaceAll('.', '\\.')})\\b`);
const flag = /(^|[\s"'`(])--[a-z]/;

it('every option of a migration has a flag, or is known to have none', () => {
  expect(paths.filter((path) => !(path in flags) && !withoutFlag.includes(path))).toEqual([]);
  expect(paths.length).toBeGreaterThan(25);
});

it('every flag is one that a command has', () => {
  const commands = ['migrate', 'estimate', 'lab', 'qemu', 'watch'].map((name) =>
    readFileSync(join(packageRoot, 'lib', 'cli', `${name}-command.ts`), 'utf8'),
  );
  const missing = Object.values(flags).filter((name) => !commands.join('').includes(name));
  expect(missing).toEqual([]);
});

function setup(filter: boolean): QemuSetup {
  const names = ['events', 'xbzrle', 'multifd', 'postcopy-ram', 'auto-converge', 'compress'];
  const more = ['zero-copy-send', 'return-path', ...(filter ? ['fake-dirty-filter'] : [])];
  return {
    version: '7.2.0',
    status: { running: true, status: 'running' },
    migration: {},
    capabilities: new Map([...names, ...more].map((name) => [name, name === 'zero-copy-send'])),
    parameters: { 'downtime-limit': 300 },
    settable: new Map<string, readonly string[] | undefined>(
      ['multifd-compression', 'multifd-channels', 'fake-dirty-hash'].map((name) => [name, ['x']]),
    ),
    ramBytes: 1 << 30,
    machine: undefined,
  };
}

/** All that is wrong with these options, as sentences. */
function refusalOf(options: object, filter = true): MigrationRefusedError {
  const given = { to: 'tcp:b:1', ...options } as MigrateOptions;
  try {
    const { problems } = planSettings(parseMigrateOptions(given), setup(filter), setup(filter));
    return new MigrationRefusedError(problems);
  } catch (error) {
    if (error instanceof MigrationRefusedError) return error;
    throw error;
  }
}

const goOn = () => ({ choice: 'go-on', policy: 'p', reason: '', numbers: {} });

describe('a refusal', () => {
  it.each<[string, object, api: string, terminal: string]>([
    ['md5', { filter: { hash: 'md5' } }, 'filter.acceptUnsafeHash: true', '--accept-unsafe-hash'],
    ['no filter', { filter: {} }, "filter.ifMissing: 'leave-out'", '--without-filter leave-out'],
    ['RDMA', { filter: {}, to: 'rdma:b:1' }, 'no filter.', 'no --hash.'],
    [
      'zero copy',
      { filter: {} },
      'capabilities.zero-copy-send: false',
      '--capability zero-copy-send=off',
    ],
    ['both', { xbzrle: {}, multifd: {} }, 'xbzrle or multifd', '--xbzrle or --multifd'],
    [
      'a level',
      { multifd: { level: 3 } },
      "multifd.compression: 'zstd'",
      '--multifd-compression zstd',
    ],
    [
      'a high level',
      { multifd: { level: 12, compression: 'zlib' } },
      'multifd.level: is 12',
      '--multifd-level: is 12',
    ],
    [
      'a policy of none',
      { method: 'post-copy', policy: goOn },
      "method: 'post-copy'",
      '--method post-copy',
    ],
    [
      'no convergence',
      { method: 'post-copy', autoConverge: {} },
      'autoConverge has no',
      '--auto-converge has no',
    ],
    ['a long downtime', { downtimeLimitMs: 1e9 }, 'downtimeLimitMs: ', '--downtime: '],
    ['an odd hash', { filter: { hash: 'sha3' } }, 'filter.hash: ', '--hash: '],
    [
      'an odd capability',
      { capabilities: { xbzrle: 3 } },
      'capabilities.xbzrle: ',
      '--capability xbzrle: ',
    ],
    [
      'negative memory',
      { filter: { maxMemoryBytes: -1 } },
      'filter.maxMemoryBytes: ',
      '--filter-max-memory: ',
    ],
    [
      'too many processors',
      { filter: { maxCpuPercent: 25_501 } },
      'filter.maxCpuPercent: ',
      '--filter-max-cpu: ',
    ],
    ['odd sampling', { filter: { sampling: 3 } }, 'filter.sampling: ', '--no-sampling: '],
    ['too many channels', { multifd: { channels: 999 } }, 'multifd.channels: ', '--multifd: '],
  ])('of %s', (what, options, api, terminal) => {
    const error = refusalOf(options, what !== 'no filter');
    expect(error.message).toContain(api);
    expect(error.message).not.toMatch(flag);
    const said = error.messageIn(flagNames);
    expect(said).toContain(terminal);
    expect(said).not.toMatch(apiName);
    expect(said).not.toMatch(/: (true|false|')/);
    expect(error.problemsIn(flagNames).join('\n')).not.toMatch(apiName);
  });

  it('of an option that the lab takes', () => {
    const error: FakedirtyError = new OptionError('directory', sentence`no ${option('qemu')}`);
    expect(error.message).toBe('directory: no qemu');
    expect(error.messageIn(flagNames)).toBe('--out: no --qemu');
  });
});

describe('a sentence', () => {
  it('names options inside others, and keeps all other text', () => {
    const inner: Words = sentence`${option('filter.hash', 'ph128')} (${3})`;
    const outer = sentence`take ${inner}`;
    expect(inWords(outer, apiNames)).toBe("take filter.hash: 'ph128' (3)");
    expect(inWords(outer, flagNames)).toBe('take --hash ph128 (3)');
  });
});

describe('text in the library', () => {
  const folders = [
    'migration',
    'policy',
    'monitor',
    'strategy',
    'lab',
    'qmp',
    'qemu/machine',
    'qemu/probe',
  ];
  /** The sentences of each file: its literals of several words, without what is put into them. */
  const sentences = folders.flatMap((folder) => {
    const directory = join(packageRoot, 'lib', folder);
    const names = readdirSync(directory, { recursive: true }).map(String);
    return names
      .filter((name) => name.endsWith('.ts'))
      .flatMap((name) => {
        const source = readFileSync(join(directory, name), 'utf8');
        const code = source.replace(/^\s*(\/\*\*|\*|\/\/).*$/gm, '').replace(/\$\{[^{}]*\}/g, '%');
        const literals = code.match(/'[^'\n]*'|`[^`\n]*`/g) ?? [];
        return literals
          .filter((text) => text.includes(' '))
          .map((text) => ({ where: `lib/${folder}/${name}`, text }));
      });
  });

  it('is found by this test', () => expect(sentences.length).toBeGreaterThan(200));

  it('names no option of a migration but as an option', () => {
    const named = apiName;
    // The form of an argument, which only a program can give, is no sentence.
    const found = sentences.filter(({ text }) => named.test(text) && !/^'\{.*\}'$/.test(text));
    expect(found).toEqual([]);
  });

  it('names no flag of a command', () => {
    const flagged = sentences.filter(({ text }) => flag.test(text));
    // What is to be typed as it stands, not the flag of the command that runs.
    expect(flagged.filter(({ text }) => !/fakedirty qemu build/.test(text))).toEqual([]);
  });
});
