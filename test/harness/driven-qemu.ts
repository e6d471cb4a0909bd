// The QEMUs that are driven: the one with the series, and the distribution's as people have it.
import { existsSync } from 'node:fs';
import type { TestContext } from 'vitest';
import type { Machine } from '../../lib/qemu/machine/machine.js';
import { needQemu } from './requirements.js';

const distributions = '/usr/bin/qemu-system-x86_64';

export const drivenQemus = ['with the series', "the distribution's"] as const;
export type DrivenQemu = (typeof drivenQemus)[number];

/** Its program, or the test is skipped. */
export function needDriven(context: TestContext, which: DrivenQemu): string {
  if (which === 'with the series') return needQemu(context).binary;
  if (!existsSync(distributions)) context.skip(`needs the package qemu-system-x86`);
  return distributions;
}

/** Whether its guest runs; a QEMU that has given up its guest may have ended. */
export async function runsGuest({ qmp }: Machine): Promise<boolean> {
  return await qmp.execute('query-status').then(
    ({ running }) => running,
    () => false,
  );
}
