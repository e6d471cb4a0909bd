// A series of qemu-patches/: what it consists of, and its application to a source tree.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Run } from '../../system/step.js';
import { QemuBuildError } from './errors.js';
import { type QemuVersion, versionOfTree } from './versions.js';

/** One line of a `series` file. */
export type SeriesStep =
  | { readonly kind: 'patch'; readonly name: string; readonly file: string }
  | { readonly kind: 'copy'; readonly file: string; readonly target: string };

export interface Series {
  readonly version: QemuVersion;
  readonly steps: readonly SeriesStep[];
  /** Digest of everything that the series puts into a tree. */
  readonly digest: string;
}

function parseLine(line: string, where: string, patches: string, version: string): SeriesStep {
  const [verb, ...words] = line.split(/\s+/);
  const [first, second, surplus] = words;
  if (verb === 'patch' && first && !second) {
    return { kind: 'patch', name: first, file: join(patches, version, first) };
  }
  if (verb === 'copy' && first && second && !surplus) {
    return { kind: 'copy', file: join(patches, version, first), target: second };
  }
  throw new QemuBuildError(
    'series-does-not-apply',
    `${where}: "${line}" is neither "patch NAME" nor "copy PATH TARGET_PATH".`,
  );
}

/** Reads the series for a version; `patches` is the folder qemu-patches. */
export function readSeries(patches: string, version: QemuVersion): Series {
  const list = join(patches, version, 'series');
  if (!existsSync(list)) {
    throw new QemuBuildError(
      'series-does-not-apply',
      `There is no series for ${version}: ${list}.`,
    );
  }
  const digest = createHash('sha256');
  const steps: SeriesStep[] = [];
  readFileSync(list, 'utf8')
    .split('\n')
    .forEach((line, index) => {
      const text = line.replace(/#.*/, '').trim();
      if (!text) return;
      const where = `${list}:${index + 1}`;
      const step = parseLine(text, where, patches, version);
      if (!existsSync(step.file)) {
        throw new QemuBuildError(
          'series-does-not-apply',
          `${where} names ${step.file}, which is not there.`,
        );
      }
      digest.update(`${text}\0`).update(readFileSync(step.file)).update('\0');
      steps.push(step);
    });
  return { version, steps, digest: digest.digest('hex').slice(0, 12) };
}

/** Where patch(1) says that it could not place something. */
function failureIn(output: string): string {
  let file = 'a file that patch does not name';
  for (const line of output.split('\n')) {
    const [, named] = /^patching file '?(.+?)'?$/.exec(line) ?? [];
    const [, missing] = /^\|\+\+\+ b\/(\S+)/.exec(line) ?? [];
    if (missing) return `${missing}, which this QEMU does not have`;
    if (named) file = named;
    const [, hunk, at] = /^Hunk #(\d+) FAILED at (\d+)/.exec(line) ?? [];
    if (hunk) return `${file}, at hunk ${hunk}, near line ${at}`;
    if (/already exists|previously applied/.test(line)) return `${file}, which has it already`;
  }
  return file;
}

/** Applies the series to a tree, which it leaves half patched when it fails: give it a copy. */
export async function applySeries(
  series: Series,
  tree: string,
  { run, log }: { run: Run; log: string },
): Promise<void> {
  for (const step of series.steps) {
    if (step.kind === 'copy') {
      const target = join(tree, step.target);
      mkdirSync(dirname(target), { recursive: true });
      await copyFile(step.file, target);
      continue;
    }
    const before = readFileSync(log).length;
    const args = [
      '--directory',
      tree,
      '--strip',
      '1',
      '--forward',
      '--batch',
      '--input',
      step.file,
    ];
    const exactly = ['--fuzz', '0', '--no-backup-if-mismatch', '--reject-file', '-'];
    if ((await run('patch', [...args, ...exactly], { mayFail: true })) === 0) continue;
    const output = readFileSync(log).subarray(before).toString('utf8');
    throw new QemuBuildError(
      'series-does-not-apply',
      `The series for QEMU ${series.version} does not apply to this QEMU, which is ` +
        `${versionOfTree(tree)}: ${step.name} fails on ${failureIn(output)}.`,
    );
  }
}
