// What becomes of this process when its output goes nowhere any more: `| head` has seen enough, the terminal is gone,
// the disk is full. It ends quietly, as other programs do, unless it has something to look after first.

/** As shells have it for a program that wrote to a closed pipe. */
const closedPipeExitCode = 141;

type Handler = (reason: string) => void;

const handlers = new Set<Handler>();
let reason: string | undefined;

const codes: Readonly<Record<string, string>> = {
  EPIPE: 'nobody reads its output any more',
  EIO: 'its terminal is gone',
  ENOSPC: 'the disk that its output goes to is full',
};

function onError(error: NodeJS.ErrnoException): void {
  // Only the first one is news.
  if (reason !== undefined) return;
  const { code = '', message } = error;
  reason = `${codes[code] ?? 'its output failed'} (${code || message})`;
  // What has been done has an exit code already.
  if (handlers.size === 0) process.exit(process.exitCode ?? closedPipeExitCode);
  for (const handler of handlers) handler(reason);
}

/** From now on, a failing output ends this process, or tells those who want to know. */
export function guardOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', onError);
}

/** Calls `handler` instead of ending the process; at once if the output is lost already. */
export function whenOutputIsLost(handler: Handler): Disposable {
  handlers.add(handler);
  if (reason !== undefined) handler(reason);
  return { [Symbol.dispose]: () => handlers.delete(handler) };
}
