// `fakedirty watch`: shows a migration that somebody else has started or will start.
import type { Command } from 'commander';
import { watchMigration } from '../migration/watch.js';
import type { QmpAddress } from '../qmp/transport.js';
import { displayFor } from './display.js';
import { exitCodes } from './exit-codes.js';
import { qmpAddress } from './option-values.js';
import { connect, exitCodeOf, interruptible, RecordingFile } from './session.js';

interface WatchFlags {
  qmp: QmpAddress;
  record?: string;
  json: boolean;
}

async function run({ qmp, record, json }: WatchFlags): Promise<void> {
  const display = displayFor(process.stdout, json);
  using file = record === undefined ? undefined : new RecordingFile(record);
  const client = await connect(qmp);
  using interrupt = interruptible(display, 'No longer watching. The migration goes on.', '');
  try {
    display.note('Waiting for a migration.');
    const result = await watchMigration(client, {
      signal: interrupt.signal,
      onPass: (pass, observation) => display.pass(pass, observation),
      ...(display.isLive ? { onProgress: (progress) => display.progress(progress) } : {}),
      record: (entry) => {
        file?.record(entry);
        display.entry(entry);
      },
    });
    display.end(result);
    process.exitCode = exitCodeOf(result, false);
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    process.exitCode = exitCodes.interrupted;
  } finally {
    await client.close();
  }
}

export function addWatch(program: Command): void {
  program
    .command('watch')
    .description('Shows a migration that libvirt, Proxmox or a person started.')
    .requiredOption(
      '--qmp <address>',
      "the source's QMP: a UNIX socket, or tcp:HOST:PORT",
      qmpAddress,
    )
    .option('--record <file>', 'write a recording, for "fakedirty replay"')
    .option('--json', 'print JSON Lines: the entries of a recording, without samples', false)
    .addHelpText(
      'after',
      `
It waits for a migration if none runs, follows it to its end, and changes nothing. QEMU talks to one program at
a time on a QMP socket, so give it a second one (-qmp unix:/run/watch.qmp,server=on,wait=off). Where the
capability "events" is off, it polls QEMU instead. Ctrl-C stops watching; the migration goes on.`,
    )
    .action((flags: WatchFlags) => run(flags));
}
