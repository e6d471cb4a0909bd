// The programs in bench/, compiled beside the library's sources that they use.
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { checkoutKey, repository } from '../run/cache.mjs';
import { withLock } from '../run/lock.mjs';
import { step } from '../run/step.mjs';
import { packageScript } from '../setup/node-modules.mjs';

const compiled = join(repository, 'build', 'compiled-bench');

/** What the library's sources look for in the folder above them. */
function linkWhatIsBeside() {
  for (const name of ['build', 'native', 'scripts']) {
    rmSync(join(compiled, name), { recursive: true, force: true });
  }
  mkdirSync(join(compiled, 'build'));
  symlinkSync(join('..', '..', 'Release'), join(compiled, 'build', 'Release'));
  for (const name of ['native', 'scripts']) {
    symlinkSync(join('..', '..', name), join(compiled, name));
  }
}

/** Answers the path of the program, such as bench/main.js. */
export async function compileBench(program) {
  await withLock(`compiled-bench-${checkoutKey}`, console.log, () =>
    step({ title: 'bench: compiling', log: 'tsc-bench' }, async ({ run }) => {
      const tsc = packageScript('typescript', 'bin', 'tsc');
      await run(process.execPath, [tsc, '--project', 'tsconfig.bench.json']);
      linkWhatIsBeside();
    }),
  );
  return join(compiled, 'bench', program);
}
