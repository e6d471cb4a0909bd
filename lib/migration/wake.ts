// Waits for whatever comes first: an event, a time, or that the caller gives up.
import type { EventStream } from '../qmp/event-stream.js';
import type { QmpEvent } from '../qmp/messages.js';

export class Waker {
  readonly #events: EventStream;
  readonly #signal: AbortSignal | undefined;
  /** Asked for and not yet come: an event stream hands each event to one reader. */
  #next: Promise<QmpEvent | undefined> | undefined;

  constructor(events: EventStream, signal: AbortSignal | undefined) {
    this.#events = events;
    this.#signal = signal;
  }

  /** The events that have come; none when it was something else. Rejects when the connection is gone. */
  async wake(timeoutMs: number, heedSignal: boolean): Promise<QmpEvent[]> {
    this.#next ??= this.#events.next().then(({ value }) => value);
    let timer: NodeJS.Timeout | undefined;
    const signal = heedSignal ? this.#signal : undefined;
    let stop = () => {};
    const others = new Promise<undefined>((resolve) => {
      stop = () => resolve(undefined);
      if (timeoutMs !== Number.POSITIVE_INFINITY) timer = setTimeout(stop, timeoutMs);
      if (signal?.aborted) stop();
      else signal?.addEventListener('abort', stop, { once: true });
    });
    try {
      const event = await Promise.race([this.#next, others]);
      if (!event) return [];
      this.#next = undefined;
      return [event, ...this.#events.take()];
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    }
  }
}
