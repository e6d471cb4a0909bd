// Restores the settings of both sides at the end of a migration: never while it runs, and never after post-copy was
// interrupted, when each side has a part of the guest.
import { setTimeout as pause } from 'node:timers/promises';
import type { QmpSession } from '../qmp/client.js';
import { QmpCommandError, QmpError } from '../qmp/errors.js';
import type { Settings } from './plan-settings.js';
import type { Outcome } from './result.js';
import { setSettings } from './settings.js';

/** QEMU refuses settings until the threads of a migration have ended, which no event tells. */
const retryMs = 5000;
const pauseMs = 50;

interface Side {
  readonly name: 'source' | 'destination';
  readonly qmp: QmpSession;
  readonly before: Settings;
}

/** Sets them; says what went wrong, if anything did. */
async function putBack({ name, qmp, before }: Side, limitMs: number): Promise<string> {
  const giveUpAt = performance.now() + limitMs;
  for (;;) {
    try {
      await setSettings(qmp, before);
      return '';
    } catch (error) {
      if (!(error instanceof QmpError)) throw error;
      // A QEMU that is gone has nothing to put back.
      if (!(error instanceof QmpCommandError)) return '';
      if (performance.now() > giveUpAt) {
        return ` The settings of the ${name} could not be put back: ${error.message}`;
      }
      await pause(pauseMs);
    }
  }
}

/** What each side was set to before the migration. */
export class Undo {
  readonly #sides: Side[] = [];

  add(side: Side): void {
    this.#sides.push(side);
  }

  /** Puts it back after that outcome; undefined: the migration never began. Returns what went wrong, in sentences. */
  async run(outcome?: Outcome): Promise<string> {
    // A guest in two halves still needs them, and so may one that nobody has found.
    if (outcome === 'interrupted' || outcome === 'unknown') return '';
    let problems = '';
    for (const side of this.#sides.reverse()) {
      // The side whose guest is elsewhere may refuse for ever.
      const matters =
        outcome !== undefined && (outcome === 'completed') === (side.name === 'destination');
      const problem = await putBack(side, matters ? retryMs : 0);
      if (matters) problems += problem;
    }
    return problems;
  }
}
