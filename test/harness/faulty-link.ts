// A link between two QEMUs that breaks on purpose: a UNIX socket in front of another one.
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import type { MigrationPair } from './migration-pair.js';

/**
 * stall: nothing gets through any more; reset: both sides see the connection go; truncate: they see its
 * orderly end; none: everything gets through, and the moment is only told.
 */
export type Fault = 'stall' | 'reset' | 'truncate' | 'none';

export interface FaultyLinkOptions {
  /** Where the source connects. */
  readonly path: string;
  /** Where the destination listens. */
  readonly to: string;
  readonly fault: Fault;
  /** How much gets through before, all connections together. */
  readonly afterBytes: number;
  /** How fast it is, all connections together; as fast as can be when not given. */
  readonly bytesPerSecond?: number;
  /** Is given what the source sends. */
  readonly record?: (data: Buffer) => void;
}

export class FaultyLink {
  readonly #server: Server;
  readonly #joints: { source: Socket; destination: Socket }[] = [];
  readonly #options: FaultyLinkOptions;
  #left: number;
  #forwarded = 0;
  /** When the link has carried what it was given. */
  #busyUntilMs = 0;
  #broken = false;
  readonly #breaking: Promise<void>;
  #announce = () => {};

  private constructor(options: FaultyLinkOptions) {
    this.#options = options;
    this.#left = options.afterBytes;
    this.#breaking = new Promise((resolve) => {
      this.#announce = resolve;
    });
    this.#server = createServer((source) => this.#join(source));
  }

  static async listen(options: FaultyLinkOptions): Promise<FaultyLink> {
    const link = new FaultyLink(options);
    await new Promise<void>((resolve, reject) => {
      link.#server.once('error', reject);
      link.#server.listen(options.path, resolve);
    });
    return link;
  }

  /** A link to the destination of a pair through which everything gets. */
  static before(
    { workspace, incomingSocket: to }: Pick<MigrationPair, 'workspace' | 'incomingSocket'>,
    record: (data: Buffer) => void = () => {},
  ): Promise<FaultyLink> {
    const afterBytes = Number.MAX_SAFE_INTEGER;
    return FaultyLink.listen({
      path: workspace.path('link'),
      to,
      fault: 'none',
      afterBytes,
      record,
    });
  }

  /** Where the source connects. */
  get path(): string {
    return this.#options.path;
  }

  /** What the source has sent and has got through, all connections together. */
  get forwardedBytes(): number {
    return this.#forwarded;
  }

  /** Resolves when the fault happens. */
  get broken(): Promise<void> {
    return this.#breaking;
  }

  /** Does not wait for the bytes that it was told. */
  breakNow(): void {
    if (!this.#broken) this.#break();
  }

  async close(): Promise<void> {
    for (const { source, destination } of this.#joints) {
      source.destroy();
      destination.destroy();
    }
    await new Promise((resolve) => this.#server.close(resolve));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #join(source: Socket): void {
    const destination = createConnection(this.#options.to);
    this.#joints.push({ source, destination });
    for (const socket of [source, destination]) socket.on('error', () => {});
    // The way back carries little, and breaks with the rest.
    destination.on('data', (data) => {
      if (!this.#broken) source.write(data);
    });
    destination.on('close', () => !this.#stalled && source.destroy());
    source.on('close', () => !this.#stalled && destination.end());
    source.on('data', (data) => this.#forward(data, source, destination));
  }

  #forward(data: Buffer, source: Socket, destination: Socket): void {
    if (this.#broken) return;
    const lets = this.#options.fault === 'none';
    const through = lets ? data : data.subarray(0, this.#left);
    this.#left = Math.max(0, this.#left - data.length);
    this.#forwarded += through.length;
    this.#options.record?.(through);
    if (!destination.write(through)) {
      source.pause();
      destination.once('drain', () => !this.#stalled && source.resume());
    }
    this.#hold(source, through.length);
    if (this.#left === 0) this.#break();
  }

  /** Reads no more from a source until the link has carried this. */
  #hold(source: Socket, bytes: number): void {
    const { bytesPerSecond } = this.#options;
    if (bytesPerSecond === undefined) return;
    const nowMs = performance.now();
    this.#busyUntilMs = Math.max(nowMs, this.#busyUntilMs) + (bytes / bytesPerSecond) * 1000;
    source.pause();
    setTimeout(() => !this.#stalled && source.resume(), this.#busyUntilMs - nowMs);
  }

  get #stalled(): boolean {
    return this.#broken && this.#options.fault === 'stall';
  }

  #break(): void {
    this.#announce();
    const { fault } = this.#options;
    if (fault === 'none') return;
    this.#broken = true;
    for (const { source, destination } of this.#joints) {
      if (fault === 'stall') {
        source.pause();
        destination.pause();
        continue;
      }
      if (fault === 'reset') destination.destroy();
      else destination.end();
      source.destroy();
    }
  }
}
