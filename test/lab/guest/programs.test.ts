import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { compiledProgram } from '../../../lib/lab/guest/programs.js';

it('compiles a program again when a header beside it has changed', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
  context.onTestFinished(() => rmSync(directory, { recursive: true }));
  const source = join(directory, 'own.c');
  writeFileSync(source, '#include "own.h"\nint main(void) { return VALUE; }\n');
  writeFileSync(join(directory, 'own.h'), '#define VALUE 1\n');
  const first = await compiledProgram(source);
  expect(await compiledProgram(source)).toBe(first);
  writeFileSync(join(directory, 'own.h'), '#define VALUE 2\n');
  expect(await compiledProgram(source)).not.toBe(first);
}, 60_000);
