// Whether runs can stand in one table: what was measured with another QEMU, or on other hosts, is another experiment.
import { option, sentence } from '../../errors/wording.js';
import { isMeasured, type MeasuredRun, type Run } from '../model/run.js';
import { ResultError } from './result-error.js';

function haveSameLink(one: Run, other: Run): boolean {
  return JSON.stringify(one.cell.link) === JSON.stringify(other.cell.link);
}

/** Linux and the bare guest stand side by side: they have different kernels, and each its best accelerator. */
function haveSameWorkload(one: Run, other: Run): boolean {
  return one.cell.workload.name === other.cell.workload.name;
}

/** What a run was measured with that the earlier ones were not, in sentences. */
export function differencesFrom(earlier: readonly Run[], run: Run): string[] {
  const { measurement } = run;
  if (!measurement) return [];
  const measured = earlier.filter(isMeasured);
  const withSameWorkload = measured.filter((each) => haveSameWorkload(each, run));
  const differs = (
    name: 'qemu' | 'accelerator' | 'kernel' | 'hosts',
    among: readonly MeasuredRun[],
  ) => {
    const other = among.find((each) => each.measurement[name] !== measurement[name]);
    return other
      ? [`${name}: "${measurement[name]}" now, "${other.measurement[name]}" before`]
      : [];
  };
  return [
    ...differs('qemu', measured),
    ...differs('accelerator', withSameWorkload),
    ...differs('kernel', withSameWorkload),
    ...differs(
      'hosts',
      measured.filter((each) => haveSameLink(each, run)),
    ),
  ];
}

/** Throws when the run can't be compared with the earlier ones of its folder. */
export function assertComparable(earlier: readonly Run[], run: Run, directory: string): void {
  const differences = differencesFrom(earlier, run);
  if (differences.length === 0) return;
  throw new ResultError(
    sentence`The results in ${directory} were measured under other conditions and can't be compared with the new run (${differences.join('; ')}). Name another folder with ${option('directory')}, or move that one away.`,
  );
}
