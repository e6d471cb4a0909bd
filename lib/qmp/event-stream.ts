// The events of one QEMU from the moment the stream is made. Make it before the command whose events
// you want: then none can be missed.
import { QmpClosedError, QmpEventOverflowError } from './errors.js';
import type { QmpEvent } from './messages.js';

const maxUnread = 10_000;

// Methods, so that a stream of some events can stand where one of any is asked for.
interface Reader<Event> {
  resolve(result: IteratorResult<Event, undefined>): void;
  reject(error: Error): void;
}

/**
 * Events of a QEMU, in order. Iterate over them, or wait for one with `until`. What is not read is kept, up to 10,000
 * events; beyond that the stream ends with QmpEventOverflowError. Closed by `close()`, `using` or leaving a loop.
 */
export class EventStream<Event extends QmpEvent = QmpEvent>
  implements AsyncIterableIterator<Event, undefined>, Disposable
{
  readonly #names: ReadonlySet<string> | undefined;
  readonly #forget: () => void;
  readonly #arrived: Event[] = [];
  readonly #waiting: Reader<Event>[] = [];
  #ended: { error?: Error } | undefined;

  /** @internal QmpClient.events makes these; `forget` is called when the stream is closed. */
  constructor(names: readonly string[], forget: () => void) {
    this.#names = names.length > 0 ? new Set(names) : undefined;
    this.#forget = forget;
  }

  /** @internal Takes the event if it is one of those wanted. */
  push(event: QmpEvent): void {
    if (this.#ended || (this.#names && !this.#names.has(event.event))) return;
    // The client has checked the data of the events that it knows.
    const ours = event as Event;
    const reader = this.#waiting.shift();
    if (reader) reader.resolve({ value: ours, done: false });
    else if (this.#arrived.length < maxUnread) this.#arrived.push(ours);
    else this.#overflow(event);
  }

  /** @internal No more will come. What has arrived can still be read. */
  end(error?: Error): void {
    if (this.#ended) return;
    this.#ended = error ? { error } : {};
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (error) reject(error);
      else resolve({ value: undefined, done: true });
    }
  }

  /** The next event. Rejects when the connection has failed. */
  next(): Promise<IteratorResult<Event, undefined>> {
    const event = this.#arrived.shift();
    if (event) return Promise.resolve({ value: event, done: false });
    if (this.#ended?.error) return Promise.reject(this.#ended.error);
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** All events that have arrived and not been read, without waiting. */
  take(): Event[] {
    return this.#arrived.splice(0);
  }

  /** Closes the stream, as `break` in a for-await loop does. */
  return(): Promise<IteratorResult<Event, undefined>> {
    this.close();
    return Promise.resolve({ value: undefined, done: true });
  }

  /** Closes the stream: no more events are kept for it. */
  close(): void {
    this.#forget();
    this.#arrived.length = 0;
    this.end();
  }

  /** Closes the stream. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Waits for an event that `accepts` accepts, and drops those before it. Rejects when the connection has failed. */
  async until(accepts: (event: Event) => boolean): Promise<Event> {
    for (;;) {
      const { value, done } = await this.next();
      if (done) {
        throw new QmpClosedError('This event stream was closed while an event was awaited.');
      }
      if (accepts(value)) return value;
    }
  }

  /** The stream itself. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  #overflow(event: QmpEvent): void {
    this.#forget();
    this.end(new QmpEventOverflowError(maxUnread, JSON.stringify(event)));
  }
}
