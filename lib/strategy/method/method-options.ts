// What a method is called, and what `migrate()` is told for it.
import { parsePolicies } from '../../policy/named.js';
import type { MoveMethod } from '../../site/move.js';

/** A method in words. */
export function methodName({ name, hash, policy }: MoveMethod): string {
  const filter = hash === undefined ? '' : ` with ${hash}`;
  return `${name}${filter}${policy.length > 0 ? `, ${policy.join(', ')}` : ''}`;
}

/** A method as `migrate()` takes it, beside where to. */
export interface MethodOptions<Hash extends string> {
  /** How the guest moves. */
  readonly method: MoveMethod['name'];
  /** Skips fake dirty pages, where the QEMU can. */
  readonly filter?: { readonly hash: Hash; readonly ifMissing: 'leave-out' };
  /** Decides during the migration. */
  readonly policy?: ReturnType<typeof parsePolicies>;
  /** The downtime limit. */
  readonly downtimeLimitMs?: number;
  /** How fast to send. */
  readonly bandwidthBytesPerSecond?: number;
}

/** A method as `migrate()` takes it. A hash that nobody knows is refused there, as all that is wrong with a method. */
export function methodOptions<Hash extends string>(method: MoveMethod): MethodOptions<Hash> {
  const { name, hash, policy, downtimeLimitMs, bytesPerSecond } = method;
  return {
    method: name,
    ...(hash === undefined ? {} : { filter: { hash: hash as Hash, ifMissing: 'leave-out' } }),
    ...(policy.length > 0 ? { policy: parsePolicies(policy) } : {}),
    ...(downtimeLimitMs === undefined ? {} : { downtimeLimitMs }),
    ...(bytesPerSecond === undefined ? {} : { bandwidthBytesPerSecond: bytesPerSecond }),
  };
}
