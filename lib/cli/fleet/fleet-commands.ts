// The commands beside `drain`: how far it is, and what people want of it.
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Argument, type Command } from 'commander';
import { didYouMean } from '../../errors/nearest.js';
import { driverFor } from '../../fleet/drivers/driver-for.js';
import { FleetStateError } from '../../fleet/errors.js';
import { type Intent, settlements } from '../../fleet/journal/entries.js';
import { userName } from '../../fleet/journal/site-folder.js';
import { checkVm, siteNow } from '../../fleet/run/before-drain.js';
import { carryOut } from '../../fleet/run/carry-out.js';
import { runHook } from '../../fleet/run/hooks.js';
import { type FleetStatus, statusOf } from '../../fleet/status.js';
import { inColumns, left } from '../../format/columns.js';
import { LiveBlock } from '../../format/live-block.js';
import { bytesText, waitText } from '../../format/text.js';
import { parseAddress } from '../../qmp/transport.js';
import type { Place } from '../../site/place.js';
import { withoutInfinity } from '../../site/range.js';
import type { Site } from '../../site/site.js';
import { exitCodes } from '../exit-codes.js';
import { oneOf } from '../option-values.js';
import { outputOptions, printResult } from '../output-options.js';
import { countText, drainLines } from './fleet-text.js';
import { addSiteOptions, checkHost, findSite, type SiteFlags } from './site-option.js';

function drainText({ state, isCarriedOut, live }: FleetStatus): string {
  const { drain, open } = state;
  if (!drain) return 'No drain is under way.';
  const { host } = drain.begin;
  const lines = [`${countText(drain)}.`];
  if (open) {
    const { vm, from, to } = open.begin.move;
    const sent = live?.sentBytes === undefined ? '' : `, ${bytesText(live.sentBytes)} sent`;
    const pass = live?.passes === undefined ? '' : `, pass ${live.passes + 1}`;
    const leftText = live?.leftMs === undefined ? '' : `, ${waitText(live.leftMs)} left in all`;
    const done = live ? `${live.percent} % of all work done${leftText}` : 'not seen at the moment';
    lines.push(`${vm}: ${from} → ${to}${sent}${pass}; ${done}.`);
    if (open.asked !== undefined) {
      lines.push(`${vm} waits for a person: ${open.asked} See "fakedirty settle --help".`);
    }
  }
  if (!isCarriedOut) {
    lines.push(`Nobody carries it out: "fakedirty drain ${host}" goes on with it.`);
  }
  return lines.join('\n');
}

function whereText(site: Site, { state }: FleetStatus): string {
  const { hostOf } = siteNow(site, state);
  const rows = Object.keys(site.hosts).map((host) => {
    const vms = [...hostOf].filter(([, at]) => at === host).map(([vm]) => vm);
    return [host, state.cordoned.has(host) ? 'takes nothing' : '', vms.join(', ')];
  });
  return inColumns([left('host'), left(''), left('VMs')], rows);
}

async function status(flags: SiteFlags): Promise<void> {
  const { site, folder } = findSite(flags);
  const now = await statusOf(folder);
  const { state, isCarriedOut, live } = now;
  if (outputOptions().json) {
    const { hostOf, cordoned } = siteNow(site, state);
    const { drain, open } = state;
    const shown = {
      hosts: Object.fromEntries(hostOf),
      cordoned: [...cordoned],
      lost: [...state.lost],
      ...(drain ? { drain } : {}),
      ...(open ? { move: open } : {}),
      ...(live ? { live } : {}),
      isCarriedOut,
    };
    console.log(JSON.stringify(shown, withoutInfinity));
    return;
  }
  const lost = state.lost.size > 0 ? `\nLost: ${[...state.lost].join(', ')}.` : '';
  console.log(`${drainText(now)}\n\n${whereText(site, now).trimEnd()}${lost}`);
}

interface StatusFlags extends SiteFlags {
  readonly follow: boolean;
}

const lookMs = 500;

