// The options by which a command finds the QEMU of a VM: its QMP, or the domain that libvirt has of it.
import { type Command, Option } from 'commander';
import { Domain } from '../fleet/drivers/libvirt/domain.js';
import { connectToDomain } from '../fleet/drivers/libvirt/domain-qmp.js';
import { Virsh } from '../fleet/drivers/libvirt/virsh.js';
import { ActError } from '../fleet/errors.js';
import type { QmpClient } from '../qmp/client.js';
import type { QmpAddress } from '../qmp/transport.js';
import { exitCodes } from './exit-codes.js';
import { qmpAddress } from './option-values.js';
import { connect } from './session.js';
import { type Need, needs, replacedBy } from './without-effect.js';

export interface SourceFlags {
  readonly qmp?: QmpAddress;
  readonly domain?: string;
  readonly connect: string;
}

/** `whose`: whose QMP it is, such as "the VM". */
export function addSourceOptions(
  command: Command,
  whose: string,
  /** With these options the command needs no VM. */
  isWithout: (options: SourceFlags) => boolean = () => false,
): Command {
  return command
    .option('--qmp <address>', `${whose}'s QMP: a UNIX socket, or tcp:HOST:PORT`, qmpAddress)
    .option('--domain <name>', 'instead of --qmp: the domain, where libvirt manages it')
    .addOption(
      new Option('--connect <uri>', 'with --domain: where libvirt is').default('qemu:///system'),
    )
    .hook('preAction', (_, running) => {
      const options = running.opts<SourceFlags>();
      const { qmp, domain } = options;
      if (qmp !== undefined || domain !== undefined || isWithout(options)) return;
      const missing =
        'error: name the VM: --qmp ADDRESS, or --domain NAME where libvirt manages it';
      running.error(missing, { exitCode: exitCodes.usage });
    });
}

/** What these options need of each other. */
export const sourceNeeds: readonly Need[] = [
  { ...replacedBy('--domain', '--qmp'), problem: 'give --qmp or --domain, not both' },
  needs('--connect', '--domain'),
];

async function connectByDomain(domain: Domain): Promise<QmpClient> {
  try {
    return await connectToDomain(domain);
  } catch (error) {
    if (!(error instanceof ActError)) throw error;
    const { virsh, id } = domain;
    throw new ActError(`${error.message} Asked for domain ${id} at ${virsh.uri} (--connect).`);
  }
}

/** Connects to it. */
export async function connectToSource({
  qmp,
  domain,
  connect: uri,
}: SourceFlags): Promise<QmpClient> {
  if (domain !== undefined) return await connectByDomain(new Domain(new Virsh(uri), domain));
  if (qmp !== undefined) return await connect(qmp);
  throw new TypeError('The command has refused to run without either.');
}
