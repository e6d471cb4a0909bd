// `fakedirty migrate`: migrates a running VM, and shows how it goes.
import { type Command, Option } from 'commander';
import { migrate } from '../migration/migrate.js';
import { type MigrateOptions, parseMigrateOptions } from '../migration/options.js';
import { parsePolicies, policiesHelp } from '../policy/named.js';
import type { QmpClient } from '../qmp/client.js';
import { fakeDirtyHashes } from '../qmp/schema/fake-dirty.js';
import { isSameAddress, type QmpAddress } from '../qmp/transport.js';
import type { MoveMethod } from '../site/move.js';
import type { Chooser } from '../strategy/method/choice.js';
import {
  type ChoosingFlags,
  chooseFor,
  chooseOption,
  choosingNeeds,
  chosenText,
  goalOption,
  isAuto,
  linkOption,
} from './choosing.js';
import { type Display, displayFor } from './display.js';
import { methodOption, onDisconnectOption } from './migration-options.js';
import {
  byteCount,
  each,
  migrationUri,
  milliseconds,
  oneOf,
  onOrOff,
  parameter,
  positiveInteger,
  qmpAddress,
  wholeNumber,
  wholePercent,
} from './option-values.js';
import { RecordingFile } from './recording-file.js';
import {
  cancelAtSignal,
  connect,
  end,
  keepJournal,
  type OnDisconnect,
  shownOn,
  warnOfAbandoned,
} from './session.js';
import { type Need, needs, quietOrVerbose, refuseWithoutEffect } from './without-effect.js';

/** The length of one of the measurements before a method is chosen. */
const measuredSeconds = 2;

interface MigrateFlags extends ChoosingFlags {
  qmp: QmpAddress;
  to?: string;
  toQmp?: QmpAddress;
  listen?: string;
  method: MoveMethod['name'] | 'auto';
  choose: Chooser;
  hash?: (typeof fakeDirtyHashes)[number];
  acceptUnsafeHash: boolean;
  verify: boolean;
  filterMaxMemory?: number;
  filterMaxCpu?: number;
  sampling: boolean;
  withoutFilter: 'refuse' | 'leave-out';
  xbzrle?: number | true;
  multifd?: number | true;
  multifdCompression?: 'none' | 'zlib' | 'zstd';
  multifdLevel?: number;
  autoConverge: boolean;
  bandwidth?: number;
  postcopyBandwidth?: number;
  downtime?: number;
  capability: Record<string, boolean>;
  parameter: Record<string, string | number | boolean>;
  policy: string[];
  onPolicyFailure: 'cancel' | 'go-on';
  onDisconnect: OnDisconnect;
  journal?: string | false;
  record?: string;
  force: boolean;
  json: boolean;
}

function methodOptions(flags: MigrateFlags): Omit<MigrateOptions, 'to'> {
  const { hash, xbzrle, multifd, multifdCompression, multifdLevel, policy } = flags;
  const { bandwidth, postcopyBandwidth, downtime, filterMaxMemory, filterMaxCpu } = flags;
  const options: Omit<MigrateOptions, 'to'> = {
    // What is wrong with the rest is the same with each.
    method: flags.method === 'auto' ? 'pre-copy' : flags.method,
    ...(hash
      ? {
          filter: {
            hash,
            acceptUnsafeHash: flags.acceptUnsafeHash,
            verify: flags.verify,
            ...(filterMaxMemory === undefined ? {} : { maxMemoryBytes: filterMaxMemory }),
            ...(filterMaxCpu === undefined ? {} : { maxCpuPercent: filterMaxCpu }),
            ...(flags.sampling ? {} : { sampling: false }),
            ifMissing: flags.withoutFilter,
          },
        }
      : {}),
    ...(xbzrle === undefined ? {} : { xbzrle: xbzrle === true ? {} : { cacheBytes: xbzrle } }),
    ...(multifd === undefined
      ? {}
      : {
          multifd: {
            ...(multifd === true ? {} : { channels: multifd }),
            ...(multifdCompression ? { compression: multifdCompression } : {}),
            ...(multifdLevel === undefined ? {} : { level: multifdLevel }),
          },
        }),
    ...(flags.autoConverge ? { autoConverge: {} } : {}),
    ...(bandwidth === undefined ? {} : { bandwidthBytesPerSecond: bandwidth }),
    ...(postcopyBandwidth === undefined
      ? {}
      : { postcopyBandwidthBytesPerSecond: postcopyBandwidth }),
    ...(downtime === undefined ? {} : { downtimeLimitMs: downtime }),
    capabilities: flags.capability,
    parameters: flags.parameter,
    ...(policy.length > 0 ? { policy: parsePolicies(policy) } : {}),
    onPolicyFailure: flags.onPolicyFailure,
  };
  // What is wrong whatever the QEMUs say is told before they are asked. Both places have been checked as flags.
  parseMigrateOptions({ ...options, to: flags.to ?? 'unix:/checked' });
  return options;
}

