// Where QEMU's source comes from: what the user names, else the official release, else the
// distribution's source package. Nothing is unpacked here but into the tree asked for.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../../errors/message-of.js';
import { cacheDirectory } from '../../system/cache.js';
import { type Run, step } from '../../system/step.js';
import { fetchDebianSource } from './debian-source.js';
import { DownloadError, download, sha256OfFile } from './download.js';
import { QemuBuildError } from './errors.js';
import { defaultQemuVersion, type QemuVersion, releases } from './versions.js';

const sourceSchema = z.object({
  kind: z.enum(['tarball', 'directory', 'debian']),
  path: z.string(),
  /** Equal for equal sources. */
  identity: z.string(),
  /** What it is and why it was chosen, for messages. */
  description: z.string(),
});

export type Source = z.infer<typeof sourceSchema>;

/** Never part of the source. */
const leftOut = new Set(['.git', 'build']);

function isLeftOut(tree: string, path: string): boolean {
  return leftOut.has(relative(tree, path));
}

/** A tree is the same as long as the names, sizes and times of its files are. */
function identityOfDirectory(tree: string): string {
  const hash = createHash('sha256');
  const visit = (directory: string) => {
    const entries = readdirSync(directory, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(directory, entry.name);
      if (isLeftOut(tree, path)) continue;
      if (entry.isDirectory()) visit(path);
      else if (entry.isFile()) {
        const { size, mtimeNs, mode } = statSync(path, { bigint: true });
        hash.update(`${relative(tree, path)}\0${size}\0${mtimeNs}\0${mode}\n`);
      }
    }
  };
  visit(tree);
  return `directory ${tree} ${hash.digest('hex')}`;
}

/** The source that the user names. */
export async function namedSource(name: string): Promise<Source> {
  const path = resolve(name);
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) {
    throw new QemuBuildError('no-source', `--source: there is no ${path}.`);
  }
  const description = `${path}, named with --source`;
  if (found.isDirectory()) {
    return { kind: 'directory', path, identity: identityOfDirectory(path), description };
  }
  return { kind: 'tarball', path, identity: `sha256 ${await sha256OfFile(path)}`, description };
}

async function releaseSource(version: QemuVersion, shelf: string): Promise<Source> {
  const { name, url, sha256 } = releases[version];
  const path = join(shelf, `qemu-${name}.tar.xz`);
  await step({ title: `source: downloading ${url}`, log: `source-${version}` }, () =>
    download(url, sha256, path),
  );
  return {
    kind: 'tarball',
    path,
    identity: `sha256 ${sha256}`,
    description: `the official release ${name}, with the expected SHA-256`,
  };
}

async function debianSource(version: QemuVersion, shelf: string, why: string): Promise<Source> {
  const { dsc, version: debianVersion } = await step(
    { title: "source: fetching the distribution's source package", log: `source-${version}` },
    ({ run }) => fetchDebianSource(shelf, version, run),
  );
  return {
    kind: 'debian',
    path: dsc,
    identity: `sha256 ${await sha256OfFile(dsc)}`,
    description:
      `the distribution's source package qemu ${debianVersion}, checked by apt, because the ` +
      `official release could not be had (${why})`,
  };
}

function remembered(file: string): Source | undefined {
  try {
    const source = sourceSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    return existsSync(source.path) ? source : undefined;
  } catch {
    return undefined;
  }
}

/** The innermost reason. */
function reasonOf(error: unknown): string {
  if (error instanceof Error && error.cause instanceof QemuBuildError) return error.cause.message;
  if (error instanceof Error && error.cause instanceof DownloadError) return error.cause.message;
  return messageOf(error);
}

function orDefault(version: QemuVersion): string {
  if (version === defaultQemuVersion) return '';
  return `, or take --version ${defaultQemuVersion}, whose source Debian has too`;
}

/** The source when none is named. What was found stays, until `refresh` asks for another look. */
export async function defaultSource(version: QemuVersion, refresh = false): Promise<Source> {
  const shelf = cacheDirectory('sources');
  const file = join(shelf, `${version}.json`);
  const known = refresh ? undefined : remembered(file);
  if (known) return known;
  const { name, url } = releases[version];
  const source = await releaseSource(version, shelf).catch(async (noRelease: unknown) => {
    const why = reasonOf(noRelease);
    try {
      return await debianSource(version, shelf, why);
    } catch (noPackage) {
      throw new QemuBuildError(
        'no-source',
        `There is no source of QEMU ${version}. ${url}: ${why}. Instead: ${reasonOf(noPackage)}. ` +
          `Get qemu-${name}.tar.xz in another way and name it with --source${orDefault(version)}.`,
        { cause: noPackage },
      );
    }
  });
  await writeFile(file, `${JSON.stringify(source, null, 2)}\n`);
  return source;
}

/** Makes a copy of the source, as a tree that may be changed. */
export async function unpack(source: Source, tree: string, run: Run): Promise<void> {
  if (source.kind === 'directory') {
    cpSync(source.path, tree, {
      recursive: true,
      preserveTimestamps: true,
      verbatimSymlinks: true,
      filter: (path) => !isLeftOut(source.path, path),
    });
  } else if (source.kind === 'debian') {
    // apt has checked it; the key of who packed it need not be here.
    await run('dpkg-source', ['--no-check', '--extract', source.path, tree]);
  } else {
    mkdirSync(tree, { recursive: true });
    const tar = ['--extract', '--file', source.path, '--directory', tree];
    await run('tar', [...tar, '--strip-components', '1', '--no-same-owner']);
  }
}
