// The events of one QEMU from the moment the stream is made. Make it before the command whose events
// you want: then none can be missed.
import { QmpUnreadError } from './errors.js';
import type { QmpEvent } from './messages.js';

const mostUnread = 10_000;

// Methods, so that a stream of some events can stand where one of any is asked for.
interface Reader<Event> {
  resolve(result: IteratorResult<Event, undefined>): void;
  reject(error: Error): void;
}

export class EventStream<Event extends QmpEvent = QmpEvent>
  implements AsyncIterableIterator<Event, undefined>
{
  readonly #names: ReadonlySet<string> | undefined;
  readonly #forget: () => void;
  readonly #arrived: Event[] = [];
  readonly #waiting: Reader<Event>[] = [];
  #ended: { error?: Error } | undefined;

  /** QmpClient.events makes these; it is told in `forget` when nobody reads one any more. */
  constructor(names: readonly string[], forget: () => void) {
    this.#names = names.length > 0 ? new Set(names) : undefined;
    this.#forget = forget;
  }

  /** For QmpClient: takes the event if it is one of ours. */
  push(event: QmpEvent): void {
    if (this.#ended || (this.#names && !this.#names.has(event.event))) return;
    // The client has checked the data of the events that it knows.
    const ours = event as Event;
    const reader = this.#waiting.shift();
    if (reader) reader.resolve({ value: ours, done: false });
    else if (this.#arrived.length < mostUnread) this.#arrived.push(ours);
    else this.#overflow(event);
  }

  /** For QmpClient: no more will come. What has arrived can still be read. */
  end(error?: Error): void {
    if (this.#ended) return;
    this.#ended = error ? { error } : {};
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (error) reject(error);
      else resolve({ value: undefined, done: true });
    }
  }

  next(): Promise<IteratorResult<Event, undefined>> {
    const event = this.#arrived.shift();
    if (event) return Promise.resolve({ value: event, done: false });
    if (this.#ended?.error) return Promise.reject(this.#ended.error);
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** All that have arrived and not been read, without waiting. */
  take(): Event[] {
    return this.#arrived.splice(0);
  }

  /** Stops listening: what `break` in a for-await loop does. */
  return(): Promise<IteratorResult<Event, undefined>> {
    this.close();
    return Promise.resolve({ value: undefined, done: true });
  }

  close(): void {
    this.#forget();
    this.#arrived.length = 0;
    this.end();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The next event that the test accepts; those before it are dropped. Rejects when QEMU goes away. */
  async until(accepts: (event: Event) => boolean): Promise<Event> {
    for (;;) {
      const { value, done } = await this.next();
      if (done) throw new Error('This event stream was closed while somebody waited for an event.');
      if (accepts(value)) return value;
    }
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #overflow(event: QmpEvent): void {
    this.#forget();
    this.end(new QmpUnreadError(mostUnread, JSON.stringify(event)));
  }
}
