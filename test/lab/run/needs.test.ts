// What an experiment needs that this machine or user does not have is reported before its first run.
import { expect, it } from 'vitest';
import { builtIn } from '../../../lib/lab/catalogue/built-in.js';
import type { Catalogue } from '../../../lib/lab/catalogue/catalogue.js';
import { parseExperiment } from '../../../lib/lab/catalogue/experiment-file.js';
import { plannedRuns } from '../../../lib/lab/plan/planned-runs.js';
import { checkNeeds, UnmetNeedsError } from '../../../lib/lab/run/needs.js';
import { leftBehind } from '../machine/experiments.js';
import { needNamespaces, needNoNetem } from '../networks.js';

interface Asked {
  readonly workloads: string;
  readonly links?: string;
  readonly kind?: 'auto' | 'loopback';
  readonly catalogue?: Catalogue;
  /** The workloads whose runs are still to be made. */
  readonly open?: (workload: string) => boolean;
}

/** The problems of an experiment. */
async function problemsOf(asked: Asked): Promise<readonly string[]> {
  const { workloads, links = '[{}]', kind = 'auto', catalogue = builtIn, open } = asked;
  const text = `name: trial\nworkloads: ${workloads}\nlinks: ${links}\nmemoryMiB: [256, 512]\nmethods: [plain]\n`;
  const experiment = parseExperiment(text, 'trial.yaml', catalogue);
  const runs = plannedRuns(experiment).filter(({ cell }) => open?.(cell.workload.name) ?? true);
  try {
    await checkNeeds({ experiment, runs, catalogue, kind });
    return [];
  } catch (error) {
    if (!(error instanceof UnmetNeedsError)) throw error;
    for (const problem of error.problems) expect(error.message).toContain(problem);
    return error.problems;
  } finally {
    expect(leftBehind()).toEqual([]);
  }
}

const links = '[{}, { delayMs: 10 }, { lossPercent: 1 }]';
const workloads = '[idle, memcached, network-send, bare-idle]';

it('reports every workload and every link that needs a network, once each, where there is none', async () => {
  const problems = await problemsOf({ workloads, links, kind: 'loopback' });
  expect(problems).toEqual([
    expect.stringMatching(
      /workload memcached needs.*: as asked\. Run as root, or remove the workload/,
    ),
    expect.stringMatching(/workload network-send needs.*: as asked\. Run as root/),
    expect.stringMatching(/10 ms each way needs.*Run as root, or remove delayMs and lossPercent/),
    expect.stringMatching(/1 % lost needs.*Run as root/),
  ]);
});

it('accepts workloads and links that need no network', async () => {
  const without = { workloads: '[idle, disk, bare-idle]', links: '[{ megabitsPerSecond: 100 }]' };
  expect(await problemsOf({ ...without, kind: 'loopback' })).toEqual([]);
});

it('ignores the needs of runs that have been measured already', async () => {
  const open = (name: string) => name === 'idle';
  expect(await problemsOf({ workloads, kind: 'loopback', open })).toEqual([]);
  expect(await problemsOf({ workloads, links, kind: 'loopback', open: () => false })).toEqual([]);
});

it('checks each workload with its options and every memory size', async () => {
  const catalogue = builtIn.with({
    workloads: [
      {
        ...builtIn.workload('idle'),
        name: 'choosy',
        commands: (options, { memoryBytes, address }) => {
          const wanted = JSON.stringify(options);
          // The file of the experiment is checked as if there were a network.
          if (memoryBytes > 256 << 20 && address === null) throw new Error(`not with ${wanted}`);
          return { inGuest: ['/bin/choosy'] };
        },
      },
    ],
  });
  const choosy = '[{ name: choosy, options: { colour: red } }]';
  expect(await problemsOf({ workloads: choosy, catalogue, kind: 'loopback' })).toEqual([
    'The workload choosy with 512 MiB: not with {"colour":"red"}',
  ]);
});

it('accepts all workloads and a link without delay or loss where there are namespaces', async (context) => {
  needNamespaces(context);
  expect(await problemsOf({ workloads })).toEqual([]);
});

it('reports every link that the kernel does not support', async (context) => {
  needNoNetem(context);
  expect(await problemsOf({ workloads, links })).toEqual([
    expect.stringMatching(/10 ms each way.*CONFIG_NET_SCH_NETEM.*remove delayMs and lossPercent/),
    expect.stringMatching(/1 % lost.*CONFIG_NET_SCH_NETEM/),
  ]);
});
