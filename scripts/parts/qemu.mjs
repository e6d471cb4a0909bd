// The QEMU that the tests migrate guests with: built by the command that users have, and kept.
import { join } from 'node:path';
import { repository } from '../run/cache.mjs';
import { step } from '../run/step.mjs';

const version = process.env.FAKEDIRTY_QEMU_VERSION ?? '7.2';
/** Those whose breaking the comparison of memories can show (qemu-patches/README.md). */
const broken = ['R1', 'R4_ZERO', 'R4_COMPRESS', 'R5', 'SYNC', 'FLUSH'];

/** The lines of the command's own steps that say how far it is. */
function progress(endOfLog) {
  return endOfLog
    .trimEnd()
    .split('\n')
    .at(-1)
    ?.replace(/^ *\.\.\. /, 'of these ');
}

function build(title, ...options) {
  return step({ title, log: 'qemu-build', progress }, ({ run }) => {
    const main = join(repository, 'dist', 'cli', 'main.js');
    return run(process.execPath, [main, 'qemu', 'build', '--version', version, ...options]);
  });
}

/** With the series; and programs that break its rules, which the tests must notice. */
export function buildPatchedQemu() {
  return build(`qemu: building ${version} with the series`, '--broken', broken.join(','));
}

/** Without it: in long runs only, since it takes as long again. */
export async function buildUnpatchedQemu() {
  if (process.env.FAKEDIRTY_LONG === '1') {
    await build(`qemu: building ${version} without the series`, '--unpatched');
  }
}
