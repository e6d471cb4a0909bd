// A pair with a second QMP on each side: the test holds the first, and QEMU talks to one program on each.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import type { GuestOptions } from '../../lib/qemu/machine/guest.js';
import { MigrationPair, type PairOptions } from './migration-pair.js';

interface DrivenPair {
  readonly pair: MigrationPair;
  /** The sockets of the second QMP of each side. */
  readonly paths: { readonly source: string; readonly destination: string };
  /** Where the destination listens for a migration. */
  readonly listen: string;
}

const serve = (path: string) => ['-qmp', `unix:${path},server=on,wait=off`];

/** Gone when the test ends. */
export async function startWithSecondQmp(
  context: TestContext,
  binary: string,
  guest: GuestOptions,
  more: Pick<PairOptions, 'destinationRuns'> = {},
): Promise<DrivenPair> {
  const directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
  context.onTestFinished(() => rmSync(directory, { recursive: true }));
  const paths = { source: join(directory, 'source'), destination: join(directory, 'destination') };
  const sockets = {
    sourceArguments: serve(paths.source),
    destinationArguments: serve(paths.destination),
  };
  const pair = await MigrationPair.start({
    binary,
    accelerator: 'tcg',
    guest,
    ...sockets,
    ...more,
  });
  context.onTestFinished(() => pair.close());
  return { pair, paths, listen: `unix:${pair.incomingSocket}` };
}
