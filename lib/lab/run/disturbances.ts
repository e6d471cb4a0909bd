// What else takes this machine's time while runs are measured: another lab, or other work. It is told before the first run,
// and kept with each run that it may have disturbed.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { plural } from '../../format/plural.js';
import { isOwned, ownedName } from '../../system/owner.js';
import { undoAtExit } from '../../system/signals.js';

const label = 'lab';
/** With more of the processors taken, or with work that waits for that share of the time, figures are not to be trusted. */
const busyShare = 0.5;
const busyPressurePercent = 10;

/** How busy a machine is. */
export interface MachineLoad {
  /** Processes that ran or waited to run, over the last minute. */
  readonly loadAverage: number;
  readonly processors: number;
  /** The share of the last ten seconds in which something waited for a processor; undefined: the kernel does not tell. */
  readonly pressurePercent: number | undefined;
}

function pressurePercent(): number | undefined {
  try {
    const [, share] = /^some avg10=([\d.]+)/.exec(readFileSync('/proc/pressure/cpu', 'utf8')) ?? [];
    return share === undefined ? undefined : Number(share);
  } catch {
    return undefined;
  }
}

/** How busy this machine is. */
export function machineLoad(): MachineLoad {
  const [loadAverage = 0] = loadavg();
  return { loadAverage, processors: availableParallelism(), pressurePercent: pressurePercent() };
}

/** A warning where other work disturbs what is measured; undefined: the machine is idle enough. */
export function loadWarning(load: MachineLoad): string | undefined {
  const { loadAverage, processors, pressurePercent: pressure = 0 } = load;
  if (loadAverage < busyShare * processors && pressure < busyPressurePercent) return undefined;
  const waited =
    pressure > 0 ? `, and work waited for them ${pressure.toFixed(0)} % of the time` : '';
  return (
    `Other programs kept this machine busy before the start: a load average of ${loadAverage.toFixed(1)} on ` +
    `${plural(processors, 'processor')}${waited}. Times and downtimes may be longer and vary more.`
  );
}

/** In memory: it is the same for everybody on a machine, and empty after a restart. */
function place(): string {
  return existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
}

/** Says to other labs on this machine that one runs here, until the function returned is called. */
export function announceLab(directory = place()): () => void {
  const file = join(directory, ownedName(label));
  const remove = () => rmSync(file, { force: true });
  const cancelCleanup = undoAtExit(remove);
  // Anybody may write there: nothing that others have put there is opened.
  writeFileSync(file, '', { flag: 'wx', mode: 0o600 });
  return () => {
    remove();
    cancelCleanup();
  };
}

/** A warning where other labs run on this machine; undefined: there are none. */
export function otherLabsWarning(directory = place()): string | undefined {
  const own = ownedName(label);
  const others = readdirSync(directory).filter(
    (name) => name !== own && name.endsWith(`-${label}`) && isOwned(name),
  );
  if (others.length === 0) return undefined;
  return (
    `${plural(others.length, 'other lab')} ran experiments on this machine at the same time: ` +
    'each disturbs what the others measure.'
  );
}
