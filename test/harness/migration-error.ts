// A migration of a test that did not complete.
import type { MigrationResult } from '../../lib/migration/result.js';

export class MigrationError extends Error {
  override readonly name = 'MigrationError';

  constructor(
    /** The status in which the source's QEMU left the migration. */
    readonly source: string,
    readonly result: MigrationResult,
  ) {
    const { where, status } = result.guest;
    super(
      `The migration ended as ${source} on the source (guest: ${where}, ${status}): ${result.reason}`,
    );
  }
}
