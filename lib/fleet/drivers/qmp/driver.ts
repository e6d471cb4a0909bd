// Moves VMs whose QEMUs are on this machine, each in the network of its host, by QMP alone.
import { filterCapability } from '../../../migration/plan-settings.js';
import { measureVm } from '../../../monitor/measure-vm.js';
import { QmpClient } from '../../../qmp/client.js';
import { QmpError } from '../../../qmp/errors.js';
import { processOf } from '../../../qmp/process-usage.js';
import { parseAddress } from '../../../qmp/transport.js';
import type { VmMeasurement } from '../../../site/measurement.js';
import type { Place } from '../../../site/place.js';
import type { QmpHost, Site, Vm } from '../../../site/site.js';
import { ActError } from '../../errors.js';
import type { EntryOf } from '../../journal/entries.js';
import type { Arrival, MoveDriver, MoveInHand, Target } from '../driver.js';
import { attemptFolder, qmpOf } from './destination-qemu.js';
import { portFor } from './ports.js';
import {
  describedProblems,
  notFound,
  runningProblems,
  tlsProblems,
  unreachable,
} from './preflight.js';
import { QmpMove } from './qmp-move.js';

/** Before anything is moved, a QEMU has as much time as it needs. */
const identifyMs = 10_000;

/** Moves VMs by QMP. */
export class QmpDriver implements MoveDriver {
  readonly #site: Site;
  readonly #journals: string;
  /** Ports are taken in turn: one that was used a moment ago may not be free again. */
  #ports = 0;

  constructor(site: Site, journals: string) {
    this.#site = site;
    this.#journals = journals;
  }

  #described(vm: string, to: string): { readonly host: QmpHost; readonly vm: Vm } {
    const host = this.#site.hosts[to];
    const description = this.#site.vms[vm];
    if (host?.driver !== 'qmp' || !description) {
      throw new ActError(`The site does not describe VM ${vm} and a host ${to} with QMP.`);
    }
    return { host, vm: description };
  }

  async preflight({ vm: name, source, to, method }: Target): Promise<readonly string[]> {
    const { host, vm } = this.#described(name, to);
    const folder = attemptFolder(host, `${name}-000000-00`);
    const problems = describedProblems(host, vm, folder);
    const from = this.#site.hosts[source.host];
    problems.push(...tlsProblems(source.host, from?.tls, to, host.tls));
    if (source.driver !== 'qmp') return [...problems, 'it is not driven by QMP'];
    try {
      const address = parseAddress(source.qmp);
      await using qmp = await QmpClient.connect(address, { timeoutMs: identifyMs });
      problems.push(...(await runningProblems(qmp, vm, method, folder)));
    } catch (error) {
      if (!(error instanceof QmpError)) throw error;
      problems.push(unreachable(source.qmp, error));
    }
    return problems;
  }

  async remarks({ source, method }: Target): Promise<readonly string[]> {
    if (source.driver !== 'qmp' || method.hash === undefined) return [];
    const address = parseAddress(source.qmp);
    await using qmp = await QmpClient.connect(address, { timeoutMs: identifyMs });
    const capabilities = await qmp.execute('query-migrate-capabilities');
    const hasFilter = capabilities.some(({ capability }) => capability === filterCapability);
    return hasFilter ? [] : ['nothing skips its fake dirty pages: its QEMU has no filter'];
  }

  guestsOn(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  async identify(source: Place): Promise<Place> {
    if (source.driver !== 'qmp') return source;
    const address = parseAddress(source.qmp);
    await using qmp = await QmpClient.connect(address, { timeoutMs: identifyMs });
    const process = await processOf(qmp);
    if (!process) throw new ActError(notFound);
    return { ...source, process };
  }

  async measure(vm: string, source: Place, seconds: number): Promise<VmMeasurement> {
    const address = parseAddress(source.driver === 'qmp' ? source.qmp : '');
    await using qmp = await QmpClient.connect(address, { timeoutMs: identifyMs });
    return (await measureVm(vm, qmp, { seconds })).measurement;
  }

  async arrival({ vm, to }: Target, attempt: string): Promise<Arrival> {
    const { host } = this.#described(vm, to);
    const { address } = host.arrivals;
    const port = await portFor(host, this.#ports);
    this.#ports += 1;
    const folder = attemptFolder(host, attempt);
    return {
      destination: { driver: 'qmp', host: to, qmp: qmpOf(folder), folder },
      listen: `tcp:${address.includes(':') ? `[${address}]` : address}:${port}`,
    };
  }

  open(attempt: EntryOf<'attempt'>): Promise<MoveInHand> {
    const described = this.#described(attempt.move.vm, attempt.move.to);
    const sourceTls = this.#site.hosts[attempt.move.from]?.tls;
    const given = { attempt, ...described, sourceTls, journals: this.#journals };
    return Promise.resolve(new QmpMove(given));
  }
}
