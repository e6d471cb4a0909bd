// A key for both sides of a migration: migrate() is told its name, and leaves it to its caller to create it.
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { Machine } from '../../lib/qemu/machine/machine.js';
import { QmpCommandError } from '../../lib/qmp/errors.js';
import type { Workspace } from '../../lib/system/workspace.js';

/** The name of the key in both QEMUs. */
export const tlsKey = 'migration-key';
const user = 'qemu';

async function removeKey({ qmp }: Machine): Promise<void> {
  try {
    await qmp.execute('object-del', { id: tlsKey });
  } catch (error) {
    // There was none.
    if (!(error instanceof QmpCommandError)) throw error;
  }
}

/** Gives a machine the key in that directory, anew: an earlier attempt may have given it one. */
async function giveKey(machine: Machine, endpoint: 'client' | 'server', dir: string) {
  await removeKey(machine);
  const name = endpoint === 'client' ? { username: user } : {};
  const object = { 'qom-type': 'tls-creds-psk', id: tlsKey, endpoint, dir, ...name };
  await machine.qmp.execute('object-add', object);
}

/** Gives both a new key. */
export async function giveTlsKeys(
  source: Machine,
  destination: Machine,
  workspace: Workspace,
): Promise<void> {
  const key = randomBytes(32).toString('hex');
  await writeFile(workspace.path('keys.psk'), `${user}:${key}\n`, { mode: 0o600 });
  await giveKey(destination, 'server', workspace.directory);
  await giveKey(source, 'client', workspace.directory);
}
