// A driver for QEMU's balloon, of the kind that it had first: what a guest's kernel would do.
import type { DeviceAccess } from './device-access.js';

const slot = 4;
const ports = 0xc000;
/** Offsets of the device's registers from its first port. */
const register = {
  features: 4,
  queueAddress: 8,
  queueSize: 12,
  queueSelect: 14,
  notify: 16,
  status: 18,
  hintCommand: 20 + 8,
};
const freePageHints = 1 << 3;
const pageBytes = 4096;
const queue = { inflate: 0, deflate: 1, hints: 3 } as const;
const writable = 2;
/** Commands of the device that ask for no hints. */
const firstHintCommand = 0x8000_0000;

/** For QEMU's command line. */
export const balloonArguments = [
  ...['-object', 'iothread,id=hints', '-device'],
  `virtio-balloon-pci,disable-modern=on,addr=${slot},free-page-hint=on,iothread=hints`,
];

interface Ring {
  readonly address: number;
  readonly size: number;
  next: number;
}

function padded(bytes: number): number {
  return Math.ceil(bytes / pageBytes) * pageBytes;
}

export class Balloon {
  readonly #machine: DeviceAccess;
  readonly #rings = new Map<number, Ring>();
  #free: number;

  private constructor(machine: DeviceAccess, firstByte: number) {
    this.#machine = machine;
    this.#free = firstByte;
  }

  /** Sets the device up, with its queues in guest memory from that address on: 64 KiB. */
  static async start(machine: DeviceAccess, firstByte: number): Promise<Balloon> {
    const balloon = new Balloon(machine, firstByte);
    await machine.configurePci(slot, 0x10, ports);
    await machine.configurePci(slot, 0x04, 0x5);
    for (const status of [0, 1, 3]) await machine.out('b', ports + register.status, status);
    await machine.out('l', ports + register.features, freePageHints);
    for (const number of Object.values(queue)) await balloon.#addRing(number);
    await machine.out('b', ports + register.status, 7);
    return balloon;
  }

  /** Gives these pages to the host. */
  inflate(pages: readonly number[]): Promise<void> {
    return this.#sendPages(queue.inflate, pages);
  }

  deflate(pages: readonly number[]): Promise<void> {
    return this.#sendPages(queue.deflate, pages);
  }

  /** Waits until the device asks for free pages, and reports these. */
  async hint(firstByte: number, bytes: number): Promise<void> {
    const command = Buffer.alloc(4);
    for (let value = 0; value < firstHintCommand; command.writeUInt32LE(value)) {
      value = await this.#machine.in('l', ports + register.hintCommand);
    }
    await this.#send(queue.hints, command);
    await this.#queue(queue.hints, firstByte, bytes, writable);
    await this.#send(queue.hints, Buffer.alloc(4));
  }

  async #addRing(number: number): Promise<void> {
    const machine = this.#machine;
    await machine.out('w', ports + register.queueSelect, number);
    const size = await machine.in('w', ports + register.queueSize);
    const address = this.#take(padded(16 * size + 6 + 2 * size) + padded(6 + 8 * size));
    await machine.out('l', ports + register.queueAddress, address / pageBytes);
    this.#rings.set(number, { address, size, next: 0 });
  }

  #take(bytes: number): number {
    const address = this.#free;
    this.#free += padded(bytes);
    return address;
  }

  async #sendPages(number: number, pages: readonly number[]): Promise<void> {
    const list = Buffer.alloc(4 * pages.length);
    pages.forEach((page, index) => {
      list.writeUInt32LE(page, 4 * index);
    });
    await this.#send(number, list);
  }

  async #send(number: number, bytes: Buffer): Promise<void> {
    const buffer = this.#take(bytes.length);
    await this.#machine.write(buffer, bytes);
    await this.#queue(number, buffer, bytes.length, 0);
  }

  /** Hands one buffer to the device, and waits until it has dealt with it. */
  async #queue(number: number, address: number, bytes: number, flags: number): Promise<void> {
    const ring = this.#rings.get(number);
    if (!ring) throw new Error(`there is no queue ${number}`);
    const machine = this.#machine;
    const at = ring.next % ring.size;
    const descriptor = Buffer.alloc(16);
    descriptor.writeBigUInt64LE(BigInt(address));
    descriptor.writeUInt32LE(bytes, 8);
    descriptor.writeUInt16LE(flags, 12);
    await machine.write(ring.address + 16 * at, descriptor);
    const available = ring.address + 16 * ring.size;
    const word = Buffer.alloc(2);
    word.writeUInt16LE(at);
    await machine.write(available + 4 + 2 * at, word);
    ring.next += 1;
    word.writeUInt16LE(ring.next);
    await machine.write(available + 2, word);
    await machine.out('w', ports + register.notify, number);
    const used = ring.address + padded(16 * ring.size + 6 + 2 * ring.size);
    for (let done = 0; done !== ring.next; )
      done = (await machine.read(used + 2, 2)).readUInt16LE();
  }
}
