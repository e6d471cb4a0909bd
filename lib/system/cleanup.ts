// What must not outlive this process, however it ends: QEMUs and private directories.
// Whoever makes such a thing registers how to undo it, at once and synchronously.
import { existsSync } from 'node:fs';

const setpriv = '/usr/bin/setpriv';
const actions = new Set<() => void>();
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
let listening = false;

/** Undoes everything, the newest first. One failure must not keep the rest from being undone. */
function undoAll(): void {
  for (const undo of [...actions].reverse()) {
    actions.delete(undo);
    try {
      undo();
    } catch (error) {
      console.error(`clean-up failed: ${error instanceof Error ? error.message : error}`);
    }
  }
}

function onSignal(signal: NodeJS.Signals): void {
  undoAll();
  stopListening();
  // If nobody else handles the signal, it ends this process as if we had never listened.
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
}

function stopListening(): void {
  for (const signal of signals) process.off(signal, onSignal);
  process.off('exit', undoAll);
  listening = false;
}

/** Has `undo` called when this process ends; the function returned takes that back. */
export function undoAtExit(undo: () => void): () => void {
  if (!listening) {
    for (const signal of signals) process.on(signal, onSignal);
    process.on('exit', undoAll);
    listening = true;
  }
  actions.add(undo);
  return () => {
    actions.delete(undo);
    if (actions.size === 0) stopListening();
  };
}

/** A command and its arguments. With setpriv, the kernel ends it when this process dies, even by SIGKILL. */
export function mortalCommand(words: readonly string[]): [string, string[]] {
  const [command = '', ...args] = existsSync(setpriv)
    ? [setpriv, '--pdeathsig', 'KILL', ...words]
    : words;
  return [command, args];
}
