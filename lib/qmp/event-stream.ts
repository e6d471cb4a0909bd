// The events of one QEMU from the moment the stream is made. Make it before the command whose events
// you want: then none can be missed.
import type { QmpEvent } from './messages.js';

type Result = IteratorResult<QmpEvent, undefined>;

export class EventStream implements AsyncIterableIterator<QmpEvent, undefined> {
  readonly #names: ReadonlySet<string> | undefined;
  readonly #forget: (stream: EventStream) => void;
  readonly #arrived: QmpEvent[] = [];
  readonly #waiting: { resolve: (result: Result) => void; reject: (error: Error) => void }[] = [];
  #ended: { error?: Error } | undefined;

  /** QmpClient.events makes these, and takes in `forget` the ones that nobody reads any more. */
  constructor(names: readonly string[], forget: (stream: EventStream) => void) {
    this.#names = names.length > 0 ? new Set(names) : undefined;
    this.#forget = forget;
  }

  /** For QmpClient: takes the event if it is one of ours. */
  push(event: QmpEvent): void {
    if (this.#ended || (this.#names && !this.#names.has(event.event))) return;
    const reader = this.#waiting.shift();
    if (reader) reader.resolve({ value: event, done: false });
    else this.#arrived.push(event);
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

  next(): Promise<Result> {
    const event = this.#arrived.shift();
    if (event) return Promise.resolve({ value: event, done: false });
    if (this.#ended?.error) return Promise.reject(this.#ended.error);
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Stops listening: what `break` in a for-await loop does. */
  return(): Promise<Result> {
    this.close();
    return Promise.resolve({ value: undefined, done: true });
  }

  close(): void {
    this.#forget(this);
    this.#arrived.length = 0;
    this.end();
  }

  /** The next event that the test accepts; those before it are dropped. Rejects when QEMU goes away. */
  async until(accepts: (event: QmpEvent) => boolean): Promise<QmpEvent> {
    for (;;) {
      const { value, done } = await this.next();
      if (done) throw new Error('This event stream was closed while somebody waited for an event.');
      if (accepts(value)) return value;
    }
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
