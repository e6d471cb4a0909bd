// A VM whose memory is not what its description says.
import { mebibyte } from '../../format/bytes.js';

/** As it is written in a site, where that can be done in whole MiB. */
function asWritten(bytes: number): string {
  return bytes % mebibyte === 0 ? `${bytes / mebibyte}MiB` : `${bytes} bytes`;
}

/** Says what to write instead. */
export function memoryProblem(realBytes: number, describedBytes: number): string {
  const [real, described] = [asWritten(realBytes), asWritten(describedBytes)];
  return `it has ${real} of memory, and its description says ${described}: write ${real}`;
}