async function run(flags: MigrateFlags, command: Command): Promise<void> {
  // Neither --journal nor --no-journal: the usual folder.
  const { qmp, to, toQmp, listen, record, force, journal: where = true } = flags;
  if ((to === undefined) === (toQmp === undefined || listen === undefined)) {
    command.error('error: give either --to URI, or --to-qmp and --listen', { exitCode: 2 });
  }
  if (toQmp !== undefined && isSameAddress(qmp, toQmp)) {
    command.error(
      'error: --qmp and --to-qmp are the same QMP; name the source and the destination',
      {
        exitCode: 2,
      },
    );
  }
  methodOptions(flags);
  const display = displayFor(process.stdout, flags.json);
  if (where !== false) warnOfAbandoned(where, qmp);
  await using source = await connect(qmp);
  await using destination = toQmp === undefined ? undefined : await connect(toQmp);
  using file = record === undefined ? undefined : new RecordingFile(record, { force });
  using interrupt = cancelAtSignal(display, flags.onDisconnect);
  const chosen = await chosenFlags(flags, source, display, interrupt.signal);
  using journal = keepJournal(where, chosen.policy);
  const result = await migrate(source, {
    ...methodOptions(chosen),
    to: destination ? { qmp: destination, listen: listen ?? '' } : (to ?? ''),
    signal: interrupt.signal,
    journal: journal.options,
    ...shownOn(display, file),
  });
  end(result, display, file, interrupt.signal.aborted);
}

/** The flags as if its user had given what was chosen. */
async function chosenFlags(
  flags: MigrateFlags,
  source: QmpClient,
  display: Display,
  signal: AbortSignal,
): Promise<MigrateFlags> {
  if (flags.method !== 'auto') return flags;
  display.note(`Measuring how the VM writes, for about ${measuredSeconds * 4} s.`);
  const choosing = chooseFor(source, { ...flags, seconds: measuredSeconds, signal });
  const chosen = await choosing.catch((error: unknown) => {
    if (signal.aborted) return undefined;
    throw error;
  });
  // It does not begin then.
  if (!chosen) return { ...flags, method: 'pre-copy' };
  display.note(chosenText(chosen));
  const { name: method, policy } = chosen.method;
  const { hash = chosen.options.filter?.hash } = flags;
  return { ...flags, method, policy: [...policy], ...(hash === undefined ? {} : { hash }) };
}

/** Options that have no effect by themselves. */
const idleAlone: readonly Need[] = [
  quietOrVerbose,
  ...choosingNeeds,
  {
    option: '--link',
    needs: '--method auto',
    isMet: isAuto,
    problem:
      '--link says how fast the link is, and has no effect without --method auto; a limit is --bandwidth',
  },
  needs('--accept-unsafe-hash', '--hash'),
  needs('--verify', '--hash'),
  needs('--filter-max-memory', '--hash'),
  needs('--filter-max-cpu', '--hash'),
  needs('--no-sampling', '--hash'),
  needs('--without-filter', '--hash'),
  needs('--multifd-compression', '--multifd'),
  needs('--multifd-level', '--multifd'),
  {
    option: '--multifd-level',
    needs: '--multifd-compression zlib or zstd',
    isMet: ({ multifdCompression: how }) => how === 'zlib' || how === 'zstd',
  },
  { option: '--force', needs: '--record', isMet: ({ record }) => record !== undefined },
  {
    option: '--on-policy-failure',
    needs: '--policy',
    isMet: ({ policy }) => (policy as readonly string[]).length > 0,
  },
  needs('--listen', '--to-qmp'),
  needs('--to-qmp', '--listen'),
  {
    option: '--postcopy-bandwidth',
    needs: '--method post-copy or hybrid',
    isMet: ({ method, capability }) =>
      method !== 'pre-copy' || (capability as MigrateFlags['capability'])['postcopy-ram'] === true,
  },
  {
    option: '--policy',
    needs: '--method pre-copy or hybrid',
    isMet: ({ method }) => method !== 'post-copy',
  },
  {
    option: '--auto-converge',
    needs: '--method pre-copy or hybrid',
    isMet: ({ method }) => method !== 'post-copy',
  },
];

