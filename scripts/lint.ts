// Formatters, linters and the type checker: each one passes or fails as a whole. And the programs of docs/examples,
// which stand in the guides too, after comments like <!-- examples/NAME -->.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join, relative } from 'node:path';
import { z } from 'zod';
import { cacheDirectory, keyOf } from '../lib/system/cache.js';
import { packageRoot } from '../lib/system/package-root.js';
import { CommandError, run as runCommand } from '../lib/system/processes.js';
import { step } from '../lib/system/step.js';
import { packageScript } from './build.js';
import { configureNative, type NativeBuild } from './native.js';

const biome = packageScript('@biomejs', 'biome', 'bin', 'biome');
const tsc = packageScript('typescript', 'bin', 'tsc');

/** The C and C++ files under native/, relative to the repository. */
function nativeFiles(): string[] {
  return readdirSync(join(packageRoot, 'native'), { recursive: true })
    .map(String)
    .filter((name) => /\.(h|cc|c)$/.test(name))
    .map((name) => join('native', name))
    .sort();
}

export async function checkWithBiome(): Promise<void> {
  await step({ title: 'lint: Biome', log: 'biome' }, ({ run }) =>
    run(process.execPath, [biome, 'check', '--error-on-warnings']),
  );
}

export async function checkTypes(): Promise<void> {
  await step({ title: 'lint: types', log: 'types' }, ({ run }) =>
    run(process.execPath, [tsc, '--noEmit']),
  );
}

export async function checkClangFormat(): Promise<void> {
  await step({ title: 'lint: clang-format', log: 'clang-format' }, ({ run }) =>
    run('clang-format-14', ['--dry-run', '-Werror', ...nativeFiles()]),
  );
}

/** Rewrites what the two formatters would complain about. */
export async function formatAll(): Promise<void> {
  await step({ title: 'format: Biome', log: 'format-biome' }, ({ run }) =>
    run(process.execPath, [biome, 'check', '--write']),
  );
  await step({ title: 'format: clang-format', log: 'format-clang-format' }, ({ run }) =>
    run('clang-format-14', ['-i', ...nativeFiles()]),
  );
}

const docs = join(packageRoot, 'docs');
const place = /<!-- (examples\/[\w.-]+) -->\n(?:\n```js\n[\s\S]*?```\n)?/g;

function withPrograms(guide: string): string {
  return guide.replace(place, (_, name: string) => {
    const program = readFileSync(join(docs, name), 'utf8');
    return `<!-- ${name} -->\n\n\`\`\`js\n${program}\`\`\`\n`;
  });
}

/** The guides that show a program as it no longer is. */
function outdatedGuides() {
  return readdirSync(docs, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.md'))
    .map((name) => {
      const guide = readFileSync(join(docs, name), 'utf8');
      return { name, guide, updated: withPrograms(guide) };
    })
    .filter(({ guide, updated }) => guide !== updated);
}

export function updateGuides(): void {
  for (const { name, updated } of outdatedGuides()) writeFileSync(join(docs, name), updated);
}

export async function checkGuides(): Promise<void> {
  await step({ title: 'lint: programs in the guides', log: 'guides' }, () => {
    const names = outdatedGuides().map(({ name }) => name);
    if (names.length > 0) throw new Error(`${names.join(', ')}: not up to date; npm run format`);
  });
}

const compileCommands = z.array(
  z.object({ directory: z.string(), command: z.string(), file: z.string() }),
);
type CompileCommand = z.infer<typeof compileCommands>[number];

function contents(file: string): string {
  return readFileSync(join(packageRoot, file), 'utf8');
}

/** How each source of library and addon is compiled: once, though tests build variants of some. */
function commandsOf(build: NativeBuild): CompileCommand[] {
  const file = join(build.tree, 'compile_commands.json');
  const bySource = new Map<string, CompileCommand>();
  for (const command of compileCommands.parse(JSON.parse(readFileSync(file, 'utf8')))) {
    const source = relative(packageRoot, command.file);
    if (/^native\/(src|addon)\//.test(source) && !bySource.has(source)) {
      bySource.set(source, { ...command, file: source });
    }
  }
  return [...bySource.values()];
}

/** Flags of the release build's compiler, GCC, that Clang refuses. */
async function foreignFlags(commands: readonly CompileCommand[]): Promise<string[]> {
  const flags = new Set(commands.flatMap(({ command }) => command.match(/ -f[\w-]+/g) ?? []));
  const trial = ['-fsyntax-only', '-x', 'c++', '/dev/null', ...[...flags].map((f) => f.trim())];
  try {
    await runCommand('clang++-14', trial);
    return [];
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const unknown = error.stderr.matchAll(/unknown argument:? '([^']+)'/g);
    return [...unknown].map(([, flag]) => flag ?? '');
  }
}

function optionsFor(file: string): string[] {
  // Flags of GCC that Clang does not know are no finding.
  const options = ['--quiet', '--extra-arg=-Wno-unknown-warning-option'];
  // These compile xxHash itself, once a target: what the analyzer says of it is its authors' business.
  if (/\/xxhash_\w+\.cc$/.test(file)) options.push('--checks=-clang-analyzer-*');
  return options;
}

/**
 * clang-tidy over the sources of library and addon, with the flags of the release build. It is slow, so a file that
 * passed is not looked at again until it, a header, the settings or its flags have changed.
 */
export async function checkClangTidy(build: NativeBuild): Promise<void> {
  await configureNative(build);
  const directory = cacheDirectory('builds', basename(build.tree), 'clang-tidy');
  const commands = commandsOf(build);
  if (commands.length === 0) throw new Error('the release build compiles no source of the library');
  const foreign = await foreignFlags(commands);
  const database = commands.map(({ command, file, directory }) => ({
    directory,
    file: join(packageRoot, file),
    command: command
      .split(' ')
      .filter((word) => !foreign.includes(word))
      .join(' '),
  }));
  writeFileSync(join(directory, 'compile_commands.json'), JSON.stringify(database));

  const headers = nativeFiles().filter((file) => /^native\/(src|addon|include)\/.*\.h$/.test(file));
  const shared = keyOf([build.compiler, contents('.clang-tidy'), ...headers.map(contents)]);
  const stampOf = ({ file, command }: CompileCommand) =>
    join(directory, `${basename(file)}-${keyOf([shared, command, contents(file)])}`);
  const waiting = commands.filter((command) => !existsSync(stampOf(command)));
  const detail = `${waiting.length} of ${commands.length} files; the others have not changed`;
  await step({ title: 'lint: clang-tidy', detail, log: 'clang-tidy' }, async ({ run, log }) => {
    const failed: string[] = [];
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
