// Why there is no QEMU. Each kind is an exit code of the command line (lib/cli/exit-codes.ts).

export type BuildFailure =
  | 'missing-tools'
  | 'no-source'
  | 'series-does-not-apply'
  | 'disk-full'
  | 'compilation'
  | 'not-built';

export class QemuBuildError extends Error {
  override readonly name = 'QemuBuildError';

  constructor(
    readonly failure: BuildFailure,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
