// What kind of workload a VM has, as WALM sees it: memory-intensive, network-intensive, or neither.
import { bytesText, percentText } from '../../format/text.js';
import type { VmMeasurement } from '../../site/measurement.js';
import type { Path } from '../model/predict.js';

/** From which shares of the path's bandwidth on a VM counts as intensive. */
export interface Thresholds {
  /** Of what it dirties. */
  readonly memoryShare: number;
  /** Of what its network cards send or receive, whichever is more. */
  readonly networkShare: number;
}

/**
 * Used where nothing else is given. A VM that dirties half of what the path carries takes about twice as long by
 * pre-copy as one that does not write; one whose traffic takes three tenths leaves a migration 1.4 times as long.
 */
export const usualThresholds: Thresholds = { memoryShare: 0.5, networkShare: 0.3 };

/** What kind of workload a VM has. */
export type Nature = 'memory' | 'incoming' | 'outgoing' | 'neither';

/** Which pages count as dirtied: those that the guest marks, or those whose contents really change. */
export type Pages = 'marked' | 'changed';

/** What kind of workload a VM has, and why. */
export interface NatureFound {
  readonly nature: Nature;
  /** A part of a sentence, with numbers. */
  readonly why: string;
  readonly numbers: Readonly<Record<string, number>>;
}

const pageBytes = 4096;

/**
 * How many bytes of pages a second it dirties; undefined where that was not measured. Where marks can't be counted,
 * what changed was marked, so that there are at least as many.
 */
export function dirtiedBytesPerSecond(
  { dirtying }: VmMeasurement,
  pages: Pages,
): number | undefined {
  const found = pages === 'marked' ? (dirtying?.marked ?? dirtying?.changed) : dirtying?.changed;
  return dirtying && found && (found.pages * pageBytes) / dirtying.seconds;
}

/** Says what kind of workload a VM has. What was not measured counts as none. */
export function natureOf(
  measurement: VmMeasurement,
  { bytesPerSecond }: Path,
  pages: Pages,
  thresholds: Thresholds = usualThresholds,
): NatureFound {
  const dirtied = dirtiedBytesPerSecond(measurement, pages);
  const { transmitBytesPerSecond: sent = 0, receiveBytesPerSecond: received = 0 } = measurement;
  const memoryShare = (dirtied ?? 0) / bytesPerSecond;
  const networkShare = Math.max(sent, received) / bytesPerSecond;
  const numbers = {
    linkBytesPerSecond: bytesPerSecond,
    memoryShare,
    memoryThreshold: thresholds.memoryShare,
    networkShare,
    networkThreshold: thresholds.networkShare,
  };
  // What is not counted is not said to have been.
  const verb = pages === 'marked' && measurement.dirtying?.marked ? 'marks' : 'changes';
  const perSecond = (bytes: number) => `${bytesText(bytes)} a second`;
  const ofLink = (share: number, threshold: number, is: string) =>
    `${percentText(share)} of the link, ${is} ${percentText(threshold)}`;
  const memory = (is: string) =>
    dirtied === undefined
      ? `what it ${verb} is not known`
      : `it ${verb} ${perSecond(dirtied)}, ${ofLink(memoryShare, thresholds.memoryShare, is)}`;
  if (memoryShare >= thresholds.memoryShare) {
    return { nature: 'memory', why: `memory-intensive: ${memory('at least')}`, numbers };
  }
  if (networkShare >= thresholds.networkShare) {
    const isIncoming = received > sent;
    const what = isIncoming
      ? `receives ${perSecond(received)} and sends ${perSecond(sent)}`
      : `sends ${perSecond(sent)} and receives ${perSecond(received)}`;
    const share = ofLink(networkShare, thresholds.networkShare, 'at least');
    const mostly = isIncoming ? 'incoming' : 'outgoing';
    return {
      nature: mostly,
      why: `network-intensive, mostly ${mostly}: it ${what}: ${share}`,
      numbers,
    };
  }
  const network = `its traffic is ${ofLink(networkShare, thresholds.networkShare, 'under')}`;
  return { nature: 'neither', why: `neither: ${memory('under')}, and ${network}`, numbers };
}
