// QEMU's own migration-test, whole, with the filter forced on from the command line and with it off: the
// same cases pass as in a build without the series.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withoutKvm } from '../../harness/qemu-without-kvm.js';
import { needOwnTest, needQemu } from '../../harness/requirements.js';

const timeoutMs = 30 * 60_000;
/** Cases that the series adds, for a QEMU that has it. */
const added = '/migration/fake-dirty/';
const addedCases = ['refused', 'unix/plain', 'unix/xbzrle', 'multifd/tcp'].map(
  (name) => `/x86_64${added}${name}`,
);

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** They want KVM, which may crawl where it is emulated itself; the others do with TCG. */
const needKvm = ['/x86_64/migration/dirty_ring', '/x86_64/migration/vcpu_dirty_limit'];

/** Fails now and then whatever QEMU it is: later versions leave it out for that. */
const fickle = ['/x86_64/migration/multifd/tcp/plain/cancel'];

interface Outcome {
  readonly passed: string[];
  readonly failed: string[];
  readonly output: string;
}

function run(test: string, binary: string, without: readonly string[] = []): Promise<Outcome> {
  const skipped = [...needKvm, ...fickle, ...without].flatMap((name) => ['-s', name]);
  const env = { ...process.env, QTEST_QEMU_BINARY: binary, TMPDIR: directory };
  return new Promise((resolve) => {
    const options = { env, maxBuffer: 1 << 26, timeout: timeoutMs };
    execFile(test, ['--tap', '-k', ...skipped], options, (error, stdout, stderr) => {
      const named = (pattern: RegExp) =>
        [...stdout.matchAll(pattern)]
          .flatMap(([, name]) => name?.replace(/^\/[^/]+/, '') ?? [])
          .sort();
      const failed = named(/^not ok \d+ (\S+)/gm);
      // A case that ends the whole program says nothing more.
      if (error && failed.length === 0) failed.push(`ended with ${error.message}`);
      const output = `${stdout}\n${stderr}`.slice(-10_000);
      resolve({ passed: named(/^ok \d+ (\S+)(?!.*# SKIP)/gm), failed, output });
    });
  });
}

const settings = [
  ['off', []],
  ['on, ph128', ['filter=on']],
  ['on, sha1', ['filter=on', 'hash=sha1', 'unsafe-hash=on']],
  ['on and verified', ['filter=on', 'verify=on']],
] as const;

describe("QEMU's migration-test", () => {
  let expected: Outcome | undefined;

  it.for(settings)(
    'passes the same cases with the filter %s as on an unpatched QEMU',
    { timeout: 2 * timeoutMs },
    async ([, globals], context) => {
      const test = needOwnTest(context, 'migration-test');
      const { binary } = needQemu(context);
      const other = needQemu(context, { unpatched: true });
      expected ??= await run(test, withoutKvm(directory, other.binary, []), addedCases);
      const options = globals.flatMap((global) => ['-global', `migration.x-fake-dirty-${global}`]);
      const { passed, failed, output } = await run(test, withoutKvm(directory, binary, options));
      expect(failed, output).toEqual([]);
      const ours = passed.filter((name) => !name.includes(added));
      expect(ours).toEqual(expected.passed);
      expect(ours.length).toBeGreaterThan(20);
    },
  );
});
