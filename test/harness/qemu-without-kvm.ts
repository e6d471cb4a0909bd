// QEMU's own tests want KVM where there is one, and it may crawl where it is emulated itself.
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A program that is this QEMU with these arguments before all others, and without KVM. */
export function withoutKvm(directory: string, binary: string, args: readonly string[]): string {
  // Its name says for which target it is.
  const path = join(directory, 'qemu-system-x86_64');
  const script = `#!/bin/sh
left=$#
while [ $left -gt 0 ]; do
  word=$1; shift; left=$((left - 1))
  if [ "$word" = -accel ] && [ "$1" = kvm ]; then shift; left=$((left - 1)); continue; fi
  set -- "$@" "$word"
done
exec ${binary} ${args.join(' ')} "$@"
`;
  writeFileSync(path, script);
  chmodSync(path, 0o755);
  return path;
}
