// What is said of moves: one sentence for each entry of a journal that a person wants to hear of.

import type { EntryOf, FleetEntry, MoveFigures } from '../../fleet/journal/entries.js';
import type { FleetState, OpenDrain } from '../../fleet/journal/state.js';
import type { DrainPlan } from '../../fleet/plan-drain.js';
import type { LiveMove } from '../../fleet/status.js';
import { inColumns, left, right } from '../../format/columns.js';
import { plural } from '../../format/plural.js';
import { bytesText, timeText, waitText } from '../../format/text.js';
import type { Move } from '../../site/move.js';
import type { Range } from '../../site/range.js';
import { methodName } from '../../strategy/method/method-options.js';

function rangeText({ low, expected, high }: Range, text: (value: number) => string): string {
  // As if the guest did not write, and used all of its memory: it may be more, or less.
  if (!Number.isFinite(high)) return `${low < expected ? 'about' : 'at least'} ${text(expected)}`;
  return `${text(expected)} (${text(low)} to ${text(high)})`;
}

/** The plan as a table, and what stays. */
export function planText({ moves, left: staying }: DrainPlan): string {
  const columns = [left('VM'), left('to'), left('method'), right('time'), right('bytes')];
  const rows = moves.map(({ vm, to, method, predicted }) => [
    vm,
    to,
    methodName(method),
    rangeText(predicted.timeMs, timeText),
    rangeText(predicted.bytes, bytesText),
  ]);
  const table = moves.length > 0 ? inColumns(columns, rows) : 'There is no VM to move.\n';
  return table + staying.map(({ vm, reason }) => `${vm} stays: ${reason}\n`).join('');
}

/** How many moves of a drain have ended. */
export function countText({ begin, plan, ended, isCancelled, isPaused }: OpenDrain): string {
  const how = isCancelled ? ', being cancelled' : isPaused ? ', paused' : '';
  const moves = plan?.moves.length ?? 0;
  return `Draining ${begin.host}${how}: ${ended.length} of ${moves} moves have ended`;
}

/** How far each move is, and all of them together: the last line. */
export function drainLines({ drain, open }: FleetState, live: LiveMove | undefined): string[] {
  if (!drain?.plan) return [];
  const { moves } = drain.plan;
  const columns = [left('VM'), left('to'), left('state'), right('sent'), right('passes')];
  const rows = moves.map(({ vm, to }, at) => {
    const ended = drain.ended[at];
    const { figures } = ended ?? {};
    if (ended) {
      const cost = figures ? [bytesText(figures.bytes), String(figures.passes)] : ['', ''];
      return [vm, to, ended.outcome, ...cost];
    }
    if (open?.begin.move.vm !== vm) return [vm, to, 'waits', '', ''];
    const sent = live?.sentBytes === undefined ? '' : bytesText(live.sentBytes);
    const passes = live?.passes === undefined ? '' : String(live.passes);
    return [vm, to, open.asked === undefined ? 'is moved' : 'waits for a person', sent, passes];
  });
  const remaining = live?.leftMs === undefined ? '' : `, ${waitText(live.leftMs)} left`;
  const done = live ? `, ${live.percent} %${remaining}` : '';
  const table = inColumns(columns, around(rows, drain.ended.length)).trimEnd().split('\n');
  return [...table, `${countText(drain)}${done}`];
}

/** Of many moves those that matter now: what ended last, what is under way, what comes next. */
const [shownBefore, shownAfter] = [4, 8];

function around<Row>(rows: readonly Row[], at: number): readonly Row[] {
  return rows.slice(Math.max(0, at - shownBefore), at + shownAfter);
}

function figuresText({ timeMs, bytes, downtimeMs, passes }: MoveFigures): string {
  const downtime = downtimeMs === undefined ? '' : `, downtime ${timeText(downtimeMs)}`;
  return `${timeText(timeMs)}, ${bytesText(bytes)} in ${plural(passes, 'pass', 'passes')}${downtime}`;
}

function endedText(vm: string, { outcome, reason, figures }: EntryOf<'ended'>): string {
  const cost = figures && outcome === 'moved' ? `: ${figuresText(figures)}` : '';
  return outcome === 'moved' ? `${vm} moved${cost}` : `${vm} ${outcome}: ${reason}`;
}

/** Which VM an attempt is of. */
export type VmOf = (attempt: string) => string;

/** What is said of an entry; undefined: nothing. */
export function entryText(entry: FleetEntry, vmOf: VmOf): string | undefined {
  switch (entry.type) {
    case 'attempt': {
      const { vm, from, to, method, reasons } = entry.move;
      return `${vm}: ${from} → ${to}, ${methodName(method)}. ${reasons.join(' ')}`;
    }
    case 'failed-act':
      return `${vmOf(entry.attempt)}: ${entry.action} failed: ${entry.reason}`;
    case 'decided': {
      const { policy, choice, reason } = entry.decision;
      return `${vmOf(entry.attempt)}: ${policy} chose ${choice}. ${reason}`;
    }
    case 'give-up':
      return `${vmOf(entry.attempt)}: given up: ${entry.reason}`;
    case 'trouble':
      return entry.reason;
    case 'asked':
      return (
        `${vmOf(entry.attempt)}: ${entry.reason} Look at both sides. Then "fakedirty settle ${vmOf(entry.attempt)}" says ` +
        'where the guest goes on.'
      );
    case 'ended':
      return endedText(vmOf(entry.attempt), entry);
    case 'wish':
      return entry.wish.wants === 'settle'
        ? `${entry.wish.user} settles ${entry.wish.vm}: ${entry.wish.as}`
        : `${entry.wish.user}: ${entry.wish.wants}`;
    case 'drained':
      return `${entry.host}: ${entry.outcome}. ${entry.reason}`;
    default:
      return undefined;
  }
}

/** What was predicted beside what happened, for each move that ended. */
export function comparisonText(
  moves: readonly Move[],
  ended: readonly EntryOf<'ended'>[],
): string | undefined {
  const rows = ended.flatMap(({ outcome, figures }, at) => {
    const move = moves[at];
    if (!move || !figures || outcome !== 'moved') return [];
    const { predicted } = move;
    return [
      [
        move.vm,
        rangeText(predicted.timeMs, timeText),
        timeText(figures.timeMs),
        rangeText(predicted.bytes, bytesText),
        bytesText(figures.bytes),
      ],
    ];
  });
  if (rows.length === 0) return undefined;
  const columns = [
    left('VM'),
    right('time predicted'),
    right('was'),
    right('bytes predicted'),
    right('were'),
  ];
  return inColumns(columns, rows);
}
