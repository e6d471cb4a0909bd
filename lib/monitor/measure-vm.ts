// Measures a VM by its QMP, in the form in which what was measured is kept: how it writes, and what it uses meanwhile.
import type { QmpClient } from '../qmp/client.js';
import { measurementFormat, type VmMeasurement } from '../site/measurement.js';
import { CounterReader } from './counters.js';
import {
  checkMeasuring,
  type DirtyingMeasurement,
  type MeasureOptions,
  measureDirtying,
} from './dirtying-measurement.js';
import type { VmUse } from './observation.js';
import { totalUse, useBetween } from './vm-use.js';

/** The members that are known. */
function known<Members extends object>(members: Members): Members {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Members;
}

/** What was measured of a VM, in the form in which it is kept. */
export function vmMeasurement(
  vm: string,
  measured: DirtyingMeasurement,
  use: VmUse | undefined,
): VmMeasurement {
  const { ramBytes, pageBytes, seconds, zeroPages } = measured;
  const { marked, markedInDoubleTime, changed, changedEarly, scanMsPerPage } = measured;
  return {
    ...{ format: measurementFormat, kind: 'vm', vm, atMs: Date.now(), memoryBytes: ramBytes },
    ...(zeroPages === undefined ? {} : { zeroBytes: zeroPages * pageBytes }),
    dirtying: { seconds, marked, markedInDoubleTime, changed, changedEarly, scanMsPerPage },
    ...(use ? known(totalUse(use)) : {}),
  };
}

/** What measureDirtying() tells, and what the VM used meanwhile. */
export interface VmFigures {
  /** How it wrote. */
  readonly dirtying: DirtyingMeasurement;
  /** What it used meanwhile. */
  readonly use: VmUse | undefined;
  /** Both, in the form in which they are kept. */
  readonly measurement: VmMeasurement;
}

/** Measures how a VM writes, for about four times `seconds`, and what it uses meanwhile. */
export async function measureVm(
  vm: string,
  qmp: QmpClient,
  options: MeasureOptions = {},
): Promise<VmFigures> {
  checkMeasuring(qmp, options);
  const reader = await CounterReader.open(qmp);
  const before = await reader.read();
  const dirtying = await measureDirtying(qmp, options);
  const use = useBetween(before, await reader.read());
  return { dirtying, use, measurement: vmMeasurement(vm, dirtying, use) };
}
