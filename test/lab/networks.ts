// What this machine can do between hosts. Whoever needs what is not here is skipped, and says what it needs.
import { execFileSync, spawnSync } from 'node:child_process';
import type { TestContext } from 'vitest';
import { whyNoNamespaces } from '../../lib/lab/hosts/namespaced.js';

/** The reason why packets can be neither delayed nor lost here; undefined: they can. */
function whyNoNetem(): string | undefined {
  const name = `fdtest-netem-${process.pid}`;
  execFileSync('ip', ['netns', 'add', name]);
  try {
    const netem = ['qdisc', 'add', 'dev', 'lo', 'root', 'netem', 'delay', '1ms'];
    const { status, stderr } = spawnSync('tc', ['-n', name, ...netem], { encoding: 'utf8' });
    return status === 0 ? undefined : stderr.trim();
  } finally {
    execFileSync('ip', ['netns', 'del', name]);
  }
}

const noNamespaces = whyNoNamespaces();
const noNetem = noNamespaces ?? whyNoNetem();

export function needNamespaces(context: TestContext): void {
  if (noNamespaces) context.skip(`needs network namespaces: ${noNamespaces}`);
}

export function needNetem(context: TestContext): void {
  needNamespaces(context);
  if (noNetem) context.skip(`needs a kernel with netem (CONFIG_NET_SCH_NETEM): ${noNetem}`);
}

export function needNoNetem(context: TestContext): void {
  needNamespaces(context);
  if (!noNetem) context.skip('needs a kernel without netem');
}
