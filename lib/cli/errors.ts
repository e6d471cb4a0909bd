// What a command says of an error, and the exit code that it ends with. With --json it is one object on standard output:
// {"error": {"code", "message", "exitCode"}}, with `option` and `problems` where there are some.
import { CommanderError } from 'commander';
import type { ErrorCode } from '../errors/codes.js';
import { FakedirtyError } from '../errors/error.js';
import { messageOf } from '../errors/message-of.js';
import { OptionError } from '../errors/option-error.js';
import { FleetBusyError, FleetStateError, PreflightError } from '../fleet/errors.js';
import { InterruptedError, MissingPackageError, UnmetNeedsError } from '../lab/index.js';
import { CancelReason } from '../migration/cancel-reason.js';
import { MigrationRefusedError } from '../migration/errors.js';
import { MeasurementError } from '../monitor/errors.js';
import { PolicyError } from '../policy/named.js';
import { QemuBuildError } from '../qemu/compile/errors.js';
import { QmpError } from '../qmp/errors.js';
import { SiteError } from '../site/read-site.js';
import { StepFailed } from '../system/step.js';
import { exitCodes } from './exit-codes.js';
import { flagNames } from './option-names.js';
import { outputOptions, paintFor } from './output-options.js';

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (error instanceof QemuBuildError) return exitCodes[error.failure];
  if (error instanceof MissingPackageError) return exitCodes['missing-tools'];
  if (error instanceof InterruptedError || error instanceof CancelReason) {
    return exitCodes.interrupted;
  }
  const refusals = [
    MigrationRefusedError,
    MeasurementError,
    UnmetNeedsError,
    PreflightError,
    FleetBusyError,
    FleetStateError,
  ];
  if (refusals.some((refusal) => error instanceof refusal)) return exitCodes.refused;
  if (error instanceof PolicyError || error instanceof OptionError || error instanceof SiteError)
    return exitCodes.usage;
  if (error instanceof QmpError) return exitCodes['no-qmp'];
  return exitCodes.failure;
}

function toldMessage(error: unknown): string {
  if (error instanceof CommanderError) return error.message.replace(/^error: /, '');
  if (error instanceof FakedirtyError) return error.messageIn(flagNames);
  return messageOf(error);
}

function codeOf(error: unknown): ErrorCode | string {
  if (error instanceof CommanderError) return 'ERR_COMMAND_LINE';
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' ? code : 'ERR_FAILURE';
}

function problemsOf(error: unknown): readonly string[] | undefined {
  if (error instanceof MigrationRefusedError) return error.problemsIn(flagNames);
  const { problems } = (error ?? {}) as { readonly problems?: readonly string[] };
  return Array.isArray(problems) ? problems : undefined;
}

/** An error as programs are told it. */
export function errorObject(error: unknown): object {
  const problems = problemsOf(error);
  return {
    error: {
      code: codeOf(error),
      message: toldMessage(error),
      exitCode: exitCodeOf(error),
      ...(error instanceof OptionError ? { option: error.option } : {}),
      ...(problems ? { problems } : {}),
    },
  };
}

/** Tells the error, unless it has been told, and returns the exit code. */
export function tellError(error: unknown): number {
  const exitCode = exitCodeOf(error);
  if (exitCode === exitCodes.ok) return exitCode;
  const { json, quiet } = outputOptions();
  // Commander has told its own; so has a step, unless it was quiet.
  const wasTold = error instanceof CommanderError || (error instanceof StepFailed && !quiet);
  if (json) process.stdout.write(`${JSON.stringify(errorObject(error))}\n`);
  else if (!wasTold) {
    console.error(`${paintFor(process.stderr)('error:', 'error')} ${toldMessage(error)}`);
  }
  return exitCode;
}
