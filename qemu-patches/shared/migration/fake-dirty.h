/*
 * The fake dirty filter: pages that are marked dirty but hold what the
 * destination already has are not sent again.
 *
 * This is the interface for the rest of migration.  While no migration is
 * filtered, the functions that QEMU's own files call change nothing and return
 * what unpatched QEMU would use (R8).  The rules R1 to R10 that comments cite
 * are in docs/devel/fake-dirty.rst.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#ifndef QEMU_MIGRATION_FAKE_DIRTY_H
#define QEMU_MIGRATION_FAKE_DIRTY_H

#include "migration/fake-dirty-sample.h"
#include "migration/fake-dirty-stage.h"
#include "migration/fake-dirty-stats.h"

/* Pages that are classified together when migration walks one at a time. */
#define FAKE_DIRTY_STAGE_PAGES 64

typedef struct FakeDirtyOptions {
    const char *hash;
    size_t page_size;
    bool verify;
    bool multifd;       /* pages are classified by the multifd channels */
    size_t stage_pages; /* otherwise, how many at a time */
    uint64_t table_bytes;       /* of all blocks: fake_dirty_table_bytes() */
    uint64_t max_memory;        /* bytes that these may be; 0 is no limit */
    unsigned max_cpu_percent;   /* of one core, all threads; 0 is no limit */
    bool sampling;              /* look at a sample where nothing is fake */
} FakeDirtyOptions;

/* Is QEMU built with libfakedirty? */
bool fake_dirty_built_in(void);
/*
 * What can happen with this hash, so that it takes consent: to be put after
 * "is unsafe: ".  NULL if libfakedirty calls it fit for production.
 */
const char *fake_dirty_hash_risk(const char *hash);

/* --- One migration ------------------------------------------------------- */

/* What the table of a block with so many pages takes, with its copies. */
uint64_t fake_dirty_table_bytes(const FakeDirtyOptions *options,
                                uint64_t pages);
/* Blocks follow.  On an error nothing has been started. */
bool fake_dirty_start(const FakeDirtyOptions *options, Error **errp);
FakeDirtyBlock *fake_dirty_block_new(const char *name, uint8_t *host,
                                     uint64_t pages, Error **errp);
/* All has been sent, and no channel is at work: the figures are final. */
void fake_dirty_complete(void);
/* Has the filter itself failed?  Then the migration must. */
bool fake_dirty_failed(Error **errp);
/* Not before the channel threads are joined and the stream is closed. */
void fake_dirty_stop(void);
/* R3: from here on every marked page is sent. */
void fake_dirty_postcopy(void);

/* Between start and stop. */
bool fake_dirty_active(void);
/* Active, and the migration thread itself classifies the pages it sends. */
bool fake_dirty_staging(void);
/* Active, and the channels classify. */
bool fake_dirty_in_channels(void);

/* Returns false when there has been no migration with the filter. */
bool fake_dirty_report(FakeDirtyReport *report);
/* The pass that the last sync ended; returns false if there is none. */
bool fake_dirty_last_pass(FakeDirtyPassCounts *pass);

/* --- What the migration thread stages and sends -------------------------- */

/* Fill the stage of the migration thread: see fake_dirty_stage_fill(). */
FakeDirtyFill fake_dirty_fill(FakeDirtyBlock *block, unsigned long *marks,
                              unsigned long page, unsigned long end,
                              FakeDirtyClearLog *clear_log, void *opaque);

/*
 * Is the page to be checked?  Where nothing is fake, only those in the sample
 * are.
 */
bool fake_dirty_checks(unsigned long page);
/* Are only those in the sample checked?  Changes while no channel works. */
bool fake_dirty_samples(void);
/* Where a run of pages ends that are all checked, or all not. */
unsigned long fake_dirty_checks_until(unsigned long page, unsigned long end);
/* R4: the page, which is not staged, will be sent as it is. */
void fake_dirty_unseen(FakeDirtyBlock *block, unsigned long page);
/* Have the thread wait if the filter takes too much of a processor. */
void fake_dirty_rest(int64_t ns);

