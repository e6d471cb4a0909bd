// clang-tidy over the sources of library and addon, with the flags of the release build. It is slow, so a file
// that passed is not looked at again until it, a header, the settings or its flags have changed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join, relative } from 'node:path';
import { cacheDirectory, keyOf, repository } from '../run/cache.mjs';
import { step } from '../run/step.mjs';
import { nativeFiles } from './lint.mjs';
import { configureNative } from './native-build.mjs';

function contents(file) {
  return readFileSync(join(repository, file), 'utf8');
}

/** Flags of the release build's compiler, GCC, that Clang refuses. */
function foreignFlags(commands) {
  const flags = new Set(commands.flatMap(({ command }) => command.match(/ -f[\w-]+/g) ?? []));
  const trial = ['-fsyntax-only', '-x', 'c++', '/dev/null', ...[...flags].map((f) => f.trim())];
  const { stderr } = spawnSync('clang++-14', trial, { encoding: 'utf8' });
  return [...stderr.matchAll(/unknown argument:? '([^']+)'/g)].map(([, flag]) => flag);
}

/** How each source of library and addon is compiled: once, though tests build variants of some. */
function compileCommands(build) {
  const all = JSON.parse(readFileSync(join(build.tree, 'compile_commands.json'), 'utf8'));
  const bySource = new Map();
  for (const command of all) {
    const file = relative(repository, command.file);
    if (/^native\/(src|addon)\//.test(file) && !bySource.has(file)) {
      bySource.set(file, { ...command, file });
    }
  }
  return [...bySource.values()];
}

function optionsFor(file) {
  // Flags of GCC that Clang does not know are no finding.
  const options = ['--quiet', '--extra-arg=-Wno-unknown-warning-option'];
  // These compile xxHash itself, once a target: what the analyzer says of it is its authors' business.
  if (/\/xxhash_\w+\.cc$/.test(file)) options.push('--checks=-clang-analyzer-*');
  return options;
}

export async function checkClangTidy(build) {
  await configureNative(build);
  const directory = cacheDirectory('builds', basename(build.tree), 'clang-tidy');
  const commands = compileCommands(build);
  if (commands.length === 0) throw new Error('the release build compiles no source of the library');
  const foreign = foreignFlags(commands);
  const database = commands.map(({ command, file, directory }) => ({
    directory,
    file: join(repository, file),
    command: command
      .split(' ')
      .filter((word) => !foreign.includes(word))
      .join(' '),
  }));
  writeFileSync(join(directory, 'compile_commands.json'), JSON.stringify(database));

  const headers = nativeFiles().filter((file) => /^native\/(src|addon|include)\/.*\.h$/.test(file));
  const shared = keyOf([build.compiler, contents('.clang-tidy'), ...headers.map(contents)]);
  const stampOf = ({ file, command }) =>
    join(directory, `${basename(file)}-${keyOf([shared, command, contents(file)])}`);
  const waiting = commands.filter((command) => !existsSync(stampOf(command)));
  const detail = `${waiting.length} of ${commands.length} files; the others have not changed`;
  await step({ title: 'lint: clang-tidy', detail, log: 'clang-tidy' }, async ({ run, log }) => {
    const failed = [];
    const work = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const stamp = stampOf(next);
        const args = [...optionsFor(next.file), '-p', directory, next.file];
        const exitCode = await run('clang-tidy-14', args, { mayFail: true });
        if (exitCode === 0) writeFileSync(stamp, '');
        else failed.push(next.file);
      }
    };
    await Promise.all(Array.from({ length: availableParallelism() }, work));
    if (failed.length === 0) return;
    const findings = new Set(readFileSync(log, 'utf8').match(/^.*\berror: .*$/gm));
    throw new Error(`findings in ${failed.join(', ')}\n  ${[...findings].join('\n  ')}`);
  });
}
