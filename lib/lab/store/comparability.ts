// Whether runs can stand in one table: what was made with another QEMU, or on other hosts, is another experiment.
import { isMeasured, type Run } from '../model/run.js';

function sameLink(one: Run, other: Run): boolean {
  return JSON.stringify(one.cell.link) === JSON.stringify(other.cell.link);
}

/** Linux and the bare guest stand side by side: that they have another kernel is what is compared. */
function sameWorkload(one: Run, other: Run): boolean {
  return one.cell.workload.name === other.cell.workload.name;
}

/** What a run was made with that those before it were not, in sentences. */
export function differencesFrom(earlier: readonly Run[], run: Run): string[] {
  const { measurement } = run;
  if (!measurement) return [];
  const measured = earlier.filter(isMeasured);
  const differs = (name: 'qemu' | 'accelerator' | 'kernel' | 'hosts', among: typeof measured) => {
    const other = among.find((each) => each.measurement[name] !== measurement[name]);
    return other
      ? [`${name}: "${measurement[name]}", and before "${other.measurement[name]}"`]
      : [];
  };
  return [
    ...differs('qemu', measured),
    ...differs('accelerator', measured),
    ...differs(
      'kernel',
      measured.filter((each) => sameWorkload(each, run)),
    ),
    ...differs(
      'hosts',
      measured.filter((each) => sameLink(each, run)),
    ),
  ];
}
