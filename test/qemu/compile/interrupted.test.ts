// The build of libfakedirty, interrupted at any moment: no process and no file is left. A script stands in for cmake.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it, type TestContext } from 'vitest';
import { packageRoot } from '../../../lib/system/package-root.js';

/** Does nothing but leave a mark, and stays at one of its stages, with a compiler below it. */
const cmake = `#!/bin/sh
case "$1" in -S) stage=configure ;; --build) stage=build ;; *) stage=install ;; esac
: > "$MARKS/$stage"
if [ "$stage" = "$STAYS_AT" ]; then setsid sh -c 'sleep 600 & wait' & sleep 600; fi
`;

const { PATH } = process.env;

const program = `
  import { writeSync } from 'node:fs';
  import { buildLibrary } from '${packageRoot}/dist/qemu/compile/library.js';
  writeSync(1, 'begun\\n');
  for (;;) await buildLibrary('cc', 1).catch(() => {});
`;

function newDirectory({ onTestFinished }: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  for (const name of ['bin', 'cache', 'marks']) mkdirSync(join(directory, name));
  writeFileSync(join(directory, 'bin', 'cmake'), cmake, { mode: 0o755 });
  return directory;
}

/** Those that have this folder in their surroundings, and have not ended. */
function processesOf(directory: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`MARKS=${directory}/`);
    } catch {
      return false;
    }
  });
}

function start(directory: string, stage: string) {
  return spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {
      ...process.env,
      PATH: `${directory}/bin:${PATH}`,
      FAKEDIRTY_CACHE: join(directory, 'cache'),
      MARKS: join(directory, 'marks'),
      STAYS_AT: stage,
    },
  });
}

async function expectNothingLeft(directory: string): Promise<void> {
  // A process that has been killed may take a moment to be gone.
  while (processesOf(directory).length > 0) await pause(10);
  const building = join(directory, 'cache', 'building');
  expect(existsSync(building) ? readdirSync(building) : []).toEqual([]);
}

it.for(['configure', 'build', 'install'])(
  'leaves nothing when cmake is at %s',
  async (stage, context) => {
    const directory = newDirectory(context);
    const child = start(directory, stage);
    const exit = once(child, 'exit');
    while (!existsSync(join(directory, 'marks', stage))) await pause(5);
    child.kill('SIGINT');
    expect(await exit).toEqual([130, null]);
    await expectNothingLeft(directory);
  },
);

it.for([0, 1, 3, 7, 15, 30, 60, 120])(
  'leaves nothing %i ms after it has begun',
  async (ms, context) => {
    const directory = newDirectory(context);
    const child = start(directory, 'install');
    const exit = once(child, 'exit');
    await once(child.stdout, 'data');
    await pause(ms);
    child.kill('SIGINT');
    const [code, signal] = await exit;
    expect(signal ?? code).toBe(signal ? 'SIGINT' : 130);
    await expectNothingLeft(directory);
  },
);
