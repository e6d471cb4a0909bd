// What a QEMU's answers mean for a move: pure, so that every status that QEMU knows is tested.
import type { DestinationSighting, SourceSighting } from '../../move/next-action.js';

/** What a QEMU says of itself. */
export interface QemuAnswers {
  /** Of its migration, as query-migrate names it; `none` where there has been none. */
  readonly migration: string;
  /** The state of its guest, as query-status names it. */
  readonly state: string;
  /** Whether its guest runs. */
  readonly running: boolean;
}

/** What can't be asked: its process has ended, or nobody answers. */
export type NoAnswer = 'gone' | 'unknown';

const underWay = ['setup', 'wait-unplug', 'active', 'pre-switchover', 'device', 'cancelling'];
const over = ['none', 'failed', 'cancelled'];
/** States of a guest that left. */
const left = ['postmigrate', 'finish-migrate'];
const interruptions = ['postcopy-paused', 'postcopy-recover', 'postcopy-recover-setup'];

/**
 * The source, from its answers. Nobody but the mover moves a guest that it has told to migrate; what another guest
 * does, or one that has not been told, is somebody else's doing.
 */
export function sourceSighting(
  answers: QemuAnswers | NoAnswer,
  { toldToMigrate }: { readonly toldToMigrate: boolean },
): SourceSighting {
  if (typeof answers === 'string') return answers;
  const { migration, state } = answers;
  // The migration by which the guest came here, or one that was taken back: a guest that left is in another state.
  // So is one that is to be reset as soon as it runs again.
  const hasLeft = left.includes(state) || (toldToMigrate && state === 'prelaunch');
  if (migration === 'completed' && !hasLeft) return 'not-started';
  // QEMU does not continue a guest that somebody had stopped, or that had switched to post-copy.
  if (over.includes(migration) && toldToMigrate && state === 'postmigrate') return 'arrived';
  if (over.includes(migration)) return 'not-started';
  if (!toldToMigrate) return 'somebody-elses';
  if (underWay.includes(migration)) return 'ours';
  if (migration === 'postcopy-active') return 'ours-in-post-copy';
  if (interruptions.includes(migration)) return 'interrupted';
  if (migration === 'completed') return 'arrived';
  // A status of a QEMU that is newer than this.
  return 'unknown';
}

/** A guest that has switched itself off, or met a fault, does not run until it is reset. */
const untilReset = ['shutdown', 'internal-error'];

/** The destination of an attempt, from its answers, and from what was seen of the source before. */
export function destinationSighting(
  answers: QemuAnswers | NoAnswer,
  source: SourceSighting,
): DestinationSighting {
  if (answers === 'gone') return 'not-started';
  if (answers === 'unknown') return 'unknown';
  const { migration, state, running } = answers;
  // It listens once it is in "setup", until somebody connects.
  if (migration === 'none' || migration === 'setup') return 'waiting';
  if (migration === 'postcopy-active') {
    return running ? 'ours-in-post-copy' : 'ours-held-in-post-copy';
  }
  if (interruptions.includes(migration)) return 'interrupted';
  if (migration === 'completed') {
    // It left as it is: there is nothing to run.
    const isWhole = untilReset.includes(state) && (source === 'arrived' || source === 'gone');
    return running || isWhole ? 'arrived' : 'arrived-held';
  }
  // One that has failed is about to end.
  if (underWay.includes(migration) || over.includes(migration)) return 'ours';
  return 'unknown';
}
