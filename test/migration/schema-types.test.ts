// The interfaces that callers see, with their comments, say the same as the schemas that check what comes in.
import { expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import type {
  Decision,
  decisionSchema,
  MigrationContext,
  migrationContextSchema,
  PolicyEvaluation,
  policyEvaluationSchema,
} from '../../lib/migration/decision.js';
import type {
  limitsSchema,
  MigrateOptions,
  MigrationLimits,
  optionsSchema,
} from '../../lib/migration/options.js';
import type {
  FilterTotals,
  filterTotalsSchema,
  Pass,
  PassVerdicts,
  passSchema,
  passVerdictsSchema,
} from '../../lib/migration/pass.js';
import type { RecordingEntry, recordingEntrySchema } from '../../lib/migration/recording.js';
import type { MigrationResult, resultSchema } from '../../lib/migration/result.js';

/** The same without `readonly`, which schemas don't say. */
type Plain<T> = T extends (...args: never[]) => unknown
  ? T
  : T extends readonly (infer Item)[]
    ? Plain<Item>[]
    : T extends AbortSignal
      ? T
      : T extends object
        ? { -readonly [Name in keyof T]: Plain<T[Name]> }
        : T;

it('what schemas read from files is what the interfaces say', () => {
  type Read<Schema extends z.ZodType> = Plain<z.output<Schema>>;
  expectTypeOf<Read<typeof migrationContextSchema>>().toEqualTypeOf<Plain<MigrationContext>>();
  expectTypeOf<Read<typeof decisionSchema>>().toEqualTypeOf<Plain<Decision>>();
  expectTypeOf<Read<typeof policyEvaluationSchema>>().toEqualTypeOf<Plain<PolicyEvaluation>>();
  expectTypeOf<Read<typeof passVerdictsSchema>>().toEqualTypeOf<Plain<PassVerdicts>>();
  expectTypeOf<Read<typeof passSchema>>().toEqualTypeOf<Plain<Pass>>();
  expectTypeOf<Read<typeof filterTotalsSchema>>().toEqualTypeOf<Plain<FilterTotals>>();
  expectTypeOf<Read<typeof resultSchema>>().toEqualTypeOf<Plain<MigrationResult>>();
  expectTypeOf<Read<typeof recordingEntrySchema>>().toEqualTypeOf<Plain<RecordingEntry>>();
});

it('what callers may ask for is what the schemas accept', () => {
  type Asked<Schema extends z.ZodType> = Plain<z.input<Schema>>;
  expectTypeOf<Asked<typeof optionsSchema>>().toEqualTypeOf<Plain<MigrateOptions>>();
  expectTypeOf<Asked<typeof limitsSchema>>().toEqualTypeOf<Plain<MigrationLimits>>();
});
