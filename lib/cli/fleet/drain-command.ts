// `fakedirty drain`: moves every VM off a host.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { DrainProgress } from '../../fleet/drain-progress.js';
import type { MoveDriver, MoveProgress } from '../../fleet/drivers/driver.js';
import { driverFor } from '../../fleet/drivers/driver-for.js';
import { FleetStateError, PreflightError } from '../../fleet/errors.js';
import type { EntryOf, FleetEntry } from '../../fleet/journal/entries.js';
import type { TakenFolder } from '../../fleet/journal/site-folder.js';
import type { FleetState } from '../../fleet/journal/state.js';
import {
  completePlan,
  type DrainOptions,
  measureVms,
  preflight,
  remarks,
} from '../../fleet/run/before-drain.js';
import { type DrainEnd, drain } from '../../fleet/run/drain.js';
import { tellLive } from '../../fleet/status.js';
import { LiveBlock } from '../../format/live-block.js';
import { StatusLine } from '../../format/status-line.js';
import { bytesText, waitText } from '../../format/text.js';
import { parsePolicies } from '../../policy/named.js';
import { safeHashes } from '../../qmp/schema/fake-dirty.js';
import type { Move, MoveMethod } from '../../site/move.js';
import { withoutInfinity } from '../../site/range.js';
import type { Site } from '../../site/site.js';
import type { Chooser } from '../../strategy/method/choice.js';
import { type ChoosingFlags, chooseOption, choosingNeeds, goalOption } from '../choosing.js';
import { exitCodes } from '../exit-codes.js';
import { methodOption, onDisconnectOption } from '../migration-options.js';
import {
  byteCount,
  each,
  milliseconds,
  oneOf,
  positiveInteger,
  wholeSeconds,
} from '../option-values.js';
import { outputOptions } from '../output-options.js';
import { cancelAtSignal, type OnDisconnect } from '../session.js';
import { refuseWithoutEffect } from '../without-effect.js';
import { comparisonText, drainLines, entryText, planText } from './fleet-text.js';
import {
  addSiteOptions,
  checkHost,
  type FoundSite,
  findSite,
  type SiteFlags,
} from './site-option.js';

/** The length of one of the measurements of each VM whose method is chosen. */
const usualMeasureSeconds = 2;

interface DrainFlags extends SiteFlags {
  readonly dryRun: boolean;
  readonly by?: number;
  readonly method: MoveMethod['name'] | 'auto';
  readonly choose: Chooser;
  readonly goal: ChoosingFlags['goal'];
  readonly hash: (typeof safeHashes)[number];
  readonly filter: boolean;
  readonly policy: string[];
  readonly downtime?: number;
  readonly bandwidth?: number;
  readonly stopAfter: number;
  readonly stall: number;
  readonly canary?: number;
  readonly leave: string[];
  readonly measure?: number;
  readonly onDisconnect: OnDisconnect;
}

/** The next time that a clock shows that: today, or tomorrow. */
function timeOfDay(text: string): number {
  const [, hours, minutes] = /^(\d{1,2}):(\d{2})$/.exec(text) ?? [];
  const isTime = hours !== undefined && Number(hours) < 24 && Number(minutes) < 60;
  if (!isTime) throw new InvalidArgumentError('Expected a time of day, such as 18:00.');
  const at = new Date();
  at.setHours(Number(hours), Number(minutes), 0, 0);
  if (at.getTime() <= Date.now()) at.setDate(at.getDate() + 1);
  return at.getTime();
}

function methodOf(flags: DrainFlags): MoveMethod {
  const { method, hash, filter, policy, downtime, bandwidth } = flags;
  // What is wrong with a policy is told before anything is looked at.
  if (policy.length > 0) parsePolicies(policy);
  return {
    // What is chosen is chosen for VMs that can be measured: of others nothing is known.
    name: method === 'auto' ? 'pre-copy' : method,
    ...(filter ? { hash } : {}),
    policy,
    ...(downtime === undefined ? {} : { downtimeLimitMs: downtime }),
    ...(bandwidth === undefined ? {} : { bytesPerSecond: bandwidth }),
  };
}

/** Shows what a drain does: lines that stay, and on a terminal a table below them that is rewritten. */
class DrainDisplay {
  readonly #block = new LiveBlock(process.stdout);
  /** Where it can't be rewritten, a line now and then. */
  readonly #line = new StatusLine(process.stdout, { elsewhereEveryMs: 5000 });
  readonly #names = new Map<string, string>();
  readonly #taken: TakenFolder;
  #progress: DrainProgress | undefined;
  #isSilent = false;

  constructor(taken: TakenFolder) {
    this.#taken = taken;
    for (const entry of taken.entries) this.#remember(entry);
  }