/*
 * The private copy to send; NULL if the page is not staged.  @block may be
 * NULL, here and below: a block that is not filtered.
 */
uint8_t *fake_dirty_page(FakeDirtyBlock *block, unsigned long page);

/* The page was sent, or its copy was handed to whoever sends it. */
void fake_dirty_sent(FakeDirtyBlock *block, unsigned long page);

/* The walk over the pages starts again. */
void fake_dirty_restart(void);

/*
 * So many pages have been skipped since the last reset that the walk has to
 * look at cancel, rate and time.
 */
bool fake_dirty_skip_budget_spent(void);
void fake_dirty_skip_budget_reset(void);

/* --- What the migration thread does for the channels --------------------- */

/* Are the pages of the block classified, and counted, by the channels? */
bool fake_dirty_block_in_channels(FakeDirtyBlock *block);

/*
 * With multifd, the migration thread finds zero pages itself and sends them
 * without the channels.  The page was found to be all zero: returns true if
 * the destination's is, so that there is nothing to send.
 */
bool fake_dirty_skip_zero_page(FakeDirtyBlock *block, unsigned long page);

/*
 * How many pages the channels have sent since the last call, and in how many
 * packets: the migration thread does their accounting.
 */
uint64_t fake_dirty_channels_sent(uint64_t *packets);

/* --- Syncs, looks, and when to end: see fake-dirty-end.h and -pace.h ------ */

/*
 * Around a bitmap sync, from whatever thread (R10); @pass is its number.  A
 * sync by another thread than the one that migrates closes no pass, and does
 * not hold up what is sent.
 */
void fake_dirty_sync_begin(void);
void fake_dirty_sync_end(uint64_t pass);
/* With the lock held under which the sync merges marks, before it does. */
void fake_dirty_merge(void);
/* Has there been a sync since the last call, by the migration thread? */
bool fake_dirty_synced(void);

/* The thread begins to wait until it may sync. */
void fake_dirty_sync_wait(void);
int64_t fake_dirty_sync_delay_ms(bool no_downtime);
void fake_dirty_paused(int64_t ns);

/*
 * A sample is taken of @marks pages.  Returns of how many stretches one is
 * sampled; the first of them is number fake_dirty_sample_phase().
 */
uint64_t fake_dirty_sample_begin(uint64_t marks);
uint64_t fake_dirty_sample_phase(uint64_t stretches);
/* The sampled group in the stretch of that number; as fake_dirty_fill(). */
FakeDirtyFill fake_dirty_sample(FakeDirtyBlock *block, unsigned long *marks,
                                uint64_t stretch, unsigned long end,
                                FakeDirtyClearLog *clear_log, void *opaque);
/*
 * What the sample says of the marks: from now on all pages are checked, or only
 * those in the sample; and does a look begin?
 */
bool fake_dirty_sample_end(uint64_t marks, uint64_t room);

/* Is there a look?  Its syncs close no pass. */
bool fake_dirty_looking(void);
/* See fake_dirty_end_round(). */
bool fake_dirty_look_round(uint64_t marks, uint64_t room);
/* As fake_dirty_fill(), of pages that this look has not yet checked. */
FakeDirtyFill fake_dirty_look(FakeDirtyBlock *block, unsigned long *marks,
                              unsigned long page, unsigned long end,
                              FakeDirtyClearLog *clear_log, void *opaque);
/* See fake_dirty_end_in_time(). */
bool fake_dirty_look_in_time(void);
/* See fake_dirty_end_rescanned(). */
bool fake_dirty_look_rescanned(uint64_t kept, uint64_t room, bool complete);
/* Nothing more has to be known. */
void fake_dirty_look_finish(void);

/* How long the first window may be in which the bandwidth is estimated. */
int64_t fake_dirty_window_ms(int64_t ms, bool walked);
double fake_dirty_bandwidth(uint64_t bytes, int64_t ms, uint64_t limit,
                            double raw);
uint64_t fake_dirty_carried_bytes(uint64_t sent);
uint64_t fake_dirty_changed_bytes(uint64_t marked);

#endif
