export class StepFailed extends Error {}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string | undefined>;
  readonly mayFail?: boolean;
}

export type Run = (command: string, args: string[], options?: RunOptions) => Promise<number | null>;

export interface StepDescription {
  readonly title: string;
  readonly detail?: string;
  readonly log: string;
  readonly progress?: (endOfLog: string) => string | undefined;
}

export function step<T>(
  description: StepDescription,
  body: (tools: { run: Run; log: string }) => Promise<T> | T,
): Promise<T>;
