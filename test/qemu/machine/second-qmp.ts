// A second QMP for each side of a migration: the test holds the first, and QEMU talks to one program on each.
import { join } from 'node:path';
import type { PairOptions } from '../../../lib/qemu/machine/migration-pair.js';

interface SecondQmp {
  readonly paths: { readonly source: string; readonly destination: string };
  readonly options: Pick<PairOptions, 'sourceArguments' | 'destinationArguments'>;
}

/** Sockets in that directory. */
export function secondQmp(directory: string): SecondQmp {
  const paths = { source: join(directory, 'source'), destination: join(directory, 'destination') };
  const serve = (path: string) => ['-qmp', `unix:${path},server=on,wait=off`];
  const options = {
    sourceArguments: serve(paths.source),
    destinationArguments: serve(paths.destination),
  };
  return { paths, options };
}
