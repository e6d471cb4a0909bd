// Which driver moves which VM: that of the host on which it is.
import type { Site } from '../../site/site.js';
import type { MoveDriver } from './driver.js';
import { LibvirtDriver } from './libvirt/driver.js';
import { QmpDriver } from './qmp/driver.js';

/** Moves the VMs of a site, whatever manages its hosts. `journals`: where the journals of migrations are. */
export function driverFor(site: Site, journals: string): MoveDriver {
  const drivers = { qmp: new QmpDriver(site, journals), libvirt: new LibvirtDriver(site) };
  return {
    preflight: (target) => drivers[target.source.driver].preflight(target),
    measure: (vm, source, seconds) => drivers[source.driver].measure(vm, source, seconds),
    remarks: (target) => drivers[target.source.driver].remarks(target),
    guestsOn: (host) => drivers[site.hosts[host]?.driver ?? 'qmp'].guestsOn(host),
    identify: (source) => drivers[source.driver].identify(source),
    arrival: (target, attempt) => drivers[target.source.driver].arrival(target, attempt),
    open: (attempt, decisions) => drivers[attempt.source.driver].open(attempt, decisions),
  };
}
