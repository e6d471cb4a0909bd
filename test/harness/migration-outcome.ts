// How a migration ended, and what it counted.
import { z } from 'zod';

export const migrationCounts = z.looseObject({
  status: z.string(),
  'error-desc': z.string().optional(),
  'total-time': z.number().optional(),
  downtime: z.number().optional(),
  ram: z
    .looseObject({
      transferred: z.number(),
      normal: z.number(),
      duplicate: z.number(),
      'dirty-sync-count': z.number(),
    })
    .optional(),
});

/** What query-migrate says on the source, what a patched QEMU adds included. */
export type MigrationCounts = z.infer<typeof migrationCounts>;

/** The migration came to another end than completion. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';

  constructor(
    readonly source: string,
    readonly destination: string,
    reason: string,
  ) {
    super(
      `The migration ended as ${source} on the source (destination: ${destination}): ${reason}`,
    );
  }
}
