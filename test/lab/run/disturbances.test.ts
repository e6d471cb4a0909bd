// What else takes the machine's time while a lab measures: other labs, and other work.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import {
  announceLab,
  loadWarning,
  machineLoad,
  otherLabsWarning,
} from '../../../lib/lab/run/disturbances.js';
import { packageRoot } from '../../../lib/system/package-root.js';

function newDirectory({ onTestFinished }: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

describe('a machine', () => {
  it.for([
    { loadAverage: 0.2, processors: 2, pressurePercent: 1 },
    { loadAverage: 3, processors: 8, pressurePercent: undefined },
  ])('is idle enough with %j', (load) => {
    expect(loadWarning(load)).toBeUndefined();
  });

  it.for([
    [
      { loadAverage: 1.5, processors: 2, pressurePercent: undefined },
      /a load average of 1\.5 on 2 processors\. /,
    ],
    [
      { loadAverage: 0.1, processors: 1, pressurePercent: 37.4 },
      /0\.1 on 1 processor, .*37 % of the time/,
    ],
  ] as const)('is warned of with %j', ([load, warning]) => {
    expect(loadWarning(load)).toMatch(warning);
  });

  it('says how busy it is', () => {
    const { loadAverage, processors } = machineLoad();
    expect(loadAverage).toBeGreaterThanOrEqual(0);
    expect(processors).toBeGreaterThan(0);
  });
});

describe('a lab', () => {
  it('hears of another one for as long as that runs, and even if it was killed', async (context) => {
    const directory = newDirectory(context);
    const leave = announceLab(directory);
    writeFileSync(join(directory, 'fakedirty-1-2-3-lab'), 'of another boot');
    expect(otherLabsWarning(directory)).toBeUndefined();
    const program = `
      const { announceLab } = await import('${packageRoot}/dist/lab/run/disturbances.js');
      announceLab('${directory}');
      console.log('runs');
      setInterval(() => {}, 1000);`;
    const other = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(other.stdout, 'data');
    expect(otherLabsWarning(directory)).toMatch(/^1 other lab ran experiments on this machine/);
    other.kill('SIGKILL');
    await once(other, 'exit');
    expect(otherLabsWarning(directory)).toBeUndefined();
    const before = readdirSync(directory).length;
    leave();
    expect(readdirSync(directory)).toHaveLength(before - 1);
  });
});