  note(text: string): void {
    if (this.#isSilent) return;
    const { json, quiet } = outputOptions();
    if (json) process.stderr.write(`${text}\n`);
    else if (!quiet) this.#block.print(text);
  }

  /** Nobody sees it any more. */
  silence(): void {
    this.#block.silence();
    this.#line.silence();
    this.#isSilent = true;
  }

  #remember(entry: FleetEntry): void {
    if (entry.type === 'attempt') this.#names.set(entry.attempt, entry.move.vm);
  }

  readonly entry = (entry: FleetEntry): void => {
    this.#remember(entry);
    if (this.#isSilent) return;
    const { json, quiet } = outputOptions();
    if (json) {
      process.stdout.write(`${JSON.stringify(entry, withoutInfinity)}\n`);
      return;
    }
    if (quiet && entry.type !== 'drained' && entry.type !== 'asked') return;
    const text = entryText(entry, (attempt) => this.#names.get(attempt) ?? attempt);
    if (text !== undefined) this.#block.print(text);
  };

  readonly progress = (move: Move, progress: MoveProgress | undefined): void => {
    const { drain: running } = this.#taken.state;
    const moves = running?.plan?.moves;
    if (!moves) return;
    this.#progress ??= new DrainProgress(moves, performance.now());
    const ended = running.ended.length;
    const sent = progress?.sentBytes ?? 0;
    const { percent, leftMs } = this.#progress.position(ended, sent, performance.now());
    const live = {
      atMs: Date.now(),
      vm: move.vm,
      percent,
      ...(leftMs === undefined ? {} : { leftMs }),
      ...(progress ? { sentBytes: sent, passes: progress.passes, status: progress.status } : {}),
    };
    tellLive(this.#taken.folder, live);
    const { json, quiet } = outputOptions();
    if (json || quiet) return;
    if (this.#block.isLive) {
      this.#block.show(drainLines(this.#taken.state, live));
      return;
    }
    const left = leftMs === undefined ? '' : `, ${waitText(leftMs)} left`;
    const how = progress ? `: ${bytesText(sent)} sent, pass ${progress.passes + 1}` : '';
    this.#line.show(`${ended + 1}/${moves.length}, ${percent} %${left}  ${move.vm}${how}`);
  };

  /** What was predicted, and what happened. */
  compare(moves: readonly Move[], ended: readonly EntryOf<'ended'>[]): void {
    const { json, quiet } = outputOptions();
    const text = comparisonText(moves, ended);
    if (text !== undefined && !json && !quiet) this.#block.print(text.trimEnd());
    else this.#block.clear();
  }
}

const endCodes: Readonly<Record<DrainEnd, number>> = {
  drained: exitCodes.ok,
  cancelled: exitCodes.cancelled,
  stopped: exitCodes['migration-failed'],
  asked: exitCodes['guest-unknown'],
};

/** Said where it is so: nobody should have to find out by themselves. */
function clearText({ hosts }: Site): string | undefined {
  const without = Object.entries(hosts).filter(([, { tls }]) => tls === undefined);
  if (without.length === 0) return undefined;
  const names = without.map(([name]) => name).join(', ');
  return `Guests travel in the clear: no certificates (tls) are given for ${names}.`;
}

/** The same with what was measured, if that was asked for. */
async function measured(
  options: DrainOptions,
  state: FleetState,
  driver: MoveDriver,
  flags: DrainFlags,
): Promise<DrainOptions> {
  const { method, measure: seconds = method === 'auto' ? usualMeasureSeconds : undefined } = flags;
  if (seconds === undefined) return options;
  const onTrouble = (text: string) => void process.stderr.write(`${text}\n`);
  const measurements = await measureVms(options, state, driver, { seconds, onTrouble });
  return { ...options, measurements };
}

async function dryRun(
  options: DrainOptions,
  { folder, site }: FoundSite,
  flags: DrainFlags,
): Promise<void> {
  const state = folder.state();
  const driver = driverFor(site, folder.migrations);
  const withFigures = await measured(options, state, driver, flags);
  const planned = await completePlan(withFigures, state, driver);
  const problems = await preflight(options, state, planned, driver);
  if (outputOptions().json) {
    console.log(JSON.stringify({ ...planned, problems }, withoutInfinity));
    if (problems.length > 0) process.exitCode = exitCodes.refused;
    return;
  }
  process.stdout.write(planText(planned));
  const clear = clearText(site);
  if (clear !== undefined) console.log(clear);
  if (problems.length === 0) {
    for (const text of await remarks(options, state, planned, driver)) console.log(text);
  }
  if (problems.length > 0) throw new PreflightError(problems);
}

/** libvirt does not know the filter: what a domain's description says of it holds. */
function refuseFilterOptions({ hosts }: Site, host: string, command: Command): void {
  if (hosts[host]?.driver !== 'libvirt') return;
  const names = { hash: '--hash', filter: '--no-filter' };
  for (const [name, flag] of Object.entries(names)) {
    if (command.getOptionValueSource(name) !== 'cli') continue;
    throw new FleetStateError(
      `${flag} has no effect with libvirt: the description of each domain says it (migration.x-fake-dirty-filter, migration.x-fake-dirty-hash).`,
    );
  }
}

async function run(host: string, flags: DrainFlags, command: Command): Promise<void> {
  const found = findSite(flags);
  const { site, folder } = found;
  checkHost(site, host);
  refuseFilterOptions(site, host, command);
  const options: DrainOptions = {
    site,
    host,
    method: methodOf(flags),
    ...(flags.method === 'auto' ? { choose: { by: flags.choose, goal: flags.goal } } : {}),
    stopAfterFailures: flags.stopAfter,
    byMs: flags.by,
    stallMs: flags.stall,
    canary: flags.canary,
    leave: flags.leave,
    measurements: new Map(),
  };
  if (flags.dryRun) return await dryRun(options, found, flags);
  await using taken = await folder.take(flags.site, `drain ${host}`);
  const display = new DrainDisplay(taken);
  taken.onEntry = display.entry;
  using interrupt = cancelAtSignal(display, flags.onDisconnect, {
    cancelling: 'cancelling, and the VM that is being moved stays',
    abandoned: 'Exiting now. The migration goes on; the same command goes on with the drain.',
  });
  const before = taken.entries.length;
  const clear = clearText(site);
  if (clear !== undefined) display.note(clear);
  const driver = driverFor(site, folder.migrations);
  const withFigures = taken.state.drain
    ? options
    : await measured(options, taken.state, driver, flags);
  const outcome = await drain(withFigures, {
    taken,
    driver,
    signal: interrupt.signal,
    onProgress: display.progress,
    onTrouble: (text) => display.note(text),
  });
  const entries = taken.entries.slice(before);
  const ended = entries.filter((entry) => entry.type === 'ended');
  const attempts = entries.filter((entry) => entry.type === 'attempt');
  display.compare(
    ended.flatMap(({ attempt }) => attempts.find((each) => each.attempt === attempt)?.move ?? []),
    ended,
  );
  const isLost = ended.some((each) => each.outcome === 'lost');
  process.exitCode = isLost
    ? exitCodes['guest-lost']
    : interrupt.signal.aborted
      ? exitCodes.interrupted
      : endCodes[outcome];
}

export function addDrain(program: Command): void {
  refuseWithoutEffect(addSiteOptions(program.command('drain')), choosingNeeds)
    .description('Moves every VM off a host, one at a time, and keeps others from coming.')
    .argument('<host>', 'the host to drain')
    .option('--dry-run', 'say what would be done, and what is in the way; change nothing', false)
    .option('--by <time>', 'begin no move that would not end by then, such as 18:00', timeOfDay)
    .addOption(methodOption('how VMs are moved; auto measures each first, and chooses', ['auto']))
    .addOption(chooseOption())
    .addOption(goalOption())
    .addOption(
      oneOf(
        new Option('--hash <name>', 'the fingerprint algorithm that finds fake dirty pages'),
        safeHashes,
      ).default('ph128'),
    )
    .option('--no-filter', 'send fake dirty pages like all others')
    .option('--policy <policy>', 'when to stop, switch or give up, as for "migrate"', each, [])
    .option('--downtime <time>', 'the downtime limit, such as 300ms or 0.5s', milliseconds)
    .option(
      '--bandwidth <rate>',
      'what a move may take of the link a second, such as 1Gbit or 100M (bytes)',
      byteCount,
    )
    .addOption(
      new Option('--stall <time>', 'give a move up that sends nothing for so long')
        .argParser(milliseconds)
        .default(10_000, '10s'),
    )
    .option(
      '--measure <time>',
      'measure how the VMs write first, for about four times so long each: predictions say more then',
      wholeSeconds,
    )
    .option('--leave <vm>', 'a VM that is to stay (repeatable)', each, [])
    .option('--canary <n>', 'after so many moves wait for "fakedirty resume"', positiveInteger)
    .addOption(onDisconnectOption())
    .option('--stop-after <n>', 'stop when so many moves have failed', positiveInteger, 1)
    .addHelpText(
      'after',
      `
First it looks at all VMs and lists everything that is in the way; nothing has been changed then. Each step is
written to a journal before it is made. If the command is killed, the same command goes on: it looks where each guest
is, and adopts what runs. A guest is started only where that is sure to be right; where it can't be known, the
command asks a person ("fakedirty settle"). Ctrl-C cancels the drain: the VM that is being moved stays where
it is. A host that was drained takes no VMs until "fakedirty uncordon".

Examples:
  fakedirty drain h1 --site site.yaml --dry-run
  fakedirty drain h1 --site site.yaml --by 18:00 --bandwidth 5Gbit`,
    )
    .action((host: string, flags: DrainFlags, command: Command) => run(host, flags, command));
}
