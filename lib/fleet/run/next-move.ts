// Which move of a drain begins next, if one may begin now. Pure.
import type { Move } from '../../site/move.js';
import { isWithin, windowText } from '../../site/time-window.js';
import type { EntryOf } from '../journal/entries.js';
import type { OpenDrain } from '../journal/state.js';

/** How a drain ends. */
export type DrainOutcome = EntryOf<'drained'>['outcome'];

/** What a drain does next. */
export type NextMove =
  | { readonly do: 'move'; readonly move: Move }
  /** Nothing yet; why, in a sentence. */
  | { readonly do: 'wait'; readonly reason: string }
  | { readonly do: 'end'; readonly outcome: DrainOutcome; readonly reason: string };

function end(outcome: DrainOutcome, reason: string): NextMove {
  return { do: 'end', outcome, reason };
}

/** The time of day of this machine's clock. */
function clockText(ms: number): string {
  const time = new Date(ms);
  const two = (number: number) => String(number).padStart(2, '0');
  return `${two(time.getHours())}:${two(time.getMinutes())}`;
}

function leftText({ plan }: OpenDrain): string {
  const stay = plan?.left.map(({ vm }) => vm) ?? [];
  const except = stay.length > 0 ? ` but for ${stay.join(', ')}` : '';
  return `Every VM has left${except}.`;
}

/** What a drain does next, at that time. */
export function nextMove(drain: OpenDrain, nowMs: number): NextMove {
  const { begin, plan, ended } = drain;
  const { stopAfterFailures, byMs, windows, canary } = begin.options;
  if (drain.isCancelled) return end('cancelled', 'It was cancelled.');
  const failures = ended.filter(({ outcome }) => outcome !== 'moved');
  const failed = `${failures.length} of its moves failed: ${failures.at(-1)?.reason}`;
  if (failures.length >= stopAfterFailures) return end('stopped', failed);
  const move = plan?.moves[ended.length];
  if (!move)
    return failures.length === 0 ? end('drained', leftText(drain)) : end('stopped', failed);
  if (byMs !== undefined && nowMs + move.predicted.timeMs.expected > byMs) {
    return end('stopped', `${move.vm} would not be gone by ${clockText(byMs)}.`);
  }
  if (drain.isPaused) return { do: 'wait', reason: 'It is paused: "fakedirty resume" goes on.' };
  const moved = ended.length - failures.length;
  if (canary !== undefined && moved >= canary && !drain.wasResumed) {
    const reason = `${moved} moved first, to be looked at: "fakedirty resume" moves the rest, "fakedirty cancel" does not.`;
    return { do: 'wait', reason };
  }
  if (windows.length > 0 && !windows.some((window) => isWithin(window, nowMs))) {
    return { do: 'wait', reason: `Moves begin at ${windows.map(windowText).join(' and ')} only.` };
  }
  return { do: 'move', move };
}
