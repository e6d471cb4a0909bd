// Fuzzing: every target of the ASan build at once, on corpora that grow from run to run.
import { closeSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from '../run/cache.mjs';
import { runChild } from '../run/children.mjs';
import { UsageError } from '../run/command-line.mjs';
import { logFile, printTail, step } from '../run/step.mjs';
import { oneFailure, onePass, Tally } from './tally.mjs';

/** FAKEDIRTY_FUZZ_SECONDS; read before anything is built, so that a mistake costs no time. */
export function fuzzSeconds() {
  const text = process.env.FAKEDIRTY_FUZZ_SECONDS ?? '60';
  if (/^\d{1,7}$/.test(text)) return Number(text);
  throw new UsageError(
    `FAKEDIRTY_FUZZ_SECONDS is '${text}'; expected a whole number of seconds (0 skips fuzzing)`,
  );
}

function targetsOf(build) {
  const directory = join(build.directory, 'fuzz');
  const isProgram = (name) => {
    const status = statSync(join(directory, name));
    return name.startsWith('fuzz_') && status.isFile() && (status.mode & 0o111) !== 0;
  };
  const entries = statSync(directory, { throwIfNoEntry: false }) ? readdirSync(directory) : [];
  const targets = entries.filter(isProgram);
  if (targets.length === 0) throw new Error(`there is no fuzz target in ${directory}`);
  return targets.map((name) => ({ name, program: join(directory, name) }));
}

async function fuzz({ name, program }, build, seconds) {
  const corpus = cacheDirectory('corpora', name);
  const crashes = cacheDirectory('crashes', name);
  const log = logFile(name);
  const descriptor = openSync(log, 'a');
  const [command, args] = build.commandLine(
    program,
    `-max_total_time=${seconds}`,
    `-artifact_prefix=${crashes}/`,
    '-print_final_stats=1',
    '-timeout=60',
    corpus,
    // Old crashes first: what is still broken shows at once.
    crashes,
  );
  const stdio = ['ignore', descriptor, descriptor];
  const { exitCode, signal } = await runChild(command, args, { env: build.env, stdio });
  closeSync(descriptor);
  if (exitCode === 0) return onePass(name);
  printTail(log);
  const output = readFileSync(log, 'utf8');
  const reproducer = /Test unit written to (\S+)/.exec(output)?.[1];
  const kept = readdirSync(crashes).map((file) => join(crashes, file));
  return oneFailure(
    name,
    reproducer
      ? `crashed; reproduce with: ${program} ${reproducer}`
      : `ended with ${signal ?? `exit code ${exitCode}`}; kept reproducers: ${kept.join(' ') || 'none'}`,
  );
}

export function fuzzNative(build, seconds) {
  return step(
    { title: 'fuzz: running all targets', detail: `${seconds} s`, log: 'fuzz' },
    async () => {
      const tally = new Tally();
      const targets = targetsOf(build);
      if (seconds === 0) {
        const reason = 'FAKEDIRTY_FUZZ_SECONDS is 0';
        for (const { name } of targets) tally.add({ name, outcome: 'skipped', reason });
        return tally;
      }
      const results = targets.map((target) => fuzz(target, build, seconds));
      for (const result of await Promise.all(results)) tally.add(result);
      return tally;
    },
  );
}
