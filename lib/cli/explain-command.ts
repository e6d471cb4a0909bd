// `fakedirty explain`: how a VM would best be migrated, and why; or why a migration that runs does not come to its end.
import type { Command } from 'commander';
import { bytesText, timeText } from '../format/text.js';
import { isRunning } from '../migration/statuses.js';
import { startWatching } from '../migration/watch.js';
import { MeasurementError } from '../monitor/errors.js';
import { measureVm, type VmFigures } from '../monitor/measure-vm.js';
import { totalUse } from '../monitor/vm-use.js';
import { rangeText } from '../policy/forecast.js';
import type { QmpClient } from '../qmp/client.js';
import { withoutInfinity } from '../site/range.js';
import { explainRunning, type RunningExplained } from '../strategy/explain/running.js';
import { type Chooser, choosers } from '../strategy/method/choice.js';
import { type ChosenMethod, chooseMethod } from '../strategy/method/choose-method.js';
import { methodName } from '../strategy/method/method-options.js';
import { within } from '../system/deadline.js';
import {
  type ChoosingFlags,
  downtimeOption,
  goalOption,
  linkOption,
  possibleWith,
} from './choosing.js';
import { wholeSeconds } from './option-values.js';
import {
  addSourceOptions,
  connectToSource,
  type SourceFlags,
  sourceNeeds,
} from './source-option.js';
import { refuseWithoutEffect } from './without-effect.js';

interface ExplainFlags extends SourceFlags, ChoosingFlags {
  readonly downtime: number;
  readonly seconds: number;
  readonly json: boolean;
}

const titles: Readonly<Record<Chooser, string>> = {
  cheapest: 'Cheapest',
  walm: 'WALM, by the pages that it marks',
  'effective-walm': 'WALM, by the pages that really change',
};

/** What was seen of the VM, in sentences. */
function seenText({ dirtying, use }: VmFigures): string {
  const { marked, changed, seconds, ramBytes, pageBytes } = dirtying;
  const perSecond = (pages: number) => `${bytesText((pages * pageBytes) / seconds)} a second`;
  const writes = [
    ...(marked ? [`marks ${perSecond(marked.pages)}`] : []),
    ...(changed ? [`changes ${perSecond(changed.pages)}`] : []),
  ];
  const lines = [`The guest (${bytesText(ramBytes)}) ${writes.join(' and ')}.`];
  if (!use) return lines.join('\n');
  const { processors, transmitBytesPerSecond: sent, ...rest } = totalUse(use);
  const used =
    processors === undefined
      ? "its use of processors can't be seen from here"
      : `it keeps ${processors.toFixed(2)} processors busy`;
  const network =
    sent === undefined
      ? "its network can't be seen from here"
      : `sends ${bytesText(sent)} and receives ${bytesText(rest.receiveBytesPerSecond ?? 0)} a second`;
  lines.push(
    `Meanwhile ${used}, ${network}, reads ${bytesText(rest.readBytesPerSecond)} and writes ${bytesText(rest.writeBytesPerSecond)} a second.`,
  );
  return lines.join('\n');
}

function choiceText({ by, method, reason, predicted, rejected }: ChosenMethod): string {
  const lines = [`${titles[by]}: ${methodName(method)}`, `  ${reason}`];
  if (predicted) {
    lines.push(`  total time  ${rangeText(predicted.timeMs, timeText)}`);
    lines.push(`  sent        ${rangeText(predicted.bytes, bytesText)}`);
    lines.push(`  downtime    ${rangeText(predicted.downtimeMs, timeText)}`);
  }
  for (const other of rejected ?? []) lines.push(`  not ${other.reason}`);
  return lines.join('\n');
}

async function explainIdle(
  client: QmpClient,
  { link, downtime, seconds, goal, json }: ExplainFlags,
): Promise<void> {
  const possible = await possibleWith(client);
  const figures = await measureVm('', client, { seconds });
  const choices = choosers.map((by) =>
    chooseMethod(figures.measurement, {
      by,
      goal,
      linkBytesPerSecond: link,
      downtimeLimitMs: downtime,
      ...possible,
    }),
  );
  if (json) {
    const told = choices.map(({ options: _, ...choice }) => choice);
    console.log(
      JSON.stringify({ measurement: figures.measurement, choices: told }, withoutInfinity, 2),
    );
    return;
  }
  console.log(seenText(figures));
  for (const choice of choices) console.log(`\n${choiceText(choice)}`);
  console.log(
    `\nPredicted for a link of ${bytesText(link)} a second, of which its own traffic takes its part.`,
  );
}

/** Watches until enough has been seen. */
async function explainMigration(client: QmpClient, { seconds, json }: ExplainFlags): Promise<void> {
  let explained: RunningExplained | undefined;
  const watch = startWatching(client, {
    onPass: (_, observation) => {
      explained = explainRunning(observation);
    },
  });
  const lookMs = seconds * 4 * 1000;
  await within(lookMs, watch.result, () => undefined);
  await watch[Symbol.asyncDispose]();
  if (!explained) {
    const problem = `No pass of this migration ended within ${seconds * 4} s: look longer (--seconds).`;
    throw new MeasurementError(problem);
  }
  if (json) {
    console.log(JSON.stringify(explained, undefined, 2));
    return;
  }
  const { story, helps } = explained;
  for (const sentence of story) console.log(sentence);
  if (helps.length > 0) console.log('What would help:');
  for (const help of helps) console.log(`  ${help}`);
}

async function explain(flags: ExplainFlags): Promise<void> {
  await using client = await connectToSource(flags);
  const { status = 'none' } = await client.execute('query-migrate');
  if (isRunning(status)) await explainMigration(client, flags);
  else await explainIdle(client, flags);
}

export function addExplain(program: Command): void {
  const command = program
    .command('explain')
    .description(
      'Says how a VM would best be migrated and why, or why its migration does not end.',
    );
  refuseWithoutEffect(addSourceOptions(command, 'the VM'), sourceNeeds)
    .addOption(linkOption())
    .addOption(downtimeOption())
    .addOption(goalOption())
    .option(
      '--seconds <time>',
      'how long to look: for about four times so long in all',
      wholeSeconds,
      2,
    )
    .option('--json', 'print JSON', false)
    .addHelpText(
      'after',
      `
The VM is measured as by "fakedirty estimate" and "fakedirty observe", and nothing is changed; with --domain libvirt
marks the domain as tainted ("custom-monitor"). Three choose. WALM migrates memory-intensive VMs by post-copy, those
that mostly receive by pre-copy, those that mostly send by post-copy, and all others by pre-copy that switches to
post-copy when it does not converge. The second does the same by the pages that really change, as the filter sees
them. The third takes the method that is predicted to cost least. A VM is memory-intensive when it dirties 50 % of
the link, and network-intensive when it sends or receives 30 % of it.

While the VM is being migrated, the migration is watched for some passes instead: why it does not converge, and what
would help.

Example:
  fakedirty explain --qmp /run/vm.qmp --link 10Gbit`,
    )
    .action((flags: ExplainFlags) => explain(flags));
}
