// A process that gets no more memory, in a process of its own.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { builtPackage } from '../harness/built-package.js';

const run = promisify(execFile);

it('a check that there is no memory for is an error, and the table goes on', async () => {
  const program = `
    import { execFileSync } from 'node:child_process';
    import { readFileSync } from 'node:fs';
    import { FingerprintTable } from ${JSON.stringify(builtPackage.href)};
    const table = new FingerprintTable({ pages: 2 ** 18, verify: true });
    const bytes = Buffer.alloc(2 ** 30);
    const [, kib] = /VmSize:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'));
    // More than anything else needs, less than a copy of the pages.
    const limit = Number(kib) * 1024 + 2 ** 28;
    execFileSync('prlimit', ['--pid', String(process.pid), '--as=' + limit + ':' + limit]);
    try {
      table.check(bytes);
    } catch (error) {
      console.log(error.name, error.message);
    }
    console.log(table.check(bytes.subarray(0, 4096)).counts.zero);
  `;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program]);
  expect(stdout).toBe('NativeError the operating system gave no memory\n1\n');
});
