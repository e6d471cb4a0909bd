// What a workload is: which programs it needs, how they are started, and who reports. One file each.

import { z } from 'zod';
import { FakedirtyError } from '../../errors/error.js';
import { explainIssue } from '../../errors/explain-issue.js';
import type { GuestOptions } from '../../qemu/machine/guest.js';
import type { WorkloadReport } from '../model/workload-report.js';

/** Programs of Debian packages. */
export interface PackagedPrograms {
  /** The names of the packages. */
  readonly packages: readonly string[];
  /** Their paths, which are the same in the packages and in the guest. */
  readonly programs: readonly string[];
}

/** The guest that a workload runs in. */
export interface WorkloadEnvironment {
  /** Guest memory. */
  readonly memoryBytes: number;
  /** The number of processors of the guest. */
  readonly processors: number;
  /** The guest's address; null: it has no network. */
  readonly address: string | null;
  /** For what is random, unless the options give a seed: another one in each round. */
  readonly seed: number;
}

/** How a workload is started. */
export interface WorkloadCommands {
  /** In the guest: the program and its arguments, none of which may contain a space. */
  readonly inGuest: readonly string[];
  /** On the client host: a program like those of the guest, and its arguments. */
  readonly outside?: { readonly program: string; readonly arguments: readonly string[] };
}

/** Makes a report of a line of output, for programs that were not written for the lab. Undefined: there is none in it. */
export type OutputReader = (line: string) => WorkloadReport | undefined;

/** What runs in a guest while it is migrated. */
export interface Workload {
  /** Names it in experiments and results. */
  readonly name: string;
  /** What it does, for people. */
  readonly summary: string;
  /** What one operation is. */
  readonly operation: string;
  /** Programs of native/guest/linux, or paths of C sources: the guest has them in /bin. */
  readonly programs: readonly string[];
  /** Programs of Debian packages. */
  readonly packaged?: PackagedPrograms;
  /** Files that the programs read, of native/guest/linux or by their paths: the guest has them in /share. */
  readonly scripts?: readonly string[];
  /** Whether the guest needs a network. */
  readonly needsNetwork: boolean;
  /** The guest has the disk as /dev/vda. */
  readonly needsDisk?: boolean;
  /** Which part reports. */
  readonly reports: 'guest' | 'outside';
  /** Which part makes the traffic between the two, if there is any. */
  readonly sender: 'guest' | 'outside';
  /** Which parts check their data at the end, and report the result. */
  readonly checks: { readonly guest: boolean; readonly outside: boolean };
  /** For a program that ends by itself when something is wrong: what is right as long as it lives. */
  readonly livesBy?: string;
  /** Its operations do not increase: that it reports is the only sign of life. */
  readonly idles?: boolean;
  /** Makes a reader of its output, for a program that was not written for the lab. */
  readonly newReader?: () => OutputReader;
  /** For workloads of the bare guest: its parameters. No Linux is booted. */
  readonly bareGuest?: (options: unknown, environment: WorkloadEnvironment) => GuestOptions;
  /** How it is started. Throws when it does not take these options, or when they do not fit into the guest. */
  commands(options: unknown, environment: WorkloadEnvironment): WorkloadCommands;
}

/** A share of guest memory, in bytes of whole pages. */
export function shareBytes(environment: WorkloadEnvironment, share: number): number {
  return Math.floor((environment.memoryBytes * share) / 4096) * 4096;
}

/** The properties of a workload that has no part outside the guest, and checks its own data. */
export const allInGuest = {
  needsNetwork: false,
  reports: 'guest',
  sender: 'guest',
  checks: { guest: true, outside: false },
} as const;

/** "name=value" for each value that is defined. */
export function assignments(values: Readonly<Record<string, string | number | undefined>>) {
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  );
}

/** A workload does not take these options, or they do not fit into the guest. */
export class WorkloadOptionsError extends FakedirtyError {
  override readonly name = 'WorkloadOptionsError';
  override readonly code = 'ERR_WORKLOAD_OPTIONS';
}

/** Why a workload can't run in a guest without a network. */
export function networkNeededBy(name: string): string {
  return `The workload ${name} needs a guest with a network, which only hosts in namespaces have`;
}

/** Makes a workload whose options are checked by a schema before it gets them. */
export function workload<Options extends z.ZodObject>(
  description: Omit<Workload, 'commands'> & {
    readonly options: Options;
    commands(options: z.output<Options>, environment: WorkloadEnvironment): WorkloadCommands;
  },
): Workload {
  const { options: schema, commands, ...rest } = description;
  return {
    ...rest,
    commands: (given, environment) => {
      const { success, data, error } = schema.safeParse(given ?? {}, { error: explainIssue });
      if (!success) {
        const names = Object.keys(schema.shape).join(', ') || 'none';
        throw new WorkloadOptionsError(
          `Options of the workload ${rest.name}: ${z.prettifyError(error)}; its options are: ${names}`,
        );
      }
      if (rest.needsNetwork && environment.address === null) {
        throw new WorkloadOptionsError(`${networkNeededBy(rest.name)}.`);
      }
      return commands(data, environment);
    },
  };
}
