// What a QEMU can do and how it is set up, read before anything is changed.
import type { QmpSession } from '../qmp/client.js';
import { QmpCommandError } from '../qmp/errors.js';
import type { MigrationInfo, MigrationParameters } from '../qmp/schema/migration.js';
import type { SchemaInfo, StatusInfo } from '../qmp/schema/vm.js';

/** What a QEMU can do and how it is set up. */
export interface QemuSetup {
  /** Such as "7.2.22". */
  readonly version: string;
  readonly status: StatusInfo;
  readonly migration: MigrationInfo;
  /** The capabilities that it has, and whether each is on. */
  readonly capabilities: ReadonlyMap<string, boolean>;
  readonly parameters: MigrationParameters & Record<string, unknown>;
  /** The parameters that can be set, each with the names that it accepts if it accepts names. */
  readonly settable: ReadonlyMap<string, readonly string[] | undefined>;
  readonly ramBytes: number;
  /** The machine's type, such as "pc-i440fx-7.2"; undefined where QEMU does not tell it. */
  readonly machine: string | undefined;
}

/** QEMU's schema names types by numbers: follow them from the command to what its members take. */
function settableParameters(schema: readonly SchemaInfo[]): QemuSetup['settable'] {
  const entities = new Map(schema.map((each) => [each.name, each]));
  const entity = (name = '') => entities.get(name);
  const command = schema.find(
    ({ name, 'meta-type': kind }) => kind === 'command' && name === 'migrate-set-parameters',
  );
  const settings = entity(command?.['arg-type']);
  return new Map(
    (settings?.members ?? []).map(({ name = '', type }) => [name, entity(type)?.values]),
  );
}

/** QEMU's classes of machines are called like their types, with this behind. */
const machineSuffix = '-machine';

async function machineType(qmp: QmpSession): Promise<string | undefined> {
  try {
    const type = await qmp.execute('qom-get', { path: '/machine', property: 'type' });
    if (typeof type !== 'string') return undefined;
    return type.endsWith(machineSuffix) ? type.slice(0, -machineSuffix.length) : type;
  } catch (error) {
    if (error instanceof QmpCommandError) return undefined;
    throw error;
  }
}

/** Asks a QEMU for all of it. */
export async function readQemuSetup(qmp: QmpSession): Promise<QemuSetup> {
  const [status, migration, capabilities, parameters, schema, memory, machine] = await Promise.all([
    qmp.execute('query-status'),
    qmp.execute('query-migrate'),
    qmp.execute('query-migrate-capabilities'),
    qmp.execute('query-migrate-parameters'),
    qmp.execute('query-qmp-schema'),
    qmp.execute('query-memory-size-summary'),
    machineType(qmp),
  ]);
  const { major, minor, micro } = qmp.greeting.version.qemu;
  return {
    version: `${major}.${minor}.${micro}`,
    status,
    migration,
    capabilities: new Map(capabilities.map(({ capability, state }) => [capability, state])),
    parameters,
    settable: settableParameters(schema),
    machine,
    ramBytes: memory['base-memory'] + (memory['plugged-memory'] ?? 0),
  };
}
