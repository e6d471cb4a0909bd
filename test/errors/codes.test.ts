// Every error has a code, every code an error, and docs/reference/errors.md lists them all.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { errorCodes } from '../../lib/errors/codes.js';
import { FakedirtyError } from '../../lib/errors/error.js';
import { OptionError } from '../../lib/errors/option-error.js';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const root = 'FakedirtyError';

/** The sources of the library by their paths, without comments. */
const sources = new Map(
  readdirSync(join(repository, 'lib'), { recursive: true })
    .map((name) => join('lib', String(name)))
    .filter((path) => path.endsWith('.ts'))
    .map((path) => {
      const text = readFileSync(join(repository, path), 'utf8');
      return [path, text.replace(/^\s*(\/\*\*|\*|\/\/).*$/gm, '')] as const;
    }),
);

interface ErrorClass {
  readonly name: string;
  readonly base: string;
  readonly path: string;
  readonly body: string;
}

/** All classes that extend something whose name ends in "Error". */
const errorClasses: ErrorClass[] = [...sources].flatMap(([path, text]) => {
  const found = text.matchAll(/\bclass (\w+)(?:<[^>]*>)?\s+extends (\w*Error)\b([\s\S]*?\n)\}/g);
  return [...found].map(([, name = '', base = '', body = '']) => ({ name, base, path, body }));
});

function rootOf({ base }: ErrorClass): string {
  const parent = errorClasses.find(({ name }) => name === base);
  return parent ? rootOf(parent) : base;
}

/** The code that a class gives its errors; undefined: it inherits one, or has several. */
function codeOf({ body }: ErrorClass): string | undefined {
  return /\bcode(?:: ErrorCode)? = '(\w+)'/.exec(body)?.[1];
}

/** Whether its constructor chooses among codes. */
function choosesCode({ body }: ErrorClass): boolean {
  return /\bthis\.code = /.test(body);
}

describe('error classes', () => {
  it('are found by this test', () => {
    expect(errorClasses.length).toBeGreaterThan(25);
    expect(errorClasses.map(({ name }) => name)).toContain('OptionError');
  });

  it('all extend FakedirtyError, which alone extends Error', () => {
    const others = errorClasses.filter((one) => one.name !== root && one.base !== root);
    expect(others.filter((one) => rootOf(one) !== 'Error').map(({ name }) => name)).toEqual([]);
    const direct = errorClasses.filter(({ base }) => base === 'Error').map(({ name }) => name);
    expect(direct).toEqual([root]);
    const bare = [...sources].filter(([, text]) => /extends (Type|Range|Syntax)Error\b/.test(text));
    expect(bare).toEqual([]);
  });

  it('each have a code that errorCodes lists', () => {
    const without = errorClasses.filter(
      (one) =>
        one.name !== root && !choosesCode(one) && !Object.hasOwn(errorCodes, codeOf(one) ?? ''),
    );
    expect(without.map(({ name, path }) => `${name} in ${path}`)).toEqual([]);
  });

  it('do not share codes', () => {
    const codes = errorClasses.flatMap((one) => codeOf(one) ?? []);
    const shared = codes.filter((code, index) => codes.indexOf(code) !== index);
    // A mapped file that became shorter: memory-file.ts turns it into the error that callers see.
    expect(shared).toEqual(['ERR_MEMORY_FILE']);
  });

  it('carry the class as their name and the code as a property', () => {
    const error = new OptionError('pages', 'is 0; expected at least 1');
    expect(error).toBeInstanceOf(FakedirtyError);
    expect(error).toMatchObject({ name: 'OptionError', code: 'ERR_OPTION' });
  });
});

describe('error codes', () => {
  it('are all used', () => {
    const used = [...sources]
      .filter(([path]) => path !== 'lib/errors/codes.ts')
      .map(([, text]) => text)
      .join('\n');
    const unused = Object.keys(errorCodes).filter((code) => !used.includes(`'${code}'`));
    expect(unused).toEqual([]);
  });

  it('are listed in the reference, with what they mean', () => {
    const page = readFileSync(join(repository, 'docs', 'reference', 'errors.md'), 'utf8');
    const rows = [...page.matchAll(/^\| `(ERR_\w+)` \| (.*) \|$/gm)];
    const listed = Object.fromEntries(rows.map(([, code, meaning]) => [code, meaning]));
    expect(listed).toEqual(errorCodes);
  });
});

describe('errors without a code', () => {
  /** What can only happen by a mistake of this package, and what callers see only as the cause of an error with a code. */
  const exceptions: Readonly<Record<string, number>> = {
    // The addon and algorithms.ts list other algorithms: a test compares them.
    'lib/fingerprint/algorithms.ts': 1,
    // Nobody has a client before QEMU has greeted.
    'lib/qmp/client.ts': 1,
    // More hosts, or another one of them, than the lab itself ever asks for.
    'lib/lab/hosts/namespaced.ts': 1,
    'lib/lab/run/trial.ts': 1,
    // A kind of guest that none of the planned runs has.
    'lib/lab/run/find-qemu.ts': 1,
    // A build that succeeded left nothing.
    'lib/qemu/compile/build.ts': 1,
    // Causes of QemuBuildError and of DownloadError.
    'lib/qemu/compile/debian-source.ts': 1,
    'lib/qemu/compile/download.ts': 1,
    // The linker did not do as the assembler source tells it.
    'lib/qemu/machine/guest.ts': 1,
    // A QEMU without the memory, the serial port or the start that this package gave it.
    'lib/qemu/machine/machine.ts': 3,
    // A machine without /proc.
    'lib/system/owner.ts': 1,
    // This file lies outside any package.
    'lib/system/package-root.ts': 1,
  };

  it('are thrown only where a caller can never meet them', () => {
    const plain = [...sources]
      // The command line shows messages and exit codes.
      .filter(([path]) => !path.startsWith('lib/cli/'))
      .map(([path, text]) => [path, text.match(/\bnew (Range|Type)?Error\(/g) ?? []] as const)
      .map(([path, made]) => [path, made.length] as const)
      .filter(([, count]) => count > 0);
    expect(Object.fromEntries(plain)).toEqual(exceptions);
  });
});
