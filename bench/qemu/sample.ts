// One migration, and the figures that it gives.
import { constants, setPriority } from 'node:os';
import { z } from 'zod';
import { mebibyte } from '../../lib/format/bytes.js';
import { migrate } from '../../lib/migration/migrate.js';
import { guestRamBytes } from '../../lib/qemu/machine/guest.js';
import type { Accelerator } from '../../lib/qemu/machine/machine.js';
import type { QmpEvent } from '../../lib/qmp/messages.js';
import type { MigrationInfo } from '../../lib/qmp/schema/migration.js';
import { MigrationPair } from '../../test/harness/migration-pair.js';
import type { MigrationPlan } from '../../test/harness/migration-plan.js';
import { ChannelTimes } from './channel-times.js';
import type { Contestant, Scenario } from './scenarios.js';

/** Where guests run, and in which ring. */
export interface Place {
  readonly accelerator: Accelerator;
  readonly ring: 0 | 3;
}

export const sampleSchema = z.object({
  /** Of the guest's working set: the same for all that are compared. */
  pages: z.number(),
  totalMs: z.number(),
  downtimeMs: z.number(),
  bytes: z.number(),
  /** After the end of the first pass. */
  msAfter: z.number(),
  bytesAfter: z.number(),
  /** Pages that were sent once more than each page once. */
  pagesAgain: z.number().optional(),
  passes: z.number(),
  /** Pages; null without the filter. */
  filter: z
    .object({ checked: z.number(), unchanged: z.number(), nsPerPage: z.number() })
    .nullable(),
  /** Milliseconds that each channel of multifd worked, the busiest first; none without multifd. */
  channelMs: z.array(z.number()),
});

/** Nothing ends a migration before it has made its passes. */
const shortestDowntimeMs = 1;

export type Sample = z.infer<typeof sampleSchema>;

function milliseconds({ timestamp: { seconds, microseconds } }: QmpEvent): number {
  return seconds * 1000 + microseconds / 1000;
}

/** Bytes sent when the second sync begins, and when that was: the end of the first pass. */
async function endOfFirstPass(pair: MigrationPair) {
  const passes = pair.source.qmp.events('MIGRATION_PASS');
  try {
    const event = await passes.until(({ data: { pass } }) => pass === 2);
    const { ram } = await pair.counts();
    return { ms: milliseconds(event), bytes: ram?.transferred ?? 0 };
  } finally {
    passes.close();
  }
}

async function completion(pair: MigrationPair): Promise<number> {
  const states = pair.source.qmp.events('MIGRATION');
  try {
    return milliseconds(await states.until(({ data: { status } }) => status === 'completed'));
  } finally {
    states.close();
  }
}

/**
 * Migrates, and has the migration end as soon as memory has been walked so often. A policy is asked ten times a second
 * at most; a walk in which all is fake takes less, and everybody has to do the same work.
 */
async function migrateInPasses(pair: MigrationPair, plan: MigrationPlan, wanted: number) {
  const passes = pair.source.qmp.events('MIGRATION_PASS');
  passes
    .until(({ data: { pass } }) => Number(pass) > wanted)
    .then(() => pair.end())
    // Closed because the migration has ended by itself. Other failures of this connection reach migrate() as well.
    .catch(() => {});
  try {
    return await pair.migrate(plan);
  } finally {
    passes.close();
  }
}

/**
 * The guest writes without end, and the two sides of the migration have a processor each only where there are
 * three. Where there are fewer it is the guest that waits, not they for it: everywhere the same is measured.
 */
async function letGuestGiveWay({ source }: MigrationPair): Promise<void> {
  for (const { 'thread-id': thread } of await source.qmp.execute('query-cpus-fast')) {
    setPriority(thread, constants.priority.PRIORITY_LOW);
  }
}

