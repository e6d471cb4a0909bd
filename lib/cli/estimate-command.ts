// `fakedirty estimate`: what a migration of a running VM would cost by each method, before it is begun.
import type { Command } from 'commander';
import { plural } from '../format/plural.js';
import { bytesText, percentText, timeText } from '../format/text.js';
import {
  type DirtyingMeasurement,
  measureDirtying,
  type PageEstimate,
} from '../monitor/dirtying-measurement.js';
import { type Forecast, forecast, rangeText } from '../policy/forecast.js';
import { downtimeOption, linkOption } from './choosing.js';
import { wholeSeconds } from './option-values.js';
import { suggestInstead } from './other-names.js';
import {
  addSourceOptions,
  connectToSource,
  type SourceFlags,
  sourceNeeds,
} from './source-option.js';
import { refuseWithoutEffect } from './without-effect.js';

interface EstimateFlags extends SourceFlags {
  link: number;
  downtime: number;
  seconds: number;
  json: boolean;
}

function print(
  measurement: DirtyingMeasurement,
  { fakeShare, methods, confidence }: Forecast,
): void {
  const { marked, changed, seconds, ramBytes, overhead } = measurement;
  const pages = (what: string, measured: PageEstimate | undefined) =>
    measured
      ? [
          `${what} ${plural(Math.round(measured.pages), 'page')} (± ${Math.round(measured.errorPages)})`,
        ]
      : [];
  const done = [...pages('marked', marked), ...pages('really changed', changed)].join(' and ');
  console.log(`In ${seconds} s the guest (${bytesText(ramBytes)}) ${done}.`);
  if (fakeShare) console.log(`Fake dirty: ${rangeText(fakeShare, percentText)} of what is marked.`);
  for (const { method, bytes, totalMs, downtimeMs } of methods) {
    console.log(`${method}:`);
    console.log(`  total time  ${rangeText(totalMs, timeText)}`);
    console.log(`  sent        ${rangeText(bytes, bytesText)}`);
    console.log(`  downtime    ${rangeText(downtimeMs, timeText)}`);
  }
  console.log(confidence);
  const { totalMs, qemuCpuMs, ownCpuMs } = overhead;
  const theirs = qemuCpuMs === undefined ? '' : `, ${timeText(qemuCpuMs)} of CPU in QEMU`;
  console.log(
    `Measuring took ${timeText(totalMs)}${theirs} and ${timeText(ownCpuMs)} of CPU here. ` +
      'The guest pays a page fault for the first write to each page after its mark was cleared.',
  );
}

async function run(flags: EstimateFlags): Promise<void> {
  const { link, downtime, seconds, json } = flags;
  const client = await connectToSource(flags);
  try {
    const measurement = await measureDirtying(client, { seconds });
    const predicted = forecast(measurement, {
      linkBytesPerSecond: link,
      downtimeLimitMs: downtime,
    });
    if (json) console.log(JSON.stringify({ measurement, ...predicted }, null, 2));
    else print(measurement, predicted);
  } finally {
    await client.close();
  }
}

export function addEstimate(program: Command): void {
  const command = suggestInstead(program.command('estimate'), '--bandwidth', '--link').description(
    'Predicts what migrating a running VM would cost by each method.',
  );
  refuseWithoutEffect(addSourceOptions(command, 'the VM'), sourceNeeds)
    .addOption(linkOption())
    .addOption(downtimeOption())
    .option(
      '--seconds <time>',
      'length of each of three measurements; the last takes twice that',
      wholeSeconds,
      2,
    )
    .option('--json', 'print JSON', false)
    .addHelpText(
      'after',
      `
QEMU does not need the filter for this. The command counts the pages that the guest marks (calc-dirty-rate,
dirty-bitmap) and the pages whose contents change. The difference is the fake share. Contents are compared by a
sample of QEMU's or, where guest memory is a shared file on this machine (memory-backend-file, share=on), by
fingerprinting all of it three times. Marks are counted with KVM only: asking for them crashes some QEMUs
under TCG. With --domain it is asked through libvirt, which marks the domain as tainted ("custom-monitor") for that.

Example:
  fakedirty estimate --qmp /run/vm.qmp --link 10Gbit --downtime 100ms`,
    )
    .action((flags: EstimateFlags) => run(flags));
}