export function addMigrate(program: Command): void {
  const command = program.command('migrate');
  refuseWithoutEffect(command, idleAlone)
    .description('Migrates a running VM, shows every pass, and does what a policy decides.')
    .requiredOption(
      '--qmp <address>',
      "the source's QMP: a UNIX socket, or tcp:HOST:PORT",
      qmpAddress,
    )
    .option(
      '--to <uri>',
      'where a destination listens, as QEMU takes it: tcp:HOST:PORT, unix:PATH',
      migrationUri('connect'),
    )
    .option('--to-qmp <address>', "the destination's QMP, started with -incoming defer", qmpAddress)
    .option(
      '--listen <uri>',
      'with --to-qmp: where the destination listens; with port 0 it chooses one',
      migrationUri('listen'),
    )
    .addOption(
      methodOption(
        'hybrid begins as pre-copy and goes on as post-copy; auto measures the VM first, and chooses',
        ['auto'],
      ),
    )
    .addOption(chooseOption())
    .addOption(linkOption())
    .addOption(goalOption())
    .addOption(
      oneOf(
        new Option('--hash <name>', 'skip fake dirty pages, found by this fingerprint algorithm'),
        fakeDirtyHashes,
      ),
    )
    .option(
      '--accept-unsafe-hash',
      'accept a hash other than ph128 and sha256, with which the destination can get wrong pages',
      false,
    )
    .option('--verify', 'compare each skipped page with a full copy', false)
    .option(
      '--filter-max-memory <size>',
      'what the filter may take for fingerprints and copies, such as 512M; 0: no limit',
      byteCount,
    )
    .option(
      '--filter-max-cpu <percent>',
      "all of the filter's threads together, in percent of one core, such as 50%; 0: no limit",
      wholePercent,
    )
    .option('--no-sampling', 'look at every page, which counts unchanged pages exactly')
    .addOption(
      oneOf(new Option('--without-filter <what>', 'what to do on a QEMU without the filter'), [
        'refuse',
        'leave-out',
      ]).default('refuse'),
    )
    .option('--xbzrle [cache]', 'send differences of pages, with a cache of this size', byteCount)
    .option('--multifd [channels]', 'use several connections', positiveInteger)
    .addOption(
      oneOf(new Option('--multifd-compression <how>', 'compress pages on these connections'), [
        'none',
        'zlib',
        'zstd',
      ]),
    )
    .option('--multifd-level <level>', 'level of the compression', wholeNumber)
    .option('--auto-converge', 'slow the guest down when it writes too fast', false)
    .option(
      '--bandwidth <rate>',
      'bandwidth limit a second, such as 1Gbit or 100M (bytes); 0: none',
      byteCount,
    )
    .option('--postcopy-bandwidth <rate>', 'bandwidth limit in post-copy', byteCount)
    .option('--downtime <time>', 'the downtime limit, such as 300ms or 0.5s', milliseconds)
    .option(
      '--capability <name=on|off>',
      'turn any other capability of QEMU on or off',
      onOrOff,
      {},
    )
    .option(
      '--parameter <name=value>',
      'set any other parameter of QEMU, such as max-postcopy-bandwidth=8M',
      parameter,
      {},
    )
    .option(
      '--policy <policy>',
      'when to stop, switch or give up (below); several in order',
      each,
      [],
    )
    .addOption(
      oneOf(new Option('--on-policy-failure <what>', 'when the policy itself goes wrong'), [
        'cancel',
        'go-on',
      ]).default('cancel'),
    )
    .addOption(onDisconnectOption())
    .option(
      '--journal <folder>',
      'where the journal is kept; default: ~/.local/state/fakedirty/journals',
    )
    .option('--no-journal', 'keep none: if this process is killed, nobody can take over')
    .option('--record <file>', 'write a recording, for "fakedirty replay"')
    .option('--force', 'let --record replace a file', false)
    .option('--json', 'print JSON Lines: the entries of a recording, without samples', false)
    .addHelpText(
      'after',
      `${policiesHelp}

It first checks that both QEMUs support everything that was asked for, and lists all that they don't; nothing
has been changed then. Settings that it changed are put back at the end. Ctrl-C cancels the migration: the
guest goes on running at the source, unless post-copy has begun. So do SIGTERM, SIGHUP (a lost terminal) and a
reader of the output that is gone, unless --on-disconnect is "finish": then it goes on without output. A journal is
kept, so that "fakedirty watch --take-over" can go on with the migration should this process be killed outright.

Examples:
  fakedirty migrate --qmp /run/vm.qmp --to tcp:host2:4444 --hash ph128 --bandwidth 1Gbit
  fakedirty migrate --qmp a.qmp --to-qmp b.qmp --listen unix:/run/m.sock --method hybrid \\
    --hash ph128 --policy fake-aware:downtime=300ms --policy give-up:after=5min --record m.jsonl`,
    )
    .action((flags: MigrateFlags, command: Command) => run(flags, command));
}
