// What a method is: how a guest is migrated, as options of migrate(). One file for each kind.
import type { Policy } from '../../migration/decision.js';
import type { MigrateOptions } from '../../migration/options.js';

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
