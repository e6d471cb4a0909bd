// Sanitizers for a part of QEMU alone: its rules for Ninja, changed so that they watch what belongs to
// migration.

/** One argument more for what makes these files; `outputs` is a regular expression for their paths. */
function withArgument(rules: string, outputs: string, argument: string): string {
  const beginning = `^build (?:${outputs}): c(?:pp)?_(?:COMPILER|LINKER) .*\n(?: .*\n)*?`;
  const rule = new RegExp(`${beginning} (?:LINK_)?ARGS = `, 'gm');
  return rules.replaceAll(rule, `$&${argument} `);
}

/**
 * UndefinedBehaviorSanitizer for migration. QEMU's own --enable-sanitizers leaves it out without a word
 * where its trial of it makes the compiler warn, as GCC 12 does; and in all of QEMU it finds much that is
 * older than the series.
 */
export function watchMigration(rules: string, programs: readonly string[]): string {
  const objects = 'lib(?:migration|common|qemu-[^ /]+)\\.fa\\.p/migration_[^ ]+';
  return withArgument(rules, [objects, ...programs].join('|'), '-fsanitize=undefined');
}

/** ThreadSanitizer for what a program alone is made of. */
export function watchThreads(rules: string, program: string): string {
  return withArgument(rules, `${program}(?:\\.p/[^ ]+)?`, '-fsanitize=thread');
}
