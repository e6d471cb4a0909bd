// One VM at work, moved between two real daemons of libvirt.
import { expect, it, type TestContext } from 'vitest';
import type { MoveDriver } from '../../../../lib/fleet/drivers/driver.js';
import { LibvirtDriver } from '../../../../lib/fleet/drivers/libvirt/driver.js';
import type { FleetEntry } from '../../../../lib/fleet/journal/entries.js';
import { SiteFolder, type TakenFolder } from '../../../../lib/fleet/journal/site-folder.js';
import { type CarriedOut, carryOut } from '../../../../lib/fleet/run/carry-out.js';
import type { Move, MoveMethod } from '../../../../lib/site/move.js';
import { methodSchema } from '../../../../lib/site/move.js';
import { LibvirtHosts, type LibvirtVm } from '../../../harness/libvirt-hosts.js';
import { needQemu } from '../../../harness/requirements.js';

const unknown = { low: 0, expected: 0, high: Number.POSITIVE_INFINITY };
const flip = { pattern: 'flip', pages: 6000, wordsPerPage: 4 } as const;

interface Trial {
  readonly hosts: LibvirtHosts;
  readonly taken: TakenFolder;
  /** Carries the attempt that is open to its end. */
  readonly goOn: () => Promise<CarriedOut>;
  readonly last: (type: FleetEntry['type']) => FleetEntry | undefined;
}

/** Two hosts, a VM on the first one, and an attempt to move it to the second one. */
async function trial(
  context: TestContext,
  vm: Omit<LibvirtVm, 'host'>,
  {
    method = methodSchema.parse({ name: 'pre-copy' }),
    megabitsPerSecond = 1000,
  }: { method?: MoveMethod; megabitsPerSecond?: number } = {},
): Promise<Trial> {
  const { binary } = needQemu(context);
  const vms = { vm: { host: 'h1', ...vm } };
  const hosts = await LibvirtHosts.start(context, { binary, vms, megabitsPerSecond });
  const driver: MoveDriver = new LibvirtDriver(hosts.site);
  const folder = new SiteFolder(hosts.workspace.path('state'));
  const taken = await folder.take('site.yaml', 'a test');
  context.onTestFinished(() => taken[Symbol.asyncDispose]());
  const predicted = { timeMs: unknown, bytes: unknown, downtimeMs: unknown };
  const move: Move = { vm: 'vm', from: 'h1', to: 'h2', method, reasons: [], predicted };
  const source = await driver.identify({ driver: 'libvirt', host: 'h1', uuid: 'vm' });
  const arrival = driver.arrival({ vm: 'vm', source, to: 'h2', method }, 'vm-1');
  taken.append({ type: 'attempt', attempt: 'vm-1', move, source, ...arrival });
  return {
    hosts,
    taken,
    goOn: () => carryOut({ taken, driver, obey: () => {}, onProgress: () => {} }),
    last: (type) => taken.entries.findLast((entry) => entry.type === type),
  };
}

it('a VM that is defined moves at work, and is defined where it runs and nowhere else', async (context) => {
  const { hosts, goOn, last } = await trial(context, { guest: flip });
  await hosts.host('h1').virsh.run(['autostart', 'vm']);
  expect(await goOn()).toBe('moved');
  expect(await hosts.state('vm', 'h1')).toBeUndefined();
  expect((await hosts.guest('vm', 'h2')).wrongWords).toBe(0);
  const info = (await hosts.host('h2').virsh.run(['dominfo', 'vm'])).join('\n');
  expect(info).toMatch(/Persistent: +yes/);
  expect(last('ended')).toMatchObject({ figures: { bytes: expect.any(Number) } });
});
