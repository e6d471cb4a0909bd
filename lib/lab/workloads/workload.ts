// What a workload is: one file each says which programs it needs, how they are started, and who reports.

import { z } from 'zod';
import { FakedirtyError } from '../../errors/error.js';
import type { GuestOptions } from '../../qemu/machine/guest.js';
import type { Report } from '../guest/linux-control.js';

/** Programs that packages of the distribution hold. */
export interface PackagedPrograms {
  readonly packages: readonly string[];
  /** Paths in the packages, and in the guest. */
  readonly programs: readonly string[];
}

/** What a workload is told of the machine that it runs on. */
export interface Surroundings {
  readonly memoryBytes: number;
  readonly processors: number;
  /** Of the guest; null: it has no network. */
  readonly address: string | null;
  /** For what is random, where the options give no seed: another one in each round. */
  readonly seed: number;
}

export interface Commands {
  /** In the guest: the program and its arguments, none of which may hold a blank. */
  readonly inGuest: readonly string[];
  /** On the client host: a program like those of the guest, and its arguments. */
  readonly outside?: { readonly program: string; readonly arguments: readonly string[] };
}

/** Makes reports out of what a program says that was not written for the lab. */
export type OutputReader = (line: string) => Omit<Report, 'type'> | undefined;

export interface Workload {
  readonly name: string;
  /** What it does, for people. */
  readonly summary: string;
  /** What one operation is. */
  readonly operation: string;
  /** Of native/guest/linux, or paths of C sources: the guest has them in /bin. */
  readonly programs: readonly string[];
  readonly packaged?: PackagedPrograms;
  /** Files of native/guest/linux, or paths, that those read: the guest has them in /share. */
  readonly scripts?: readonly string[];
  readonly needsNetwork: boolean;
  /** As /dev/vda. */
  readonly needsDisk?: boolean;
  /** Whose reports and running count. */
  readonly reports: 'guest' | 'outside';
  /** Who makes the traffic between the two, if there is any. */
  readonly sender: 'guest' | 'outside';
  /** Whether each says in the end if all is as it has to be. */
  readonly checks: { readonly guest: boolean; readonly outside: boolean };
  /** Of one that ends by itself where something is wrong: what is right as long as it lives. */
  readonly livesBy?: string;
  /** Its operations don't become more: that it reports is all that tells of its life. */
  readonly idles?: boolean;
  readonly newReader?: () => OutputReader;
  /** It is what the bare guest does, with these parameters; no Linux is booted. */
  readonly bareGuest?: (options: unknown, surroundings: Surroundings) => GuestOptions;
  /** Throws when the options are none of this workload's. */
  commands(options: unknown, surroundings: Surroundings): Commands;
}

/** Bytes of a part of guest memory, in whole pages. */
export function partOf({ memoryBytes }: Surroundings, share: number): number {
  return Math.floor((memoryBytes * share) / 4096) * 4096;
}

/** Of a workload with nothing outside the guest, which checks itself. */
export const allInGuest = {
  needsNetwork: false,
  reports: 'guest',
  sender: 'guest',
  checks: { guest: true, outside: false },
} as const;

/** "name=value" for each that is given. */
export function assignments(values: Readonly<Record<string, string | number | undefined>>) {
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  );
}

export class WorkloadOptionsError extends FakedirtyError {
  override readonly name = 'WorkloadOptionsError';
  override readonly code = 'ERR_WORKLOAD_OPTIONS';
}

export function networkNeededBy(name: string): string {
  return `The workload ${name} needs a guest with a network, which only hosts in namespaces have`;
}

/** A workload whose options have been read by its schema before it sees them. */
export function workload<Options extends z.ZodObject>(
  description: Omit<Workload, 'commands'> & {
    readonly options: Options;
    commands(options: z.output<Options>, surroundings: Surroundings): Commands;
  },
): Workload {
  const { options: schema, commands, ...rest } = description;
  return {
    ...rest,
    commands: (given, surroundings) => {
      const { success, data, error } = schema.safeParse(given ?? {});
      if (!success) {
        const names = Object.keys(schema.shape).join(', ') || 'none';
        throw new WorkloadOptionsError(
          `Options of the workload ${rest.name}: ${z.prettifyError(error)}; there are: ${names}`,
        );
      }
      if (rest.needsNetwork && surroundings.address === null) {
        throw new WorkloadOptionsError(`${networkNeededBy(rest.name)}.`);
      }
      return commands(data, surroundings);
    },
  };
}
