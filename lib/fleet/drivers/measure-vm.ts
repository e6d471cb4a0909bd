// Measures a VM by its QMP, in the form in which what was measured is kept.
import { type DirtyingMeasurement, measureDirtying } from '../../monitor/dirtying-measurement.js';
import type { QmpClient } from '../../qmp/client.js';
import { measurementFormat, type VmMeasurement } from '../../site/measurement.js';

function vmMeasurement(vm: string, measured: DirtyingMeasurement): VmMeasurement {
  const { ramBytes, pageBytes, seconds, zeroPages } = measured;
  const { marked, markedInDoubleTime, changed, changedEarly, scanMsPerPage } = measured;
  return {
    ...{ format: measurementFormat, kind: 'vm', vm, atMs: Date.now(), memoryBytes: ramBytes },
    ...(zeroPages === undefined ? {} : { zeroBytes: zeroPages * pageBytes }),
    dirtying: { seconds, marked, markedInDoubleTime, changed, changedEarly, scanMsPerPage },
  };
}

/** Measures how a VM writes, for about four times so long. */
export async function measureVm(
  vm: string,
  qmp: QmpClient,
  seconds: number,
): Promise<VmMeasurement> {
  return vmMeasurement(vm, await measureDirtying(qmp, { seconds }));
}
