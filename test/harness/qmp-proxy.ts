// A QMP on its way through this process, which does something when a certain number of lines have gone through.
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** Counts the lines of any number of proxies, in both directions. */
export class LineCounter {
  #count = 0;
  readonly #at: number;
  readonly #act: () => void;

  /** `act` is called once, before the line with that number goes on. */
  constructor(at: number, act: () => void) {
    this.#at = at;
    this.#act = act;
  }

  get count(): number {
    return this.#count;
  }

  line(): void {
    this.#count += 1;
    if (this.#count === this.#at) this.#act();
  }
}

export class QmpProxy {
  readonly #server: Server;
  readonly #to: string;
  readonly #counter: LineCounter;
  readonly #joints = new Set<{ client: Socket; qemu: Socket }>();

  private constructor(to: string, counter: LineCounter) {
    this.#to = to;
    this.#counter = counter;
    this.#server = createServer((client) => this.#join(client));
  }

  static async listen(path: string, to: string, counter: LineCounter): Promise<QmpProxy> {
    const proxy = new QmpProxy(to, counter);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject);
      proxy.#server.listen(path, resolve);
    });
    return proxy;
  }

  /** Breaks the connections that there are; others can be made. */
  cut(): void {
    for (const { client, qemu } of this.#joints) {
      client.destroy();
      qemu.destroy();
    }
  }

  /** Sends what is no QMP to whoever is connected. */
  garble(): void {
    for (const { client } of this.#joints) client.write('}{\n');
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }

  #join(client: Socket): void {
    const qemu = createConnection(this.#to);
    const joint = { client, qemu };
    this.#joints.add(joint);
    const end = () => {
      client.destroy();
      qemu.destroy();
      this.#joints.delete(joint);
    };
    const carry = (from: Socket, to: Socket) => {
      from.on('error', () => {}).on('close', end);
      createInterface({ input: from })
        .on('error', () => {})
        .on('line', (line) => {
          this.#counter.line();
          if (to.writable) to.write(`${line}\n`);
        });
    };
    carry(client, qemu);
    carry(qemu, client);
  }
}
