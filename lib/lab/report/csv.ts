// Runs for spreadsheets, one line each. Warm-ups and runs that failed are included and marked.
import { type CsvValue, csvText } from '../../format/csv.js';
import type { Run } from '../model/run.js';
import { stoppedBy } from '../model/stopped-by.js';

const columns: Readonly<Record<string, (run: Run) => CsvValue>> = {
  experiment: ({ experiment }) => experiment,
  run: ({ id }) => id,
  started_at: ({ startedAt }) => startedAt,
  workload: ({ cell }) => cell.workload.name,
  workload_options: ({ cell }) => JSON.stringify(cell.workload.options),
  memory_mib: ({ cell }) => cell.memoryMiB,
  method: ({ cell }) => cell.method,
  chosen_method: ({ measurement }) => measurement?.choice?.method,
  choosing_ms: ({ measurement }) => measurement?.choice?.tookMs,
  link_mbit_per_second: ({ cell }) => cell.link.megabitsPerSecond,
  link_delay_ms: ({ cell }) => cell.link.delayMs,
  link_loss_percent: ({ cell }) => cell.link.lossPercent,
  round: ({ round }) => round,
  warm_up: ({ warmUp }) => warmUp,
  failures: ({ failures }) => failures.length,
  measured: ({ measurement }) => measurement !== null,
  disturbances: ({ disturbances }) => disturbances.join(' '),
  qemu: ({ measurement }) => measurement?.qemu,
  accelerator: ({ measurement }) => measurement?.accelerator,
  total_ms: ({ measurement }) => measurement?.migration.totalMs,
  downtime_ms: ({ measurement }) => measurement?.migration.downtimeMs,
  sent_bytes: ({ measurement }) => measurement?.migration.bytes.total,
  first_pass_bytes: ({ measurement }) => measurement?.migration.bytes.firstPass,
  retransferred_bytes: ({ measurement }) => measurement?.migration.bytes.retransferred,
  migration_cpu_ms: ({ measurement }) => measurement?.migration.migrationCpuMs,
  extra_memory_bytes: ({ measurement }) => measurement?.migration.extraMemoryBytes,
  stopped_by: ({ measurement }) => measurement && stoppedBy(measurement),
  passes: ({ measurement }) => measurement?.migration.passes.length,
  pages_checked: ({ measurement }) => measurement?.migration.filter?.checked,
  pages_first: ({ measurement }) => measurement?.migration.filter?.first,
  pages_zero: ({ measurement }) => measurement?.migration.filter?.zero,
  pages_changed: ({ measurement }) => measurement?.migration.filter?.changed,
  pages_unchanged: ({ measurement }) => measurement?.migration.filter?.unchanged,
  pages_unseen: ({ measurement }) => measurement?.migration.filter?.unseen,
  memory_pages_compared: ({ measurement }) => measurement?.memory?.pages,
  memory_pages_different: ({ measurement }) => measurement?.memory?.differentPages,
};

/** The runs as CSV. */
export function csvOf(runs: readonly Run[]): string {
  return csvText(columns, runs);
}
