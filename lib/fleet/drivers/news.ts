// Something has happened that may be seen: whoever waits for it looks anew. What happens while nobody waits is not lost.
import { within } from '../../system/deadline.js';

export class News {
  #hasCome = false;
  #tell = () => {};

  /** Something has happened. */
  come(): void {
    this.#hasCome = true;
    this.#tell();
  }

  /** Waits for it, or for so long. */
  async wait(limitMs: number): Promise<void> {
    if (!this.#hasCome) {
      const told = new Promise<void>((resolve) => {
        this.#tell = resolve;
      });
      await within(limitMs, told, () => undefined);
    }
    this.#hasCome = false;
  }
}