/**
 * Sends the memory nowhere once, without the filter. A hypervisor that keeps its guests' page tables makes the first
 * read of a page by a kernel many times as expensive as the next, and only who sends straight from the guest's
 * memory would pay for that: what is measured is the migration and not the machine.
 */
async function sendOnceToNowhere({ source }: MigrationPair): Promise<void> {
  await source.qmp.execute('stop');
  const to = 'exec:cat >/dev/null';
  const { outcome, reason } = await migrate(source.qmp, { to, bandwidthBytesPerSecond: 0 });
  if (outcome !== 'completed') throw new Error(`The memory could not be sent nowhere: ${reason}`);
  await source.qmp.execute('cont');
}

/** A pass of that is not over before QEMU knows how fast the link is: after 100 ms. */
const shortestPassMs = 250;
const maxPages = 2 ** 19;

/**
 * How many pages the guest needs so that a first pass takes a while. QEMU without the series ends a migration whose
 * first pass is over before it knows the bandwidth, and then not everybody would do the same work.
 */
export async function pagesFor(scenario: Scenario, binary: string, place: Place): Promise<number> {
  let { pages } = scenario.guest;
  if (scenario.bytesPerSecond > 0) return pages;
  const [contestant] = scenario.contestants;
  if (!contestant) throw new RangeError(`nobody takes part in ${scenario.name}`);
  for (;;) {
    const { totalMs, msAfter } = await measure(scenario, contestant, binary, place, pages);
    if (totalMs - msAfter >= shortestPassMs || pages * 2 > maxPages) return pages;
    pages *= 2;
  }
}

/** QEMU ends the first pass before each page was sent where it may end soon: what follows is no second time then. */
function pagesAgain({ ram }: MigrationInfo, pages: number): number {
  const sent = (ram?.normal ?? 0) + (ram?.duplicate ?? 0);
  return Math.max(0, sent - guestRamPages(pages));
}

/** All pages of its memory, in whole MiB. */
function guestRamPages(pages: number): number {
  return (Math.ceil(guestRamBytes({ pages }) / mebibyte) * mebibyte) / 4096;
}

export async function measure(
  scenario: Scenario,
  { method }: Contestant,
  binary: string,
  { accelerator, ring }: Place,
  pages: number,
): Promise<Sample> {
  const { bytesPerSecond, passes, downtimeMs } = scenario;
  const guest = { ...scenario.guest, ring, pages };
  const sourceArguments = ['-name', 'debug-threads=on'];
  const pair = await MigrationPair.start({
    ...{ binary, accelerator, guest },
    ...{ preallocate: true, sourceArguments },
  });
  try {
    await letGuestGiveWay(pair);
    await sendOnceToNowhere(pair);
    const observed = Promise.all([endOfFirstPass(pair), completion(pair)]);
    // A migration that fails says so itself.
    observed.catch(() => {});
    const channels = new ChannelTimes(pair.source.pid);
    const limits = {
      bandwidthBytesPerSecond: bytesPerSecond,
      downtimeLimitMs: downtimeMs ?? shortestDowntimeMs,
    };
    const migrating = migrateInPasses(pair, { ...method, ...limits }, passes);
    const counts = await migrating.finally(() => channels.stop());
    const [first, completedMs] = await observed;
    const bytes = counts.ram?.transferred ?? 0;
    const filter = counts['fake-dirty'];
    return {
      pages,
      totalMs: counts['total-time'] ?? 0,
      downtimeMs: counts.downtime ?? 0,
      bytes,
      msAfter: completedMs - first.ms,
      bytesAfter: bytes - first.bytes,
      pagesAgain: pagesAgain(counts, pages),
      passes: counts.ram?.['dirty-sync-count'] ?? 0,
      filter: filter
        ? {
            checked: filter.checked,
            unchanged: filter.unchanged,
            nsPerPage: filter['time-ns'] / filter.checked,
          }
        : null,
      channelMs: channels.milliseconds,
    };
  } finally {
    await pair.close();
  }
}
