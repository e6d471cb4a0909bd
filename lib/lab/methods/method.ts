// What a method is: how a guest is migrated, as data for migrate(). One file for each kind.
import type { Policy } from '../../migration/decision.js';
import type { MigrateOptions } from '../../migration/options.js';

export interface Method {
  readonly name: string;
  /** What it does, for people. */
  readonly summary: string;
  /** It needs a QEMU with the fake dirty filter. */
  readonly needsFilter: boolean;
  /** Part of the guest arrives after it has begun to run at the destination. */
  readonly postcopy: boolean;
  /** Arguments of the QEMU that the guest leaves. */
  readonly sourceArguments?: readonly string[];
  /** What decides in its course, beside the time that the experiment gives it. */
  readonly policy?: () => Policy;
  /** What is told here; destination and limits come from the experiment. */
  options(memoryBytes: number): Partial<MigrateOptions>;
}

/** The same with the filter, under a name that says so. */
export function withFilter(method: Method): Method {
  return {
    ...method,
    name: `${method.name}-filter`,
    summary: `${method.summary}; with the filter`,
    needsFilter: true,
    options: (memoryBytes) => ({ ...method.options(memoryBytes), filter: {} }),
  };
}
