// What a method is: how a guest is migrated, as options of migrate(). One file for each kind.
import type { Policy } from '../../migration/decision.js';
import type { MigrateOptions } from '../../migration/options.js';
import type { QmpClient } from '../../qmp/client.js';

/** What a method that chooses is to choose for. */
export interface ToChooseFor {
  /** The guest, at work. */
  readonly qmp: QmpClient;
  /** How fast the way to the destination is. */
  readonly linkBytesPerSecond: number;
  /** How long the guest may stand still. */
  readonly downtimeLimitMs: number;
  /** Aborted when the run is to end. */
  readonly signal: AbortSignal;
}

/** What was chosen for a guest. */
export interface Chosen {
  /** The method, in words. */
  readonly method: string;
  /** Why, in a sentence with numbers. */
  readonly reason: string;
  /** Whether part of guest memory may arrive after the guest has begun to run at the destination. */
  readonly postcopy: boolean;
  /** Decides during the migration, besides the time limit of the experiment. */
  readonly policy?: Policy | undefined;
  /** Options of migrate(). */
  readonly options: Partial<MigrateOptions>;
}

/** How a guest is migrated. */
export interface Method {
  /** Names it in experiments and results. */
  readonly name: string;
  /** What it does, for people. */
  readonly summary: string;
  /** Whether it needs a QEMU with the fake dirty filter. */
  readonly needsFilter: boolean;
  /** Whether part of guest memory arrives after the guest has begun to run at the destination. */
  readonly postcopy: boolean;
  /** Further arguments for the QEMU at the source. */
  readonly sourceArguments?: readonly string[];
  /** Makes the policy that decides during the migration, besides the time limit of the experiment. */
  readonly policy?: () => Policy;
  /** Chooses how, once the guest is at work: it takes the place of `postcopy` and `policy`, and adds to the options. */
  readonly choose?: (to: ToChooseFor) => Promise<Chosen>;
  /** Options of migrate(); destination and limits come from the experiment. */
  options(memoryBytes: number): Partial<MigrateOptions>;
}

/** The same method with the filter, under the name NAME-filter. */
export function withFilter(method: Method): Method {
  return {
    ...method,
    name: `${method.name}-filter`,
    summary: `${method.summary}; with the filter`,
    needsFilter: true,
    options: (memoryBytes) => ({ ...method.options(memoryBytes), filter: {} }),
  };
}
