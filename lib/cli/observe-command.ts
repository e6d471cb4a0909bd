// `fakedirty observe`: what a VM uses, live.
import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { messageOf } from '../errors/message-of.js';
import { OptionError } from '../errors/option-error.js';
import { LiveBlock } from '../format/live-block.js';
import { bytesText, percentText } from '../format/text.js';
import { parseObservation, type VmObservation, type VmUse } from '../monitor/observation.js';
import { observeVm } from '../monitor/observe-vm.js';
import { totalUse } from '../monitor/vm-use.js';
import { exitCodes } from './exit-codes.js';
import { milliseconds } from './option-values.js';
import { interruptible } from './session.js';
import {
  addSourceOptions,
  connectToSource,
  type SourceFlags,
  sourceNeeds,
} from './source-option.js';
import { refuseWithoutEffect, replacedBy } from './without-effect.js';

interface ObserveFlags extends SourceFlags {
  readonly period: number;
  readonly smoothing: number;
  readonly for?: number;
  readonly replay?: string;
  readonly json: boolean;
}

function weight(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1) return value;
  throw new InvalidArgumentError('Expected a number above 0, to 1, such as 0.3.');
}

const unknown = 'not known';

function rateText(bytesPerSecond: number | undefined): string {
  return bytesPerSecond === undefined ? unknown : `${bytesText(bytesPerSecond)}/s`;
}

function clockText(atMs: number): string {
  return new Date(atMs).toISOString().slice(11, 19);
}

/** One line for each period. */
function lineOf(atMs: number, use: VmUse): string {
  const { processors, ...rates } = totalUse(use);
  const gone = use.vanished.length > 0 ? `  gone: ${use.vanished.join(', ')}` : '';
  return (
    `${clockText(atMs)}  processors ${processors?.toFixed(2) ?? unknown}` +
    `  sends ${rateText(rates.transmitBytesPerSecond)}` +
    `  receives ${rateText(rates.receiveBytesPerSecond)}` +
    `  reads ${rateText(rates.readBytesPerSecond)}` +
    `  writes ${rateText(rates.writeBytesPerSecond)}${gone}`
  );
}

/** A line for each part. */
function blockOf(atMs: number, use: VmUse): string[] {
  const { vcpus, interfaces, disks } = use;
  return [
    lineOf(atMs, use),
    ...(vcpus ?? []).map(({ name, share }) => `  ${name}: ${percentText(share)} of a processor`),
    ...(interfaces ?? []).map(
      ({ name, ...rates }) =>
        `  ${name}: sends ${rateText(rates.transmitBytesPerSecond)}, receives ${rateText(rates.receiveBytesPerSecond)}`,
    ),
    ...disks.map(
      ({ name, ...rates }) =>
        `  ${name}: reads ${rateText(rates.readBytesPerSecond)}, writes ${rateText(rates.writeBytesPerSecond)}`,
    ),
  ];
}

/** Shows observations: on a terminal in place, elsewhere line by line, for programs as JSON Lines. */
class ObservationDisplay {
  readonly #block = new LiveBlock(process.stdout);
  readonly #isJson: boolean;

  constructor(isJson: boolean) {
    this.#isJson = isJson;
  }

  note(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  silence(): void {
    this.#block.silence();
  }

  show(observation: VmObservation): void {
    if (this.#isJson) process.stdout.write(`${JSON.stringify(observation)}\n`);
    else if (observation.type === 'gone')
      this.#block.print(`The VM is gone: ${observation.reason}`);
    else if (this.#block.isLive) this.#block.show(blockOf(observation.atMs, observation.use));
    else process.stdout.write(`${lineOf(observation.atMs, observation.use)}\n`);
  }
}

function replayed(path: string): VmObservation[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new OptionError('--replay', `"${path}" can't be read: ${messageOf(error)}`);
  }
  return text.split('\n').flatMap((line, at) => {
    if (line.trim() === '') return [];
    const read = parseObservation(line);
    if ('observation' in read) return [read.observation];
    throw new OptionError('--replay', `"${path}", line ${at + 1}: ${read.problem}`);
  });
}

async function observe(flags: ObserveFlags): Promise<void> {
  const display = new ObservationDisplay(flags.json);
  if (flags.replay !== undefined) {
    for (const observation of replayed(flags.replay)) display.show(observation);
    return;
  }
  await using client = await connectToSource(flags);
  using interrupt = interruptible(display, 'No longer observing.', '');
  const { signal: stopped } = interrupt;
  const over = flags.for === undefined ? undefined : AbortSignal.timeout(flags.for);
  const signal = over ? AbortSignal.any([stopped, over]) : stopped;
  const { period: periodMs, smoothing } = flags;
  try {
    for await (const observation of observeVm(client, { periodMs, smoothing, signal })) {
      display.show(observation);
      if (observation.type === 'gone') process.exitCode = exitCodes['no-qmp'];
    }
  } catch (error) {
    if (stopped.aborted) process.exitCode = exitCodes.interrupted;
    else if (!over?.aborted) throw error;
  }
}

export function addObserve(program: Command): void {
  const command = program
    .command('observe')
    .description('Shows what a running VM uses: processors, network, disks.');
  addSourceOptions(
    command,
    'the VM',
    (options: Partial<ObserveFlags>) => options.replay !== undefined,
  )
    .option('--period <time>', 'time between two looks, from 100ms on', milliseconds, 1000)
    .option(
      '--smoothing <share>',
      'what the newest look counts for beside the older ones, above 0; 1 smooths nothing',
      weight,
      1,
    )
    .option('--for <time>', 'stop after that time', milliseconds)
    .option('--replay <file>', 'show what "fakedirty observe --json" wrote into this file')
    .option('--json', 'print JSON Lines', false)
    .addHelpText(
      'after',
      `
Nothing runs in the guest. Processors are those of the vCPU threads; network is what goes through the host's ends
of its cards (taps, with vhost or without, in whichever namespace its QEMU is); disks are what QEMU counts. What can't
be seen from here is "not known": a QEMU on another machine, or of another user, and cards that are no taps.
A part that vanishes is named; when the VM itself is gone, that is said, with exit code 9. With --domain it is asked
through libvirt, which marks the domain as tainted ("custom-monitor") for that.

Example:
  fakedirty observe --qmp /run/vm.qmp --period 5s --json > vm.jsonl`,
    )
    .action((flags: ObserveFlags) => observe(flags));
  refuseWithoutEffect(command, [
    ...sourceNeeds,
    ...['--qmp', '--domain', '--period', '--smoothing', '--for'].map((option) =>
      replacedBy(option, '--replay'),
    ),
  ]);
}
