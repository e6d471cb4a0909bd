// Reads a serial port to its end.
import type { SerialLine } from '../../qemu/machine/serial-line.js';

/** A serial port may be silent for as long as its QEMU lives: the longest time that a timer can wait. */
export const silenceMs = 2 ** 31 - 1;

/** Calls `onLine` for each line; resolves when the port is closed. */
export async function readLines(port: SerialLine, onLine: (line: string) => void): Promise<void> {
  for (;;) {
    let line: string;
    try {
      line = await port.line(silenceMs);
    } catch {
      return;
    }
    onLine(line);
  }
}
