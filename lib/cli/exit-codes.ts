// The exit codes of `fakedirty`, which scripts may rely on.
import type { BuildFailure } from '../qemu/compile/errors.js';

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
  'no-qmp': 9,
  refused: 10,
  'migration-failed': 11,
  cancelled: 12,
  'post-copy-interrupted': 13,
  'guest-unknown': 14,
  'guest-lost': 15,
  interrupted: 130,
} as const satisfies Record<BuildFailure, number> & Record<string, number>;

export const exitCodesHelp = `
Exit codes:
    0  done
    1  failed for a reason without a code of its own
    2  the command line is wrong
    3  tools, libraries or npm packages are missing
    4  QEMU's source was not found, or is of another version
    5  the series does not apply
    6  the disk is full
    7  configuring or compiling failed
    8  this QEMU has not been built
    9  there is no QMP at that address, or it did not answer
   10  the migration or the experiment was refused before it began: nothing has been changed
   11  the migration failed; the guest is at the source
   12  the migration was cancelled, by a policy or by somebody else; the guest is at the source
   13  the link broke in post-copy; the guest waits for migrate-recover
   14  it can't be known where the guest runs: look at both sides before you start it anywhere
   15  what held the guest of a VM that was being moved has ended; it was started nowhere
  130  interrupted; a migration was cancelled first, and the guest is at the source`;
