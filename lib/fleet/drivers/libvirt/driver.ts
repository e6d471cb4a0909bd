// Moves VMs that libvirt manages, by virsh alone.
import { measureVm } from '../../../monitor/measure-vm.js';
import type { VmMeasurement } from '../../../site/measurement.js';
import type { Place } from '../../../site/place.js';
import type { LibvirtHost, Site } from '../../../site/site.js';
import { ActError } from '../../errors.js';
import type { EntryOf } from '../../journal/entries.js';
import type { Decisions } from '../../move/next-action.js';
import type { Arrival, MoveDriver, MoveInHand, Target } from '../driver.js';
import { describeDomain, hasFilter } from './description.js';
import { Domain } from './domain.js';
import { connectToDomain } from './domain-qmp.js';
import { LibvirtMove } from './libvirt-move.js';
import { migrateUri } from './migrate-words.js';
import { preflightDomain } from './preflight.js';
import { Virsh } from './virsh.js';

/** Moves VMs that libvirt manages. */
export class LibvirtDriver implements MoveDriver {
  readonly #site: Site;

  constructor(site: Site) {
    this.#site = site;
  }

  #host(name: string): LibvirtHost {
    const host = this.#site.hosts[name];
    if (host?.driver === 'libvirt') return host;
    throw new ActError(`The site does not describe a host ${name} with libvirt.`);
  }

  #domain(place: Place): Domain {
    if (place.driver !== 'libvirt') throw new ActError('The VM is not managed by libvirt.');
    return new Domain(new Virsh(this.#host(place.host).uri), place.uuid);
  }

  async preflight({ vm, source, to, method }: Target): Promise<readonly string[]> {
    return await preflightDomain({
      name: vm,
      domain: this.#domain(source),
      from: this.#host(source.host),
      to: this.#host(to),
      method,
      memoryBytes: this.#site.vms[vm]?.memoryBytes,
    });
  }

  /** What is worth knowing of a VM, and in nobody's way. */
  async remarks({ source, method }: Target): Promise<readonly string[]> {
    const description = await describeDomain(this.#domain(source));
    const remarks: string[] = [];
    if (method.hash !== undefined && !hasFilter(description)) {
      remarks.push(
        'nothing skips its fake dirty pages: its description lacks "-global migration.x-fake-dirty-filter=on"',
      );
    }
    if (method.policy.length > 0) {
      remarks.push(
        'its policy is followed through its monitor, for which libvirt calls it tainted ("custom-monitor") until it ends',
      );
    }
    return remarks;
  }

  async guestsOn(host: string): Promise<readonly string[]> {
    const names = await new Virsh(this.#host(host).uri).run(['list', '--name']);
    return names.map((name) => name.trim());
  }

  async identify(source: Place): Promise<Place> {
    const domain = this.#domain(source);
    if ((await domain.look()) === 'absent') {
      throw new ActError(`${domain.virsh.uri} has no domain ${domain.id}.`);
    }
    const { uuid, isPersistent, startsWithHost, runs } = await domain.facts();
    if (!runs) throw new ActError(`${domain.id} does not run at ${domain.virsh.uri}.`);
    const { host } = source;
    const how = { persistent: isPersistent, autostart: startsWithHost };
    return { driver: 'libvirt', host, uuid, ...how };
  }

  async measure(vm: string, source: Place, seconds: number): Promise<VmMeasurement> {
    await using qmp = await connectToDomain(this.#domain(source));
    return (await measureVm(vm, qmp, { seconds })).measurement;
  }

  arrival({ source, to }: Target): Promise<Arrival> {
    if (source.driver !== 'libvirt') throw new ActError('The VM is not managed by libvirt.');
    const destination = { ...source, host: to };
    return Promise.resolve({ destination, listen: migrateUri(this.#host(to)) });
  }

  open(attempt: EntryOf<'attempt'>, decisions: Decisions): Promise<MoveInHand> {
    const { source, move } = attempt;
    const from = this.#host(source.host);
    return Promise.resolve(new LibvirtMove({ attempt, from, to: this.#host(move.to) }, decisions));
  }
}
