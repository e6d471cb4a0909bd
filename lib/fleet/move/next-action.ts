// What to do next in a move of one VM. It follows from what was decided, which is kept, and from what is seen of both
// sides now. Nothing else is remembered: whoever asks again, after whatever has been killed, goes on from what there is.
//
// A guest is started by two things alone: by QEMU itself at the source, when a migration fails, and by `run-there`.
// Every action that could start a second guest, or end the only one, needs something of the other side that does not
// become false any more, so that it harms nothing when it is carried out late:
//
//   run-there        the source has handed the guest over: it never runs there again
//   end-source       the guest runs at the destination
//   end-destination  the source has the guest and is not migrating it; a command that was sent earlier and may still
//                    be on its way is out of the world by then (an observation begins with a new connection)

import type { Decision } from '../../migration/decision.js';

/** What is seen of the VM at its source. */
export type SourceSighting =
  /** The guest is there, and nobody is migrating it. */
  | 'not-started'
  /** It is being migrated, to the destination of this attempt. */
  | 'ours'
  /** The same, but its destination has gone on with it: it does not run here again. */
  | 'ours-in-post-copy'
  /** Somebody else is migrating it, or it is not what was to be moved. */
  | 'somebody-elses'
  /** It has been handed over, or stands still as if it had been: it does not run here again unless it is told to. */
  | 'arrived'
  /** Post-copy is interrupted, and can be taken up again. */
  | 'interrupted'
  /** Its process has ended. */
  | 'gone'
  /** Nobody answers. */
  | 'unknown';

/** What is seen of the VM at its destination. */
export type DestinationSighting =
  /** There is nothing of this attempt. */
  | 'not-started'
  /** A QEMU of this attempt, to which nothing has come yet. */
  | 'waiting'
  /** A QEMU of this attempt, which does not have the whole guest yet. */
  | 'ours'
  /** The same, in post-copy, with the guest standing still. */
  | 'ours-held-in-post-copy'
  /** The same, and the guest runs. */
  | 'ours-in-post-copy'
  /** What has the name, the place or the memory is somebody else's. */
  | 'somebody-elses'
  /** The whole guest is there, and stands still. */
  | 'arrived-held'
  /** The whole guest is there, and runs. */
  | 'arrived'
  /** Post-copy is interrupted, and can be taken up again. */
  | 'interrupted'
  /** Nobody answers. */
  | 'unknown';

/** What is seen of both sides. */
export interface Observation {
  /** The source, which is looked at first. */
  readonly source: SourceSighting;
  /** The destination. */
  readonly destination: DestinationSighting;
}

/** What was decided in this move, each before it was carried out. */
export interface Decisions {
  /** What is wanted of it now. */
  readonly wanted: 'move' | 'stay';
  /** This attempt's source was told to migrate. */
  readonly toldToMigrate: boolean;
  /** This attempt's destination was told to run the guest. */
  readonly toldToRun: boolean;
  /** What a person says, who knows more than can be seen: where the guest goes on, or that it is lost. */
  readonly settled?: 'source' | 'destination' | 'lost' | undefined;
  /** What its policy has chosen, once that was not to go on. How that is done says nothing of where the guest is. */
  readonly chosen?: Decision | undefined;
  /** For that, its source was told to stop the guest while it is migrated. */
  readonly toldToStop?: boolean | undefined;
}

/** How a move ends. */
export type Outcome =
  /** The guest is at the destination, and nothing is left at the source. */
  | 'moved'
  /** The guest is at the source, and nothing is left at the destination. */
  | 'stayed'
  /** What held the guest has died. It is started nowhere. */
  | 'lost';

