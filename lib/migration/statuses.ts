// What QEMU calls the states of a migration.

/** The statuses of a migration that is over. */
export const endStatuses: readonly string[] = [
  'completed',
  'failed',
  'cancelled',
  'postcopy-paused',
];

/** Whether a migration with that status runs. */
export function isRunning(status: string): boolean {
  return status !== 'none' && !endStatuses.includes(status);
}
