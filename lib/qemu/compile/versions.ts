// The versions of QEMU that there is a series for (qemu-patches/), and the release of each that is
// built when nobody names another source.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { QemuBuildError } from './errors.js';

export interface Release {
  readonly name: string;
  readonly url: string;
  readonly sha256: string;
}

/** The reference first. */
export const qemuVersions = ['8.1', '7.2'] as const;
export type QemuVersion = (typeof qemuVersions)[number];

/** Where nobody names one: Debian has its source, so that it can be built where download.qemu.org can't be reached. */
export const defaultQemuVersion: QemuVersion = '7.2';
export const whyDefaultVersion =
  "which can be built anywhere with Debian's packages; 8.1 needs the release from download.qemu.org, or --source";

function release(name: string, sha256: string): Release {
  return { name, url: `https://download.qemu.org/qemu-${name}.tar.xz`, sha256 };
}

export const releases: Record<QemuVersion, Release> = {
  '8.1': release('8.1.5', '9763b1efec4fd49796b5080d0883512d70cb6389ead65c661cc3686a52232896'),
  '7.2': release('7.2.22', 'c74b398c1950526686cb7784e23bd8945ef138b0e6541ba0495015aad3ac9532'),
};

export function isQemuVersion(text: string): text is QemuVersion {
  return (qemuVersions as readonly string[]).includes(text);
}

/** What a source tree says it is, as "8.1.5". */
export function versionOfTree(tree: string): string {
  try {
    return readFileSync(join(tree, 'VERSION'), 'utf8').trim();
  } catch (cause) {
    throw new QemuBuildError('no-source', `${tree} is not QEMU's source: it has no file VERSION.`, {
      cause,
    });
  }
}

/** The series for a version such as "8.1.5"; undefined when there is none. */
export function seriesOf(version: string): QemuVersion | undefined {
  const [major, minor] = version.split('.');
  const wanted = `${major}.${minor}`;
  return isQemuVersion(wanted) ? wanted : undefined;
}