/** Shows how far it is until nobody carries it out any more; elsewhere than on a terminal, what changes. */
async function follow(flags: StatusFlags): Promise<void> {
  const { folder } = findSite(flags);
  const block = new LiveBlock(process.stdout);
  let told = '';
  for (;;) {
    const now = await statusOf(folder);
    const lines = drainLines(now.state, now.live);
    const last = lines.at(-1) ?? '';
    if (outputOptions().json) {
      if (last !== told)
        console.log(JSON.stringify({ ...now.state.drain, live: now.live }, withoutInfinity));
    } else if (block.isLive) block.show(lines);
    else if (last !== told) block.print(last);
    told = last;
    if (!now.isCarriedOut) break;
    await pause(lookMs);
  }
  block.clear();
  if (!outputOptions().json) await status(flags);
}

const wanted: Readonly<Record<Intent, string>> = {
  pause: 'The drain pauses when the move that is under way has ended.',
  resume: 'The drain goes on.',
  cancel: 'The drain is being cancelled: the VM that is being moved stays where it is.',
};

async function wish(wants: Intent, flags: SiteFlags): Promise<void> {
  const { folder } = findSite(flags);
  const { drain } = folder.state();
  if (!drain) throw new FleetStateError(`There is nothing to ${wants}: no drain is under way.`);
  folder.wish({ wants, user: userName() });
  const isCarriedOut = await folder.isBusy();
  const { host } = drain.begin;
  const later = isCarriedOut
    ? ''
    : ` Nobody carries it out at the moment: "fakedirty drain ${host}" will obey.`;
  printResult({ wants, host, isCarriedOut }, () => `${wanted[wants]}${later}`);
}

async function settle(
  vm: string,
  at: (typeof settlements)[number],
  flags: SiteFlags,
): Promise<void> {
  const { site, folder } = findSite(flags);
  const { open } = folder.state();
  if (open?.begin.move.vm !== vm) {
    const known = open ? [open.begin.move.vm] : [];
    throw new FleetStateError(`No move of ${vm} is under way.${didYouMean(vm, known)}`);
  }
  folder.wish({ wants: 'settle', user: userName(), vm, as: at });
  if (await folder.isBusy()) {
    printResult({ vm, at }, () => `${vm}: the process that moves it goes on with that.`);
    return;
  }
  await using taken = await folder.take(flags.site, `settle ${vm}`);
  const driver = driverFor(site, folder.migrations);
  const obey = () => void taken.newWishes();
  const outcome = await carryOut({
    ...{ taken, driver, obey, stallMs: Number.POSITIVE_INFINITY },
    onProgress: () => {},
    onTrouble: (text) => console.error(text),
  });
  const last = taken.entries.findLast((entry) => entry.type === 'ended' || entry.type === 'asked');
  const reason = last?.type === 'ended' || last?.type === 'asked' ? last.reason : '';
  printResult({ vm, outcome, reason }, () => `${vm} ${outcome}: ${reason}`);
  if (outcome === 'asked') process.exitCode = exitCodes['guest-unknown'];
}

async function uncordon(host: string, flags: SiteFlags): Promise<void> {
  const { site, folder } = findSite(flags);
  checkHost(site, host);
  await using taken = await folder.take(flags.site, `uncordon ${host}`);
  const was = taken.state.cordoned.has(host);
  const refused = was ? await runHook(site, 'uncordon', { host }) : undefined;
  if (refused !== undefined) throw new FleetStateError(`${refused} ${host} takes nothing still.`);
  if (was) taken.append({ type: 'uncordon', host });
  printResult({ host, was }, () =>
    was ? `${host} takes VMs again.` : `${host} took VMs already.`,
  );
}

interface PlaceFlags extends SiteFlags {
  readonly qmp?: string;
}

