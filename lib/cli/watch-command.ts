// `fakedirty watch`: shows a migration that somebody else has started or will start, and takes over one of ours whose
// process was killed.
import { type Command, Option } from 'commander';
import { JournalError } from '../migration/journal.js';
import { type FoundJournal, JournalDirectory } from '../migration/journal-directory.js';
import { takeOver } from '../migration/take-over.js';
import { watchMigration } from '../migration/watch.js';
import { parsePolicies } from '../policy/named.js';
import type { QmpClient } from '../qmp/client.js';
import { parseAddress } from '../qmp/transport.js';
import { isAlive } from '../system/owner.js';
import { type Display, displayFor } from './display.js';
import { exitCodes } from './exit-codes.js';
import { oneOf } from './option-values.js';
import { RecordingFile } from './recording-file.js';
import {
  cancelAtSignal,
  connect,
  end,
  interruptible,
  type OnDisconnect,
  onDisconnectChoices,
  shownOn,
} from './session.js';
import {
  addSourceOptions,
  connectToSource,
  type SourceFlags,
  sourceNeeds,
} from './source-option.js';
import { needs, quietOrVerbose, refuseWithoutEffect, replacedBy } from './without-effect.js';

interface WatchFlags extends SourceFlags {
  /** True, or the path of a journal. */
  takeOver?: true | string;
  journal?: string;
  onDisconnect: OnDisconnect;
  record?: string;
  force: boolean;
  json: boolean;
}

async function watch(flags: WatchFlags, display: Display): Promise<void> {
  const { record, force } = flags;
  await using client = await connectToSource(flags);
  using file = record === undefined ? undefined : new RecordingFile(record, { force });
  using interrupt = interruptible(
    display,
    'No longer watching. A migration that runs goes on.',
    '',
  );
  try {
    display.note('Waiting for a migration.');
    const shown = shownOn(display, file);
    end(await watchMigration(client, { signal: interrupt.signal, ...shown }), display, file, false);
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    process.exitCode = exitCodes.interrupted;
  }
}

const maxListed = 10;

/** A journal as a user picks it: by the QMP and the time. */
function listed({ path, journal: { begin, controller, end } }: FoundJournal): string {
  const from = begin.source.qmp === undefined ? '' : ` from ${begin.source.qmp}`;
  const isControlled = !end && isAlive(controller) === true;
  const by = isControlled ? `, controlled by process ${controller.pid}` : '';
  return `  ${path}: begun at ${new Date(begin.atMs).toISOString()}${from} to ${begin.destination.uri}${by}`;
}

/** The journal to go on with: the one that was named, or that of this QEMU. */
async function findJournal(
  directory: JournalDirectory,
  source: QmpClient,
  named: string | undefined,
): Promise<FoundJournal> {
  const found =
    named === undefined ? await directory.unendedOf(source) : JournalDirectory.read(named);
  if (found) return found;
  const open = directory.open();
  const problem = `${directory.path} has no journal of an unfinished migration from ${source.address}.`;
  if (open.length === 0) throw new JournalError(problem);
  const more = open.length > maxListed ? [`  and ${open.length - maxListed} older ones`] : [];
  const hint =
    'If this QEMU had another address, name its journal with --take-over FILE. There are:';
  const list = [...open.slice(0, maxListed).map(listed), ...more];
  throw new JournalError([`${problem} ${hint}`, ...list].join('\n'));
}

/** What it has begun is ended: the same policy, the same settings to put back. */
async function goOn(flags: WatchFlags, display: Display): Promise<void> {
  const { record, force, onDisconnect } = flags;
  const directory = new JournalDirectory(flags.journal);
  await using source = await connectToSource(flags);
  const named = typeof flags.takeOver === 'string' ? flags.takeOver : undefined;
  const found = await findJournal(directory, source, named);
  const { destination, policy = [] } = found.journal.begin;
  await using target =
    destination.qmp === undefined ? undefined : await connect(parseAddress(destination.qmp));
  using file = record === undefined ? undefined : new RecordingFile(record, { force });
  using journal = directory.goOn(found);
  using interrupt = cancelAtSignal(display, onDisconnect);
  const migration = await takeOver(source, found.journal, {
    destination: target,
    write: journal.write,
    ...(policy.length > 0 ? { policy: parsePolicies(policy) } : {}),
    signal: interrupt.signal,
    ...shownOn(display, file),
  });
  display.note(`Taken over, as ${found.path} has it.`);
  end(await migration.result, display, file, interrupt.signal.aborted);
}

export function addWatch(program: Command): void {
  const command = program
    .command('watch')
    .description('Shows a migration that libvirt, Proxmox or a person started.');
  addSourceOptions(command, 'the source')
    .option(
      '--take-over [file]',
      'control a migration whose "fakedirty migrate" was killed; its journal is found by this QEMU, or named',
    )
    .option(
      '--journal <folder>',
      'with --take-over: the folder of its journal, if "fakedirty migrate" was given one',
    )
    .addOption(
      oneOf(
        new Option('--on-disconnect <what>', 'as in "fakedirty migrate"'),
        onDisconnectChoices,
      ).default('cancel'),
    )
    .option('--record <file>', 'write a recording, for "fakedirty replay"')
    .option('--force', 'let --record replace a file', false)
    .option('--json', 'print JSON Lines: the entries of a recording, without samples', false)
    .addHelpText(
      'after',
      `
It waits for a migration if none runs, follows it to its end, and changes nothing. QEMU talks to one program at
a time on a QMP socket, so give it a second one (-qmp unix:/run/watch.qmp,server=on,wait=off), or name the domain
where libvirt manages the VM: it is watched through libvirt then, which marks it as tainted ("custom-monitor"), and
ends its QEMU so soon that the last figures may be missing. Where the capability "events" is off, it polls QEMU
instead. Ctrl-C stops watching; the migration goes on.

With --take-over it goes on with what a "fakedirty migrate" began that was killed: with its policy, and with the
settings that it would have put back, which it finds in the journal. If the migration has ended in the meantime,
it makes sure that the guest runs where it is, and puts the settings back. Ctrl-C cancels the migration then. The
journal is found even if this QEMU's QMP had another name or address; if it is not, those that there are are
listed, and one of them can be named.`,
    )
    .action((flags: WatchFlags) => {
      const display = displayFor(process.stdout, flags.json);
      return flags.takeOver ? goOn(flags, display) : watch(flags, display);
    });
  refuseWithoutEffect(command, [
    quietOrVerbose,
    ...sourceNeeds,
    replacedBy('--take-over', '--domain'),
    needs('--journal', '--take-over'),
    needs('--on-disconnect', '--take-over'),
    { option: '--force', needs: '--record', isMet: ({ record }) => record !== undefined },
  ]);
}
