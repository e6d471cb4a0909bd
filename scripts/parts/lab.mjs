// An experiment of the lab, from nothing: packages, npm packages, the QEMU with the series, then the runs.
import { existsSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { removeUnused, repository } from '../run/cache.mjs';
import { runChild } from '../run/children.mjs';
import { ensureNodeModules } from '../setup/node-modules.mjs';
import { ensureSystemPackages, packagesFor } from '../setup/system-packages.mjs';
import { buildTypescriptIfStale } from './typescript.mjs';

const main = join(repository, 'dist', 'cli', 'main.js');

async function fakedirty(...args) {
  const { exitCode, signal } = await runChild(process.execPath, [main, ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (signal) throw new Error(`"fakedirty ${args.slice(0, 2).join(' ')}" was ended by ${signal}`);
  return exitCode;
}

/** Results that have become a report stay, under the time of that report. */
function setAside(results) {
  const report = statSync(join(results, 'index.html'), { throwIfNoEntry: false });
  if (!report) return;
  const when = report.mtime.toISOString().slice(0, 19).replaceAll(':', '-');
  const aside = `${results}-${when}`;
  if (existsSync(aside)) return;
  renameSync(results, aside);
  console.log(`the results of the last time are in ${aside}`);
}

/** Answers the exit code. One that was interrupted goes on where it was. */
export async function runExperiment({ file, results, version, options }) {
  removeUnused();
  await ensureSystemPackages([...packagesFor.qemu, ...packagesFor.lab]);
  await ensureNodeModules();
  await buildTypescriptIfStale();
  const built = await fakedirty('qemu', 'build', '--version', version);
  if (built !== 0) return built;
  setAside(results);
  return fakedirty('lab', 'run', file, '--out', results, '--version', version, ...options);
}
