// Why there is no QEMU. Each kind is an exit code of the command line (lib/cli/exit-codes.ts).

import type { ErrorCode } from '../../errors/codes.js';
import { FakedirtyError } from '../../errors/error.js';
import type { Words } from '../../errors/wording.js';

export type BuildFailure =
  | 'missing-tools'
  | 'no-source'
  | 'series-does-not-apply'
  | 'disk-full'
  | 'compilation'
  | 'not-built';

const codes = {
  'missing-tools': 'ERR_BUILD_MISSING_TOOLS',
  'no-source': 'ERR_BUILD_NO_SOURCE',
  'series-does-not-apply': 'ERR_BUILD_SERIES',
  'disk-full': 'ERR_BUILD_DISK_FULL',
  compilation: 'ERR_BUILD_COMPILATION',
  'not-built': 'ERR_NOT_BUILT',
} as const satisfies Record<BuildFailure, ErrorCode>;

export class QemuBuildError extends FakedirtyError {
  override readonly name = 'QemuBuildError';
  override readonly code: ErrorCode;

  constructor(
    readonly failure: BuildFailure,
    message: Words,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = codes[failure];
  }
}
