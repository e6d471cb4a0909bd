// What a VM's own traffic leaves of the way for its migration.
import type { VmMeasurement } from '../../site/measurement.js';
import type { MoveMethod } from '../../site/move.js';

/** However much a VM sends, its migration gets this share of the way: both are streams that share it. */
const leastShare = 0.05;

/**
 * Bytes a second that are left. While it runs at the source, what it sends leaves by the same card as its pages; once it
 * runs at the destination, what it receives arrives by the same card as these. (Deshpande and Keahey.)
 */
export function besideOwnTraffic(
  bytesPerSecond: number,
  { transmitBytesPerSecond = 0, receiveBytesPerSecond = 0 }: VmMeasurement,
  { name }: Pick<MoveMethod, 'name'>,
): number {
  const own = name === 'post-copy' ? receiveBytesPerSecond : transmitBytesPerSecond;
  return Math.max(bytesPerSecond - own, bytesPerSecond * leastShare);
}