/** What is to be done next. */
export type Action =
  /** Start a QEMU for it at the destination. */
  | { readonly do: 'prepare' }
  /** Tell the source to migrate. */
  | { readonly do: 'migrate' }
  /** Look again a little later: something is under way. */
  | { readonly do: 'wait' }
  /** Tell the source to cancel the migration. */
  | { readonly do: 'cancel' }
  /** Let post-copy go on over a new connection. */
  | { readonly do: 'recover' }
  /** Tell the destination to run the guest. */
  | { readonly do: 'run-there' }
  /** Tell the source, which handed it over to somebody who has died before it ran there, to run the guest again. */
  | { readonly do: 'run-here' }
  /** End the QEMU of the source, which the guest has left. */
  | { readonly do: 'end-source' }
  /** End the QEMU of this attempt at the destination; the attempt is over. */
  | { readonly do: 'end-destination' }
  /** Nothing more. */
  | { readonly do: 'finish'; readonly outcome: Outcome }
  /** A person has to look: whatever could be done may be wrong. */
  | { readonly do: 'ask'; readonly reason: string };

const wait: Action = { do: 'wait' };

function finish(outcome: Outcome): Action {
  return { do: 'finish', outcome };
}

function ask(reason: string): Action {
  return { do: 'ask', reason };
}

/** The guest is at the source, and nobody is migrating it. */
function atSource(destination: DestinationSighting, decisions: Decisions): Action {
  const { wanted, toldToMigrate, toldToRun } = decisions;
  switch (destination) {
    case 'not-started':
      return wanted === 'move' && !toldToMigrate ? { do: 'prepare' } : finish('stayed');
    case 'waiting':
      return wanted === 'move' && !toldToMigrate ? { do: 'migrate' } : { do: 'end-destination' };
    case 'ours':
    case 'arrived-held':
      // The link broke, perhaps between its arrival and the source's hearing of that: the source went on with the guest.
      return { do: 'end-destination' };
    case 'unknown':
      // The guest runs, and nothing that is there can run it without being told to. One that is not needed any more, and
      // may never answer again, is ended all the same.
      return toldToRun || (wanted === 'move' && !toldToMigrate) ? wait : { do: 'end-destination' };
    case 'somebody-elses':
      return toldToMigrate
        ? ask('Somebody else is at the destination, and it may have the guest.')
        : finish('stayed');
    case 'arrived':
    case 'ours-in-post-copy':
    case 'ours-held-in-post-copy':
    case 'interrupted':
      return ask('Both sides have the guest.');
  }
}

/** The source has handed the guest over, and does not run it again by itself. */
function handedOver(destination: DestinationSighting, { toldToRun }: Decisions): Action {
  switch (destination) {
    case 'arrived-held':
      return { do: 'run-there' };
    case 'arrived':
      return { do: 'end-source' };
    case 'waiting':
    case 'ours':
      return wait;
    case 'not-started':
      // It may have run there since: the source has an older guest then.
      return toldToRun ? finish('lost') : { do: 'run-here' };
    case 'unknown':
      return wait;
    case 'somebody-elses':
      return ask('The source has handed the guest over, and somebody else is at the destination.');
    case 'ours-in-post-copy':
    case 'ours-held-in-post-copy':
      return wait;
    case 'interrupted':
      return ask(
        'The source sends nothing more, and the destination does not have all of the guest.',
      );
  }
}

/** The source's process has ended. */
function withoutSource(destination: DestinationSighting, { toldToRun }: Decisions): Action {
  switch (destination) {
    case 'arrived-held':
      // Had the source not heard of its arrival, the guest would have run there again, and have changed its disks.
      return toldToRun
        ? { do: 'run-there' }
        : ask(
            'The source has ended, and the guest at the destination may be older than its disks.',
          );
    case 'arrived':
      return finish('moved');
    case 'not-started':
      return finish('lost');
    case 'ours':
    case 'ours-in-post-copy':
    case 'ours-held-in-post-copy':
      // All of it may be on its way still. Otherwise it fails by itself.
      return wait;
    case 'waiting':
    case 'interrupted':
      // What is missing of it was at the source.
      return { do: 'end-destination' };
    case 'unknown':
      return ask('The source has ended, and the destination does not answer.');
    case 'somebody-elses':
      return ask('The source has ended, and somebody else is at the destination.');
  }
}

