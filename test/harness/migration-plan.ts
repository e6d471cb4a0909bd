// How to migrate, as a test or an experiment wants it, and what that means for both QEMUs.
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Machine } from '../../lib/qemu/machine/machine.js';
import { QmpCommandError } from '../../lib/qmp/errors.js';
import type { Workspace } from '../../lib/system/workspace.js';

const passesPerSecond = 6;

export type Capabilities = Readonly<Record<string, boolean>>;
export type Parameters = Readonly<Record<string, unknown>>;

/** How to migrate. What is not said stays as QEMU has it. */
export interface MigrationMethod {
  /** Set on both sides. */
  readonly capabilities?: Capabilities;
  readonly parameters?: Parameters;
  /** Set on the source alone. */
  readonly sourceCapabilities?: Capabilities;
  readonly sourceParameters?: Parameters;
  /** Encrypts, with a key that both sides are given. */
  readonly tls?: boolean;
}

export interface MigrationPlan extends MigrationMethod {
  /**
   * How often memory is walked, at least, before the migration may end. Until then bandwidth is limited
   * so that a walk takes a while; then the downtime that the end may cost is raised, so that a guest
   * that writes too fast to converge arrives as well.
   */
  readonly passes?: number;
  /** After those passes, switch to post-copy instead of raising the downtime. */
  readonly postcopy?: boolean;
  /** The UNIX socket that the source connects to instead of the destination's own: a FaultyLink's. */
  readonly through?: string;
}

async function setUp(machine: Machine, capabilities: Capabilities, parameters: Parameters) {
  const wanted = { events: true, ...capabilities };
  await machine.qmp.execute('migrate-set-capabilities', {
    capabilities: Object.entries(wanted).map(([capability, state]) => ({ capability, state })),
  });
  await machine.qmp.execute('migrate-set-parameters', parameters);
}

const tlsObject = 'migration-key';
const tlsUser = 'qemu';

async function removeTlsKey({ qmp }: Machine): Promise<void> {
  try {
    await qmp.execute('object-del', { id: tlsObject });
  } catch (error) {
    // There was none.
    if (!(error instanceof QmpCommandError)) throw error;
  }
}

/** Gives a machine the key in that directory, anew: an earlier attempt may have given it one. */
async function giveTlsKey(machine: Machine, endpoint: 'client' | 'server', dir: string) {
  await removeTlsKey(machine);
  const user = endpoint === 'client' ? { username: tlsUser } : {};
  const object = { 'qom-type': 'tls-creds-psk', id: tlsObject, endpoint, dir, ...user };
  await machine.qmp.execute('object-add', object);
}

interface Sides {
  readonly source: Machine;
  readonly destination: Machine;
  readonly workspace: Workspace;
  /** That the guest works on. */
  readonly pages: number;
}

async function giveTlsKeys({ source, destination, workspace }: Sides): Promise<void> {
  const key = randomBytes(32).toString('hex');
  const { directory } = workspace;
  await writeFile(workspace.path('keys.psk'), `${tlsUser}:${key}\n`, { mode: 0o600 });
  await giveTlsKey(destination, 'server', directory);
  await giveTlsKey(source, 'client', directory);
}

const yankInstances = z.array(z.looseObject({ type: z.string() }));

/** QEMU tells how a migration ended a little before it can begin another, and no event says when. */
async function untilSettled({ qmp }: Machine): Promise<void> {
  for (let busy = true; busy; ) {
    const instances = await qmp.query('query-yank', { schema: yankInstances });
    busy = instances.some(({ type }) => type === 'migration');
  }
}

/** Sets capabilities and parameters on both sides, once nothing is left of an earlier migration. */
export async function prepareMigration(sides: Sides, plan: MigrationPlan): Promise<void> {
  await untilSettled(sides.source);
  const { capabilities = {}, sourceCapabilities, sourceParameters, tls = false } = plan;
  const parameters = { ...plan.parameters, ...(tls ? { 'tls-creds': tlsObject } : {}) };
  if (tls) await giveTlsKeys(sides);
  await setUp(sides.destination, capabilities, parameters);
  // QEMU estimates bandwidth every 100 ms, and hands over what it can send in `downtime-limit` ms.
  const limits =
    plan.passes === undefined
      ? { 'max-bandwidth': 0 }
      : {
          'max-bandwidth': sides.pages * 4096 * passesPerSecond,
          // Before post-copy nothing may be over but what is really sent.
          'downtime-limit': plan.postcopy ? 0 : 1,
        };
  await setUp(
    sides.source,
    { ...capabilities, ...sourceCapabilities },
    { ...limits, ...parameters, ...sourceParameters },
  );
}
