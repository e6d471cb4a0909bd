// The rules that Ninja builds a sanitized QEMU by: what is watched, and what is left as it was.
import { expect, it } from 'vitest';
import { watchMigration, watchThreads } from '../../../lib/qemu/compile/sanitizers.js';

function rule(output: string, kind: string): string {
  const words = kind.endsWith('LINKER') ? 'LINK_ARGS' : 'ARGS';
  return `build ${output}: ${kind} ../tree/a.c || qapi/qapi-types.h\n DEPFILE = a.d\n ${words} = -O2\n\n`;
}

const test = 'tests/unit/test-fake-dirty';
const rules = [
  rule('libcommon.fa.p/migration_ram.c.o', 'c_COMPILER'),
  rule('libqemu-x86_64-softmmu.fa.p/migration_ram.c.o', 'c_COMPILER'),
  rule('libcommon.fa.p/hw_vfio_migration.c.o', 'c_COMPILER'),
  rule('qemu-system-x86_64', 'cpp_LINKER'),
  rule('qemu-img', 'c_LINKER'),
  rule(`${test}-multifd.p/test.c.o`, 'c_COMPILER'),
  rule(`${test}-multifd`, 'c_LINKER'),
  rule(`${test}.p/test.c.o`, 'c_COMPILER'),
].join('');

/** The outputs whose rules have the argument. */
function watched(changed: string, argument: string): string[] {
  expect(changed.replaceAll(`${argument} `, '')).toBe(rules);
  return changed
    .split('\n\n')
    .filter((one) => one.includes(`ARGS = ${argument} -O2`))
    .map((one) => one.slice('build '.length, one.indexOf(':')));
}

it('UndefinedBehaviorSanitizer watches migration, and is linked into the programs', () => {
  expect(watched(watchMigration(rules, ['qemu-system-x86_64']), '-fsanitize=undefined')).toEqual([
    'libcommon.fa.p/migration_ram.c.o',
    'libqemu-x86_64-softmmu.fa.p/migration_ram.c.o',
    'qemu-system-x86_64',
  ]);
});

it('ThreadSanitizer watches one program and no other', () => {
  expect(watched(watchThreads(rules, `${test}-multifd`), '-fsanitize=thread')).toEqual([
    `${test}-multifd.p/test.c.o`,
    `${test}-multifd`,
  ]);
});
