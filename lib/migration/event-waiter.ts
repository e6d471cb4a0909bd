// Waits for whatever comes first: an event of QEMU, a time, or an interruption by the caller.
import type { EventStream } from '../qmp/event-stream.js';
import type { QmpEvent } from '../qmp/messages.js';
import { within } from '../system/deadline.js';

export class EventWaiter {
  readonly #events: EventStream;
  /** The next event, asked for and not yet here: an event stream hands each event to one reader. */
  #next: Promise<QmpEvent | undefined> | undefined;
  /** Kept until somebody waits: an interruption between two waits must not be lost. */
  #isInterrupted = false;
  #interrupt = () => {};

  constructor(events: EventStream) {
    this.#events = events;
  }

  /** Ends the wait that is under way, or else the next one. */
  interrupt(): void {
    this.#isInterrupted = true;
    this.#interrupt();
  }

  /** The events that have come; none if time passed or the wait was interrupted. Rejects when QEMU is gone. */
  async wait(timeoutMs: number): Promise<QmpEvent[]> {
    this.#next ??= this.#events.next().then(({ value }) => value);
    const interrupted = new Promise<undefined>((resolve) => {
      this.#interrupt = () => resolve(undefined);
      if (this.#isInterrupted) resolve(undefined);
    });
    const first = Promise.race([this.#next, interrupted]);
    const event = await within(timeoutMs, first, () => undefined);
    this.#isInterrupted = false;
    if (!event) return [];
    this.#next = undefined;
    return [event, ...this.#events.take()];
  }
}