/** Somebody else is migrating the VM. Unless this attempt has begun to as well, it leaves without a trace. */
function besideSomebodyElse(
  destination: DestinationSighting,
  { toldToMigrate }: Decisions,
): Action {
  if (!toldToMigrate && destination === 'not-started') return finish('stayed');
  if (!toldToMigrate && destination === 'waiting') return { do: 'end-destination' };
  return ask(
    'Somebody else is migrating the VM, or another QEMU has taken its place at the source.',
  );
}

function inPostCopy(destination: DestinationSighting): Action {
  switch (destination) {
    case 'ours-held-in-post-copy':
      return { do: 'run-there' };
    case 'not-started':
      // What the guest did since the switch was there.
      return finish('lost');
    case 'somebody-elses':
      return ask('Somebody else is at the destination of a migration in post-copy.');
    default:
      return wait;
  }
}

function interrupted(destination: DestinationSighting): Action {
  // One that waits for a page may answer nothing else: it takes a new connection all the same, or says that it can't.
  if (destination === 'interrupted' || destination === 'unknown') return { do: 'recover' };
  return inPostCopy(destination);
}

/** A guest that was seen to run is not settled to be elsewhere. */
const contradiction = ask('What is seen contradicts what was settled: the guest runs elsewhere.');

const notThere = ask('What is seen contradicts what was settled: the guest is not there.');

function settledAtSource({ source, destination }: Observation): Action {
  // In post-copy what the guest has done since is elsewhere, whether it can go on or not.
  if (['gone', 'ours-in-post-copy', 'interrupted'].includes(source)) return contradiction;
  // It would leave by itself.
  if (source === 'ours') return { do: 'cancel' };
  switch (destination) {
    case 'arrived':
    case 'ours-in-post-copy':
      return contradiction;
    case 'waiting':
    case 'ours':
    case 'ours-held-in-post-copy':
    case 'arrived-held':
    case 'interrupted':
      return { do: 'end-destination' };
    case 'not-started':
    case 'unknown':
    case 'somebody-elses':
      return source === 'arrived' ? { do: 'run-here' } : finish('stayed');
  }
}

function settledAtDestination({ source, destination }: Observation): Action | undefined {
  if (['not-started', 'ours', 'somebody-elses'].includes(source)) return contradiction;
  switch (destination) {
    case 'arrived-held':
      return { do: 'run-there' };
    case 'arrived':
      return source === 'arrived' ? { do: 'end-source' } : finish('moved');
    case 'unknown':
    case 'somebody-elses':
      return finish('moved');
    case 'not-started':
    case 'waiting':
      return notThere;
    case 'interrupted':
      // What is missing of it was at the source.
      return source === 'gone' ? notThere : undefined;
    case 'ours':
    case 'ours-held-in-post-copy':
    case 'ours-in-post-copy':
      // Some of it is on its way still: it is where the person says when all of it is there.
      return undefined;
  }
}

function settledAsLost({ source, destination }: Observation): Action {
  if (['not-started', 'ours', 'somebody-elses'].includes(source)) return contradiction;
  switch (destination) {
    case 'arrived':
    case 'ours-in-post-copy':
      return contradiction;
    case 'not-started':
    case 'unknown':
    case 'somebody-elses':
      return finish('lost');
    default:
      return { do: 'end-destination' };
  }
}

const asSettled = {
  source: settledAtSource,
  destination: settledAtDestination,
  lost: settledAsLost,
} as const;

/** What to do next. */
export function nextAction(seen: Observation, decisions: Decisions): Action {
  const { source, destination } = seen;
  const settled = decisions.settled && asSettled[decisions.settled](seen);
  if (settled) return settled;
  switch (source) {
    case 'not-started':
      return atSource(destination, decisions);
    case 'ours':
      // Whatever is at the destination, the source will know how it ends.
      return decisions.wanted === 'stay' ? { do: 'cancel' } : wait;
    case 'ours-in-post-copy':
      return inPostCopy(destination);
    case 'somebody-elses':
      return besideSomebodyElse(destination, decisions);
    case 'arrived':
      return handedOver(destination, decisions);
    case 'interrupted':
      return interrupted(destination);
    case 'gone':
      return withoutSource(destination, decisions);
    case 'unknown':
      // Nobody starts a guest that may run there.
      return wait;
  }
}
