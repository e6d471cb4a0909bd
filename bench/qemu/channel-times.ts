// How long the channels of multifd work, each of them: what is filtered in them is filtered in parallel.
import { readdirSync, readFileSync } from 'node:fs';

const pollMs = 20;

/** Nanoseconds on a processor so far; undefined when the thread has ended or is not a channel. */
function workOf(task: string): number | undefined {
  try {
    if (!readFileSync(`${task}/comm`, 'utf8').startsWith('multifdsend')) return undefined;
    return Number(readFileSync(`${task}/schedstat`, 'utf8').split(' ', 1)[0]);
  } catch {
    return undefined;
  }
}

/** None when the process has ended. */
function threadsIn(tasks: string): string[] {
  try {
    return readdirSync(tasks);
  } catch {
    return [];
  }
}

/** Channels end with their migration: they are looked at all the while. Threads must have their names. */
export class ChannelTimes {
  readonly #work = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;

  constructor(pid: number | undefined) {
    const tasks = `/proc/${pid}/task`;
    this.#timer = setInterval(() => this.#look(tasks), pollMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** The busiest first. */
  get milliseconds(): number[] {
    return [...this.#work.values()].sort((a, b) => b - a).map((ns) => ns / 1e6);
  }

  #look(tasks: string): void {
    for (const thread of threadsIn(tasks)) {
      const ns = workOf(`${tasks}/${thread}`);
      if (ns !== undefined) this.#work.set(thread, ns);
    }
  }
}
