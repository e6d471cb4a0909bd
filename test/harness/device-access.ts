// A machine's memory and I/O ports as a device or its driver would use them, beside a guest that runs:
// what is written marks its pages dirty. QEMU's own test protocol does the work.
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const pciAddress = 0xcf8;
const pciData = 0xcfc;

let paths = 0;

export class DeviceAccess {
  readonly #socket: Socket;
  readonly #answers: AsyncIterator<string>;

  private constructor(
    readonly path: string,
    socket: Socket,
  ) {
    this.#socket = socket;
    this.#answers = createInterface({ input: socket })[Symbol.asyncIterator]();
  }

  /** Where a QEMU can listen; close() removes what it leaves there. */
  static newPath(): string {
    paths += 1;
    return join(tmpdir(), `fakedirty-devices-${process.pid}-${paths}`);
  }

  /** For QEMU's command line: it listens there. */
  static arguments(path: string): string[] {
    return ['-qtest', `unix:${path},server=on,wait=off`, '-qtest-log', 'none'];
  }

  static async connect(path: string): Promise<DeviceAccess> {
    const socket = createConnection(path);
    await once(socket, 'connect');
    return new DeviceAccess(path, socket);
  }

  close(): void {
    this.#socket.destroy();
    rmSync(this.path, { force: true });
  }

  async write(address: number, bytes: Uint8Array): Promise<void> {
    const data = Buffer.from(bytes).toString('hex');
    await this.#ask(`write 0x${address.toString(16)} 0x${bytes.length.toString(16)} 0x${data}`);
  }

  async read(address: number, bytes: number): Promise<Buffer> {
    const answer = await this.#ask(`read 0x${address.toString(16)} 0x${bytes.toString(16)}`);
    return Buffer.from(answer.slice(2), 'hex');
  }

  async fill(address: number, bytes: number, value: number): Promise<void> {
    await this.#ask(
      `memset 0x${address.toString(16)} 0x${bytes.toString(16)} 0x${value.toString(16)}`,
    );
  }

  /** size: b, w, l for 1, 2, 4 bytes. */
  async out(size: 'b' | 'w' | 'l', port: number, value: number): Promise<void> {
    await this.#ask(`out${size} 0x${port.toString(16)} 0x${value.toString(16)}`);
  }

  async in(size: 'b' | 'w' | 'l', port: number): Promise<number> {
    return Number(await this.#ask(`in${size} 0x${port.toString(16)}`));
  }

  async configurePci(slot: number, register: number, value: number): Promise<void> {
    await this.out('l', pciAddress, 0x8000_0000 + (slot << 11) + register);
    await this.out('l', pciData, value);
  }

  async #ask(request: string): Promise<string> {
    this.#socket.write(`${request}\n`);
    const { value } = await this.#answers.next();
    const answer = String(value);
    if (!answer.startsWith('OK')) throw new Error(`"${request}" was answered with "${answer}"`);
    return answer.slice(3);
  }
}