/** Where a VM of a host is, as its driver finds it. */
function placeAt(site: Site, vm: string, host: string, qmp: string | undefined): Place {
  if (site.hosts[host]?.driver === 'libvirt') {
    if (qmp === undefined) return { driver: 'libvirt', host, uuid: vm };
    throw new FleetStateError(`${host} is driven by libvirt, which needs no --qmp.`);
  }
  const described = site.vms[vm];
  const named = qmp === undefined ? undefined : parseAddress(qmp);
  // It is read from wherever the next command is typed.
  const given = typeof named === 'string' ? resolve(named) : qmp;
  const address = given ?? (described?.host === host ? described.qmp : undefined);
  if (address !== undefined) return { driver: 'qmp', host, qmp: address };
  throw new FleetStateError(`Say with --qmp where the QMP of ${vm} is at ${host}.`);
}

/** A VM was started again after it was lost, or moved by other means. */
async function place(vm: string, host: string, flags: PlaceFlags): Promise<void> {
  const { site, folder } = findSite(flags);
  checkHost(site, host);
  checkVm(site, vm);
  await using taken = await folder.take(flags.site, `place ${vm} ${host}`);
  const { drain } = taken.state;
  if (drain) {
    throw new FleetStateError(
      `A drain of ${drain.begin.host} is under way, which was planned with ${vm} elsewhere: let it end, or cancel it.`,
    );
  }
  const driver = driverFor(site, folder.migrations);
  // It is asked there: a place where nobody answers would be of no use.
  const found = await driver.identify(placeAt(site, vm, host, flags.qmp));
  taken.append({ type: 'placed', vm, place: found, user: userName() });
  printResult({ vm, host }, () => `${vm} is at ${host}.`);
}

export function addFleetCommands(program: Command): void {
  addSiteOptions(program.command('status'))
    .description('Shows how far a drain is, and where every VM is.')
    .option('--follow', 'go on showing it, until the drain has ended', false)
    .action((flags: StatusFlags) => (flags.follow ? follow(flags) : status(flags)));
  addSiteOptions(program.command('pause'))
    .description('Has a drain pause when the move that is under way has ended.')
    .action((flags: SiteFlags) => wish('pause', flags));
  addSiteOptions(program.command('resume'))
    .description('Has a drain that pauses go on.')
    .action((flags: SiteFlags) => wish('resume', flags));
  addSiteOptions(program.command('cancel'))
    .description(
      'Cancels a drain: the VM that is being moved stays, those that were moved stay moved.',
    )
    .action((flags: SiteFlags) => wish('cancel', flags));
  addSiteOptions(program.command('settle'))
    .description('Says where a VM goes on, after a person has looked at both sides.')
    .argument('<vm>', 'the VM whose move waits for a person')
    .addArgument(oneOf(new Argument('<at>', 'where its guest goes on; lost: nowhere'), settlements))
    .addHelpText(
      'after',
      `
Where what is seen can't tell whether a guest runs, nothing starts it: a person looks, and says where it goes on. What is
seen to run elsewhere is not overruled.

Example:
  fakedirty settle vm7 destination --site site.yaml`,
    )
    .action((vm: string, at: (typeof settlements)[number], flags: SiteFlags) =>
      settle(vm, at, flags),
    );
  addSiteOptions(program.command('place'))
    .description('Says where a VM is that was started again, or moved by other means.')
    .argument('<vm>', 'the VM')
    .argument('<host>', 'the host on which it is')
    .option('--qmp <address>', 'its QMP there, unless the host is driven by libvirt')
    .addHelpText(
      'after',
      `
Where a VM is, is remembered from its moves, and from the description of the site before the first one. A VM that was
lost while it was moved is nowhere until somebody says that it was started again. It has to answer there.

Example:
  fakedirty place vm7 h2 --qmp /run/vm7.qmp --site site.yaml`,
    )
    .action((vm: string, host: string, flags: PlaceFlags) => place(vm, host, flags));
  addSiteOptions(program.command('uncordon'))
    .description('Lets a host that was drained take VMs again.')
    .argument('<host>', 'the host')
    .action((host: string, flags: SiteFlags) => uncordon(host, flags));
}
