// What programs built with sanitizers need around them.
import { spawnSync } from 'node:child_process';
import { machine } from 'node:os';

/** Options of this environment, with what the user has set coming last and so winning. */
function joined(name, options) {
  return [options, process.env[name]].filter(Boolean).join(':');
}

export function sanitizerEnvironment() {
  const symbolizer = '/usr/lib/llvm-14/bin/llvm-symbolizer';
  return {
    ASAN_SYMBOLIZER_PATH: symbolizer,
    ASAN_OPTIONS: joined('ASAN_OPTIONS', 'detect_stack_use_after_return=1'),
    UBSAN_OPTIONS: joined(
      'UBSAN_OPTIONS',
      `print_stacktrace=1:external_symbolizer_path=${symbolizer}`,
    ),
    TSAN_OPTIONS: joined('TSAN_OPTIONS', `external_symbolizer_path=${symbolizer}`),
  };
}

/** For a program without sanitizers, Node, that loads a library with them. */
export function preloadedSanitizer(build) {
  const runtime = 'libclang_rt.asan-x86_64.so';
  const asked = spawnSync('clang-14', [`-print-file-name=${runtime}`], { encoding: 'utf8' });
  const file = asked.stdout.trim();
  // What clang does not have, it answers with the bare name.
  if (file === runtime) throw new Error(`clang-14 has no ${runtime}`);
  return {
    ...build.env,
    LD_PRELOAD: file,
    // Node frees little when it ends.
    ASAN_OPTIONS: joined('ASAN_OPTIONS', 'detect_leaks=0'),
  };
}

let steady;

/**
 * Clang 14's sanitizers want their shadow at fixed addresses, and kernels that randomise more than
 * 28 bits put programs there now and then: "unexpected memory mapping". Where it is allowed
 * (containers often forbid it), programs run without randomisation.
 */
export function withSteadyAddresses(command, ...args) {
  const setarch = [machine(), '--addr-no-randomize'];
  steady ??= spawnSync('setarch', [...setarch, 'true'], { stdio: 'ignore' }).status === 0;
  return steady ? ['setarch', [...setarch, command, ...args]] : [command, args];
}
