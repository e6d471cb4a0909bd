// Runs for spreadsheets: a line each, as RFC 4180 has it. Warm-ups and failures are there and marked.
import { type Run, stoppedBy } from '../model/run.js';

type Value = string | number | boolean | null | undefined;

const columns: Readonly<Record<string, (run: Run) => Value>> = {
  experiment: ({ experiment }) => experiment,
  run: ({ id }) => id,
  started_at: ({ startedAt }) => startedAt,
  workload: ({ cell }) => cell.workload.name,
  workload_options: ({ cell }) => JSON.stringify(cell.workload.options),
  memory_mib: ({ cell }) => cell.memoryMiB,
  method: ({ cell }) => cell.method,
  link_mbit_per_second: ({ cell }) => cell.link.megabitsPerSecond,
  link_delay_ms: ({ cell }) => cell.link.delayMs,
  link_loss_percent: ({ cell }) => cell.link.lossPercent,
  round: ({ round }) => round,
  warm_up: ({ warmUp }) => warmUp,
  failures: ({ failures }) => failures.length,
  measured: ({ measurement }) => measurement !== null,
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
  memory_pages_compared: ({ measurement }) => measurement?.memory?.pages,
  memory_pages_different: ({ measurement }) => measurement?.memory?.differentPages,
};

function field(value: Value): string {
  const text = value === null || value === undefined ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csvOf(runs: readonly Run[]): string {
  const lines = runs.map((run) =>
    Object.values(columns)
      .map((of) => field(of(run)))
      .join(','),
  );
  return `${[Object.keys(columns).join(','), ...lines].join('\r\n')}\r\n`;
}
