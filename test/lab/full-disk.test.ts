// An experiment whose results have no room any more.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { plannedRuns } from '../../lib/lab/experiment/cells.js';
import { runExperiment } from '../../lib/lab/experiment/runner.js';
import { parseExperiment } from '../../lib/lab/experiment/schema.js';
import { ResultStore } from '../../lib/lab/results/store.js';
import { experimentText, measurementOf, methods } from './measurements.js';

it('says that there is no room, keeps what was measured, and goes on when there is', async (context) => {
  if (process.getuid?.() !== 0) context.skip('needs root, to mount a small file system');
  const directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'none', directory]);
  if (mounted.status !== 0) {
    rmSync(directory, { recursive: true });
    context.skip(`needs to mount a small file system: ${mounted.stderr}`);
  }
  try {
    const experiment = parseExperiment(experimentText, 'trial.yaml', methods);
    const store = new ResultStore(directory);
    const ballast = join(directory, 'ballast');
    let runs = 0;
    const carryOut = () =>
      runExperiment({
        experiment,
        store,
        measure: () => {
          runs += 1;
          if (runs === 3) {
            // Whatever is left.
            expect(() => writeFileSync(ballast, Buffer.alloc(1 << 20))).toThrow(/ENOSPC/);
          }
          return Promise.resolve(measurementOf(1000, 1e6));
        },
      });
    await expect(carryOut()).rejects.toThrow(
      new RegExp(`can't be written to ${directory} .*no space left.*the same command goes on`),
    );
    expect(store.runs()).toHaveLength(2);
    expect(readdirSync(directory).filter((name) => name.endsWith('.part'))).toEqual([]);
    rmSync(ballast);
    const total = plannedRuns(experiment).length;
    expect(await carryOut()).toEqual({ measured: total - 2, resumed: 2, failed: [] });
  } finally {
    spawnSync('umount', [directory]);
    rmSync(directory, { recursive: true });
  }
});
