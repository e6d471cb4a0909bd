/*
 * The fake dirty filter: pages that are marked dirty but hold what the
 * destination already has are not sent again.
 *
 * This is the interface for the rest of migration.  While no migration is
 * filtered, the functions that QEMU's own files call change nothing and return
 * what unpatched QEMU would use (R8).  The rules R1 to R8 that comments cite
 * are in docs/devel/fake-dirty.rst.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#ifndef QEMU_MIGRATION_FAKE_DIRTY_H
#define QEMU_MIGRATION_FAKE_DIRTY_H

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
 * The private copy to send; NULL if the page is not staged.  @block may be
 * NULL, here and below: a block that is not filtered.
 */
uint8_t *fake_dirty_page(FakeDirtyBlock *block, unsigned long page);

/* The page was sent, or its copy was handed to whoever sends it. */
void fake_dirty_sent(FakeDirtyBlock *block, unsigned long page);

/* The walk over the pages starts again, or a bit may have been set. */
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
 * How many pages the channels have sent since the last call: the migration
 * thread does their accounting.
 */
uint64_t fake_dirty_channels_sent(void);

/* --- Syncs, rescans, and when to end: see fake-dirty-pace.h -------------- */

/* Around the bitmap sync; @pass is its number. */
void fake_dirty_sync_begin(void);
void fake_dirty_sync_end(uint64_t pass);
/* The thread begins to wait until it may sync. */
void fake_dirty_sync_wait(void);
int64_t fake_dirty_sync_delay_ms(bool no_downtime);
void fake_dirty_paused(int64_t ns);

/* A rescan takes the marks from unchanged pages, and sends nothing. */
bool fake_dirty_rescan_wanted(void);
void fake_dirty_rescan_begin(uint64_t marks);
bool fake_dirty_rescan_in_time(void);
uint64_t fake_dirty_rescan_end(bool decided, uint64_t threshold);

double fake_dirty_bandwidth(uint64_t bytes, int64_t ms, uint64_t limit,
                            double raw);
uint64_t fake_dirty_carried_bytes(uint64_t sent);
uint64_t fake_dirty_changed_bytes(uint64_t marked);

#endif
