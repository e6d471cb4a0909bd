// How far the moves of a site are, for whoever asks: from the journal, and from what the process that carries them out
// says of the one that is under way.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { SiteFolder } from './journal/site-folder.js';
import type { FleetState } from './journal/state.js';

const count = z.number().nonnegative();

const liveSchema = z.object({
  atMs: count,
  vm: z.string(),
  percent: count,
  leftMs: count.optional(),
  sentBytes: count.optional(),
  passes: count.optional(),
  status: z.string().optional(),
});

/** What is said of the move that is under way. It may be a moment old. */
export type LiveMove = z.output<typeof liveSchema>;

function pathIn({ path }: SiteFolder): string {
  return join(path, 'live.json');
}

/** Tells it: nothing is lost if it can't be told. */
export function tellLive(folder: SiteFolder, live: LiveMove): void {
  const path = pathIn(folder);
  try {
    writeFileSync(`${path}.part`, JSON.stringify(live), { mode: 0o600 });
    renameSync(`${path}.part`, path);
  } catch {
    // The journal is what counts.
  }
}

function readLive(folder: SiteFolder): LiveMove | undefined {
  try {
    return liveSchema.parse(JSON.parse(readFileSync(pathIn(folder), 'utf8')));
  } catch {
    return undefined;
  }
}

/** How far the moves of a site are. */
export interface FleetStatus {
  /** What was decided so far. */
  readonly state: FleetState;
  /** A process carries moves out. */
  readonly isCarriedOut: boolean;
  /** The move that is under way. */
  readonly live: LiveMove | undefined;
}

/** How far the moves of a site are now. */
export async function statusOf(folder: SiteFolder): Promise<FleetStatus> {
  const isCarriedOut = await folder.isBusy();
  const state = folder.state();
  const live = isCarriedOut && state.open ? readLive(folder) : undefined;
  const isOf = live !== undefined && live.vm === state.open?.begin.move.vm;
  return { state, isCarriedOut, live: isOf ? live : undefined };
}
