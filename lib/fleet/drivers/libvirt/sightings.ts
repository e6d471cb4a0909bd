// What libvirt's answers mean for a move: pure, so that every state and reason that libvirt knows is tested.
//
// libvirt starts the guest at the destination itself, and lets it run again at the source when its migration fails. So
// the source hands over by disappearing, and a destination that runs has arrived.
import type { Decisions, DestinationSighting, SourceSighting } from '../../move/next-action.js';
import type { DomainAnswers, NoDomain } from './answers.js';

/** What libvirt says of both sides when post-copy is interrupted. */
export const postCopyFailed = 'post-copy failed';
/** A domain that is defined, and has no QEMU. */
const withoutQemu = ['shut off'];
/** It is there, and can leave. */
const present = ['running', 'paused', 'blocked', 'pmsuspended'];

function isEnded(answers: DomainAnswers | NoDomain): boolean {
  return (
    answers === 'absent' || (typeof answers === 'object' && withoutQemu.includes(answers.state))
  );
}

/** The source, from its answers, when it was told so and perhaps has not begun. */
export function sourceSighting(
  answers: DomainAnswers | NoDomain,
  {
    toldToMigrate,
    mayBegin,
  }: Pick<Decisions, 'toldToMigrate'> & {
    /** What tells it to migrate is on its way still. */
    readonly mayBegin: boolean;
  },
): SourceSighting {
  if (isEnded(answers)) return 'gone';
  if (typeof answers === 'string') return 'unknown';
  const { state, reason, job } = answers;
  // Its guest has panicked, and libvirt keeps what is left.
  if (state === 'crashed') return 'somebody-elses';
  if (!present.includes(state)) return 'unknown';
  const isPostCopy = reason === 'post-copy';
  const isBroken = reason === postCopyFailed;
  // It stands still since a migration whose end libvirt doesn't know.
  const isLeft = state === 'paused' && reason === 'migrating' && job !== 'outgoing';
  if (isPostCopy || isBroken || isLeft || job === 'outgoing') {
    if (!toldToMigrate) return 'somebody-elses';
    if (isPostCopy) return 'ours-in-post-copy';
    if (isBroken) return 'interrupted';
    return isLeft ? 'arrived' : 'ours';
  }
  return mayBegin ? 'ours' : 'not-started';
}

/** The destination of an attempt, from its answers, and from what was seen of the source before. */
export function destinationSighting(
  answers: DomainAnswers | NoDomain,
  { wanted, toldToMigrate }: Pick<Decisions, 'wanted' | 'toldToMigrate'>,
  source: SourceSighting,
): DestinationSighting {
  if (isEnded(answers)) {
    // libvirt starts its QEMU when the source is told to migrate.
    const isReady = source === 'not-started' && wanted === 'move' && !toldToMigrate;
    return isReady ? 'waiting' : 'not-started';
  }
  if (typeof answers === 'string') return 'unknown';
  const { state, reason, job } = answers;
  if (state === 'crashed') return 'somebody-elses';
  if (!present.includes(state)) return 'unknown';
  if (!toldToMigrate) return 'somebody-elses';
  if (reason === 'post-copy') return 'ours-in-post-copy';
  if (reason === postCopyFailed) return 'interrupted';
  const isAwaited = state === 'paused' && (reason === 'migrating' || reason === 'starting up');
  if (job === 'incoming' || isAwaited) return 'ours';
  // Somebody has started it from its disks.
  if (reason === 'booted') return 'somebody-elses';
  // Whatever has paused it since: it was running here.
  return 'arrived';
}
