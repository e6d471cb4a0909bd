// What the exit code of `fakedirty` says: scripts may rely on these.
import type { BuildFailure } from '../qemu/build/errors.js';

export const exitCodes = {
  ok: 0,
  failure: 1,
  usage: 2,
  'missing-tools': 3,
  'no-source': 4,
  'series-does-not-apply': 5,
  'disk-full': 6,
  compilation: 7,
  'not-built': 8,
} as const satisfies Record<BuildFailure | 'ok' | 'failure' | 'usage', number>;

export const exitCodesHelp = `
Exit codes:
    0  done
    1  failed, for a reason that has no code of its own
    2  the command line is wrong
    3  tools or libraries are missing
    4  there is no source of QEMU, or of another version
    5  the series does not apply
    6  the disk is full
    7  configuring or compiling failed
    8  this QEMU has not been built
  130  interrupted`;
