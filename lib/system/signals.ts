// What happens when this process is told to end: by SIGINT, SIGTERM or SIGHUP, or because the shell that npm
// started for it has died. This is the only module that listens to signals, and it does so only while something
// is registered here:
//
// - work that ends gracefully, such as a migration, is told first, and then has all the time it needs;
// - groups of child processes are asked to end at the same time, and killed when their time is over;
// - where nothing ends gracefully, the process exits once the groups have ended;
// - a second signal makes the process exit at once, unless it is one that nobody sent on purpose: a lost terminal may
//   send several SIGHUPs, and npm passes on a Ctrl-C that has reached everybody already;
// - what must be undone when the process exits is undone last, and synchronously.

import { messageOf } from '../errors/message-of.js';

const listened = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export type EndingSignal = (typeof listened)[number];

/** What a process that ended because of a signal exits with, as shells have it. */
export const signalExitCodes: Readonly<Record<EndingSignal, number>> = {
  SIGHUP: 129,
  SIGINT: 130,
  SIGTERM: 143,
};

/** Work that is told to end, and ends in good order by itself. */
export interface GracefulWork {
  /** The first signal: begins to end. False: this signal does not matter to it. */
  readonly end: (signal: EndingSignal) => boolean | undefined;
  /** The second one: the process exits right after this. */
  readonly abandon?: (signal: EndingSignal) => void;
}

/** Child processes that are stopped together. */
export interface StoppableGroup {
  readonly signal: (signal: 'SIGTERM' | 'SIGKILL') => void;
}

/** A person needs longer to press Ctrl-C twice. */
const samePressMs = 100;
/** How long a group has between SIGTERM and SIGKILL. */
const graceMs = 3000;
const parentPollMs = 500;

/** What the first signal has begun. */
interface Ending {
  readonly signal: EndingSignal;
  readonly atMs: number;
  /** Nothing ends gracefully: the process exits when its groups have ended. */
  readonly exits: boolean;
}

const graceful = new Set<GracefulWork>();
const groups = new Set<StoppableGroup>();
const undoActions = new Set<() => void>();

/** The parent when this process began. npm's shell dies without passing on the signal that npm sent it. */
const firstParent = process.ppid;
let parentPoll: NodeJS.Timeout | undefined;
let graceTimer: NodeJS.Timeout | undefined;
let ending: Ending | undefined;
let isListening = false;

function killGroups(): void {
  for (const group of groups) group.signal('SIGKILL');
}

/** Undoes everything, the newest first. One failure must not keep the rest from being undone. */
function undoAll(): void {
  for (const undo of [...undoActions].reverse()) {
    undoActions.delete(undo);
    try {
      undo();
    } catch (error) {
      console.error(`clean-up failed: ${messageOf(error)}`);
    }
  }
}

function onExit(): void {
  killGroups();
  undoAll();
}

/** Dies of the signal, unless somebody else listens to it: that is then their business. */
function passOn(signal: EndingSignal): void {
  undoAll();
  stopListening();
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
}

function onSignal(signal: EndingSignal): void {
  if (ending) {
    if (signal === 'SIGHUP' || performance.now() - ending.atMs < samePressMs) return;
    for (const { abandon } of graceful) abandon?.(signal);
    process.exit(signalExitCodes[signal]);
  }
  if (graceful.size === 0 && groups.size === 0) {
    passOn(signal);
    return;
  }
  const matters = [...graceful].map(({ end }) => end(signal) !== false);
  // What does not matter to work that goes on must not end what it is built on.
  if (graceful.size > 0 && !matters.includes(true)) return;
  ending = { signal, atMs: performance.now(), exits: graceful.size === 0 };
  if (groups.size === 0) return;
  if (ending.exits) console.log(`\nstopping (${signal}) ...`);
  for (const group of groups) group.signal('SIGTERM');
  graceTimer = setTimeout(() => {
    killGroups();
    if (ending?.exits) process.exit(signalExitCodes[signal]);
  }, graceMs);
}

function watchParent(): void {
  const { npm_lifecycle_event: startedByNpm } = process.env;
  if (!startedByNpm) return;
  parentPoll = setInterval(() => {
    if (process.ppid === firstParent) return;
    clearInterval(parentPoll);
    onSignal('SIGTERM');
  }, parentPollMs).unref();
}

function listen(): void {
  if (isListening) return;
  isListening = true;
  for (const signal of listened) process.on(signal, onSignal);
  process.on('exit', onExit);
  watchParent();
}

function stopListening(): void {
  isListening = false;
  for (const signal of listened) process.off(signal, onSignal);
  process.off('exit', onExit);
  clearInterval(parentPoll);
}

/** After something has ended or been undone. */
function settle(): void {
  if (groups.size === 0) {
    clearTimeout(graceTimer);
    if (ending?.exits) process.exit(signalExitCodes[ending.signal]);
  }
  // What ended gracefully is over: another signal would be a first one again.
  if (graceful.size === 0 && !ending?.exits) ending = undefined;
  if (graceful.size + groups.size + undoActions.size === 0) stopListening();
}

function register<Entry>(entries: Set<Entry>, entry: Entry): () => void {
  entries.add(entry);
  listen();
  return () => {
    if (entries.delete(entry)) settle();
  };
}

/** Registers work that ends gracefully; call what is returned when it has ended. */
export function endGracefully(work: GracefulWork): () => void {
  return register(graceful, work);
}

/** Registers child processes to be stopped; call what is returned when they have ended. */
export function stopAtSignal(group: StoppableGroup): () => void {
  return register(groups, group);
}

/** Has `undo` called when this process ends, whatever ends it; the function returned takes that back. */
export function undoAtExit(undo: () => void): () => void {
  return register(undoActions, undo);
}

/** Whether the process is on its way out: what is stopped now has not failed, and nobody is to hear of it. */
export function isProcessExiting(): boolean {
  return ending?.exits === true;
}
