// @ts-check
// What every npm script begins with: `node scripts/run.mjs NAME ...` installs the npm packages when they are not those
// of package-lock.json, compiles the TypeScript of lib, scripts and bench when it has changed, and runs
// scripts/main.ts. It needs nothing but Node 20.19, npm and flock(1), so it is JavaScript, and does by itself what
// others leave to lib/system.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(fileURLToPath(import.meta.url), '..', '..');
const modules = join(root, 'node_modules');
const stampFile = join(modules, '.fakedirty-installed');
const shelf = join(root, 'build', 'compiled');
const sources = ['lib', 'scripts', 'bench', 'test/harness'];
const settings = ['package-lock.json', 'tsconfig.json', 'tsconfig.scripts.json'];
/** A link to what was compiled last, for the tests. */
const latest = 'current';
const firstParent = process.ppid;
const signalExitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };
const parentPollMs = 500;
const msPerDay = 24 * 60 * 60 * 1000;

/** @param {unknown} parts */
function keyOf(parts) {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12);
}

/** @param {string} file */
function textOf(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

function wantedModules() {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  return keyOf([lock, process.version, process.platform, process.arch]);
}

/**
 * Waits for a child's end; its exit code, or null when it could not be run. The child ends with this process, and both
 * end when npm's shell does, which dies of a signal without passing it on.
 *
 * @param {import('node:child_process').ChildProcess} child
 * @returns {Promise<number | null>}
 */
async function ended(child) {
  const stop = () => child.kill();
  const isOrphaned = () => process.ppid !== firstParent;
  const poll = setInterval(() => isOrphaned() && stop(), parentPollMs);
  process.on('exit', stop);
  const leave = Object.entries(signalExitCodes).map(([signal, exitCode]) => {
    const exit = () => process.exit(exitCode);
    process.on(signal, exit);
    return () => process.off(signal, exit);
  });
  const code = await new Promise((resolveCode) => {
    child.once('error', (error) => {
      console.error(error.message);
      resolveCode(null);
    });
    child.once('close', resolveCode);
  });
  clearInterval(poll);
  process.off('exit', stop);
  for (const forget of leave) forget();
  if (isOrphaned()) process.exit(signalExitCodes.SIGTERM);
  return code;
}

/**
 * A command that is told of, and heard only if it fails.
 *
 * @param {string} title
 * @param {string} command
 * @param {readonly string[]} args
 */
async function work(title, command, args) {
  const sinceMs = performance.now();
  console.error(`setup: ${title} ...`);
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
  }
  const code = await ended(child);
  const took = `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;
  if (code !== 0) {
    console.error(`${said.trimEnd()}\nsetup: ${title}: FAILED after ${took}`);
    process.exit(1);
  }
  console.error(`setup: ${title}: done, ${took}`);
}

async function installModules() {
  const wanted = wantedModules();
  if (textOf(stampFile) === wanted) return;
  // No dependency needs an install script. npm 12 runs none; older versions are told to.
  const options = ['ci', '--ignore-scripts', '--include=dev', '--no-audit', '--no-fund'];
  const { npm_execpath: npm } = process.env;
  await (npm?.endsWith('.js')
    ? work('npm ci', process.execPath, [npm, ...options])
    : work('npm ci', 'npm', options));
  writeFileSync(stampFile, wanted);
}

/** The state of all that is compiled: the folder of what comes of it is named by it. */
function wantedCompilation() {
  const files = sources.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true }).map((name) => join(folder, String(name))),
  );
  const typescript = [...files, ...settings].filter((file) => /\.(ts|json)$/.test(file)).sort();
  const states = typescript.map((file) => {
    const { size, mtimeMs } = statSync(join(root, file));
    return [file, size, mtimeMs];
  });
  return keyOf([states, textOf(stampFile)]);
}

/** @param {string} name */
async function compile(name) {
  const directory = join(shelf, name);
  if (existsSync(directory)) return;
  const part = `${directory}.${process.pid}.part`;
  const tsc = join(modules, 'typescript', 'bin', 'tsc');
  // Types are for `npm run lint`: a mistake in one file must not keep the tests of all others from running.
  const options = ['--project', 'tsconfig.scripts.json', '--noCheck', '--outDir', part];
  await work('compiling', process.execPath, [tsc, ...options]);
  if (existsSync(directory)) rmSync(part, { recursive: true });
  else renameSync(part, directory);
}

/** @param {string} name */
function markLatest(name) {
  const part = join(shelf, `${latest}.${process.pid}.part`);
  symlinkSync(name, part);
  renameSync(part, join(shelf, latest));
}

/**
 * Removes what was compiled from earlier states, unless a run may still be using it.
 *
 * @param {string} current
 */
function removeOldCompilations(current) {
  for (const name of readdirSync(shelf)) {
    const directory = join(shelf, name);
    const usedMs = statSync(directory, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (name !== current && name !== latest && Date.now() - usedMs > msPerDay) {
      rmSync(directory, { recursive: true, force: true });
    }
  }
}

/** Sets up, one run at a time: flock(1) runs this file again while it holds the lock. What was compiled is returned. */
async function setUp() {
  if (textOf(stampFile) !== wantedModules() || !existsSync(join(shelf, wantedCompilation()))) {
    const self = fileURLToPath(import.meta.url);
    const again = [self, process.execPath, self, '--set-up'];
    const code = await ended(spawn('flock', again, { stdio: 'inherit' }));
    if (code !== 0) process.exit(1);
  }
  return wantedCompilation();
}

if (process.argv[2] === '--set-up') {
  await installModules();
  await compile(wantedCompilation());
} else {
  const name = await setUp();
  const now = new Date();
  utimesSync(join(shelf, name), now, now);
  markLatest(name);
  removeOldCompilations(name);
  // As npm does; files are named as seen from INIT_CWD.
  process.chdir(root);
  await import(join(shelf, name, 'scripts', 'main.js'));
}
