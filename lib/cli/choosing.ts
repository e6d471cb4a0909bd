// What commands share that choose how a VM is migrated: their options, and the choice.
import { Option } from 'commander';
import { filterCapability } from '../migration/plan-settings.js';
import { readQemuSetup } from '../migration/qemu-setup.js';
import { measureVm } from '../monitor/measure-vm.js';
import type { QmpClient } from '../qmp/client.js';
import { goals } from '../strategy/method/cheapest.js';
import { type Chooser, choosers } from '../strategy/method/choice.js';
import {
  type ChooseMethodOptions,
  type ChosenMethod,
  chooseMethod,
} from '../strategy/method/choose-method.js';
import { methodName } from '../strategy/method/method-options.js';
import { byteCount, milliseconds, oneOf } from './option-values.js';
import type { Need } from './without-effect.js';

/** What a method is chosen for. */
export interface ChoosingFlags {
  readonly link: number;
  readonly goal: keyof typeof goals;
}

/** The option for how fast the link is. */
export function linkOption(): Option {
  return new Option('--link <rate>', 'speed of the link a second, such as 10Gbit or 1G (bytes)')
    .argParser(byteCount)
    .default(125_000_000, '1Gbit');
}

/** The option for the downtime limit that is predicted for. */
export function downtimeOption(): Option {
  return new Option('--downtime <time>', 'the downtime limit')
    .argParser(milliseconds)
    .default(300, '300ms');
}

/** The option for what a move is to cost least of. */
export function goalOption(): Option {
  const option = new Option('--goal <what>', 'what the cheapest method costs least of');
  return oneOf(option, Object.keys(goals)).default('time');
}

/** The option for who chooses. */
export function chooseOption(): Option {
  const option = new Option('--choose <how>', 'with --method auto: who chooses');
  return oneOf(option, choosers).default('cheapest');
}

/** What has no effect unless a method is chosen, and what has none if it is. */
export const choosingNeeds: readonly Need[] = [
  ...['--choose', '--goal'].map((option) => ({ option, needs: '--method auto', isMet: isAuto })),
  { option: '--policy', needs: 'leaving out --method auto', isMet: (values) => !isAuto(values) },
];

/** Whether the method is chosen, by the values of all options. */
export function isAuto({ method }: Readonly<Record<string, unknown>>): boolean {
  return method === 'auto';
}

/** What can be done with a VM, as far as its QEMU says. */
export async function possibleWith(
  client: QmpClient,
): Promise<Pick<ChooseMethodOptions, 'postCopyPossible' | 'filterPossible'>> {
  const { capabilities } = await readQemuSetup(client);
  return {
    postCopyPossible: capabilities.has('postcopy-ram'),
    filterPossible: capabilities.has(filterCapability),
  };
}

/** How to choose. */
export interface Choosing extends ChoosingFlags {
  readonly choose: Chooser;
  readonly bandwidth?: number;
  readonly downtime?: number;
  readonly seconds: number;
  readonly signal: AbortSignal;
}

/** Measures a VM, and chooses how it is migrated. */
export async function chooseFor(client: QmpClient, choosing: Choosing): Promise<ChosenMethod> {
  const { choose: by, link, goal, bandwidth, downtime, seconds, signal } = choosing;
  const { measurement } = await measureVm('', client, { seconds, signal });
  return chooseMethod(measurement, {
    ...{ by, goal },
    linkBytesPerSecond: Math.min(link, bandwidth || link),
    ...(downtime === undefined ? {} : { downtimeLimitMs: downtime }),
    ...(await possibleWith(client)),
  });
}

/** What was chosen, in a sentence or two. */
export function chosenText({ method, reason }: ChosenMethod): string {
  return `By ${methodName(method)}. ${reason}`;
}
