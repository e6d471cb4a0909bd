// A run's machine and settings, in a line each.
import type { Run } from './schema.js';

export function machineLine({ machine }: Run): string {
  const { processor, processors, target, node, fakedirty } = machine;
  return `${processor}, ${processors} processors, ${target}; Node ${node}, fakedirty ${fakedirty}`;
}

export function settingsLine({ settings, startedAt }: Run): string {
  const { rounds, samplingMs, workingSetBytes, quick } = settings;
  const each = `${rounds} ${rounds === 1 ? 'round' : 'rounds'} of ${samplingMs} ms`;
  const memory = `${workingSetBytes / 1024 ** 2} MiB of pages`;
  return `${each} each${quick ? ' (quick)' : ''}, ${memory}, ${startedAt.slice(0, 10)}`;
}
