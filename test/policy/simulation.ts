// A simulated migration: a guest marks pages at a rate, up to its working set, and some of them are fake.
import type { MigrationContext, Observation } from '../../lib/migration/decision.js';
import type { Pass } from '../../lib/migration/pass.js';
import { type Recording, recordingFormat } from '../../lib/migration/recording.js';

/** A simulated guest and its link. */
export interface Guest {
  readonly pages: number;
  readonly workingSetPages: number;
  readonly markedPagesPerMs: number;
  readonly fakeShare: number;
  readonly linkBytesPerMs: number;
}

const pageBytes = 4096;
const sentBytesPerPage = pageBytes + 8;

export function contextOf(guest: Guest, more: Partial<MigrationContext> = {}): MigrationContext {
  return {
    ramBytes: guest.pages * pageBytes,
    pageBytes,
    downtimeLimitMs: 300,
    bandwidthLimitBytesPerSecond: 0,
    postcopyPossible: true,
    ...more,
  };
}

/** The passes of plain pre-copy, at most `count`, and the total time if it has ended by then. */
export function preCopy(
  guest: Guest,
  { count, downtimeLimitMs = 300 }: { count: number; downtimeLimitMs?: number },
): { passes: Pass[]; totalMs: number | undefined } {
  const passes: Pass[] = [];
  let [look, startMs] = [guest.pages, 0];
  for (let number = 1; number <= count; number += 1) {
    const fake = number === 1 ? 0 : Math.round(look * guest.fakeShare);
    const normalPages = look - fake;
    const sentBytes = normalPages * sentBytesPerPage;
    const durationMs = Math.max(1, sentBytes / guest.linkBytesPerMs);
    const marked = Math.min(guest.workingSetPages, guest.markedPagesPerMs * durationMs);
    const dirtyPages = Math.round(marked);
    passes.push({
      number,
      merged: 1,
      phase: 'pre-copy',
      startMs,
      endMs: startMs + durationMs,
      sentBytes,
      normalPages,
      zeroPages: 0,
      dirtyPages,
      throttlePercent: 0,
      linkBytesPerSecond: guest.linkBytesPerMs * 1000,
      verdicts: {
        checked: look,
        first: number === 1 ? look : 0,
        zero: 0,
        changed: number === 1 ? 0 : normalPages,
        unchanged: fake,
        unseen: 0,
        savedBytes: fake * pageBytes,
        filterNs: 0,
      },
    });
    startMs += durationMs;
    const restBytes = dirtyPages * (1 - guest.fakeShare) * sentBytesPerPage;
    const restMs = restBytes / guest.linkBytesPerMs;
    if (restMs <= downtimeLimitMs) return { passes, totalMs: startMs + restMs };
    look = dirtyPages;
  }
  return { passes, totalMs: undefined };
}

export function observe(
  guest: Guest,
  passes: readonly Pass[],
  more: Partial<Observation> = {},
): Observation {
  const elapsedMs = passes.at(-1)?.endMs ?? 0;
  return { ...contextOf(guest), elapsedMs, passes, ...more };
}

export function recordingOf(guest: Guest, passes: readonly Pass[]): Recording {
  const start = {
    type: 'start',
    format: recordingFormat,
    qemu: '7.2.0',
    startedAtMs: 0,
    context: contextOf(guest),
    request: {},
  } as const;
  return { start, entries: [start, ...passes.map((pass) => ({ type: 'pass', pass }) as const)] };
}

/** Marks more pages than the link takes: it never converges. */
export const busy: Guest = {
  pages: 262_144,
  workingSetPages: 50_000,
  markedPagesPerMs: 60,
  fakeShare: 0,
  linkBytesPerMs: 117_000,
};
/** The same, but few of the marked pages really change. */
export const mostlyFake: Guest = { ...busy, fakeShare: 0.97 };
export const calm: Guest = { ...busy, workingSetPages: 20_000, markedPagesPerMs: 5 };
