/*
 * The fake dirty filter: pages that are marked dirty but hold what the
 * destination already has are not sent again.
 *
 * A page is copied into a stage, private memory, and everything that follows
 * uses that copy: the zero test, the fingerprint, the comparison, the send.
 * The table of a block remembers, one slot a page, the fingerprint of the
 * bytes that the destination holds, or that this is not known.
 *
 * The rules R1 to R8 that the comments cite are in docs/devel/fake-dirty.rst.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#ifndef QEMU_MIGRATION_FAKE_DIRTY_H
#define QEMU_MIGRATION_FAKE_DIRTY_H

#include "exec/cpu-common.h"
#include "migration/fake-dirty-broken.h"

/* Pages that are classified together when migration walks one at a time. */
#define FAKE_DIRTY_STAGE_PAGES 64

/* Skipped pages after which the walk looks at cancel, rate and time. */
#define FAKE_DIRTY_BREATH_PAGES 1024

/* How many of the last passes are remembered. */
#define FAKE_DIRTY_PASSES 16

typedef struct FakeDirtyBlock FakeDirtyBlock;
typedef struct FakeDirtyStage FakeDirtyStage;

/* Called for each page before it is copied: clear its dirty log (R2). */
typedef void FakeDirtyClearLog(void *opaque, unsigned long page);

typedef struct FakeDirtyOptions {
    const char *hash;
    size_t page_size;
    bool verify;
    bool multifd;       /* pages are classified by the multifd channels */
    size_t stage_pages; /* else so many together, by the migration thread */
} FakeDirtyOptions;

typedef struct FakeDirtyCounts {
    uint64_t first;
    uint64_t zero;
    uint64_t changed;
    uint64_t unchanged;
    uint64_t bytes_saved;
    uint64_t time_ns;
    uint64_t sending_ns;    /* in which one channel or more was sending */
} FakeDirtyCounts;

typedef struct FakeDirtyPassCounts {
    uint64_t pass;      /* the dirty-sync-count of the sync that ended it */
    FakeDirtyCounts counts;
} FakeDirtyPassCounts;

typedef struct FakeDirtyReport {
    const char *hash;
    bool verify;
    uint64_t table_bytes;
    uint64_t false_skips;
    uint64_t bandwidth;             /* bytes per second, of the link */
    uint64_t changed_pages_rate;    /* pages per second, last pass */
    FakeDirtyCounts counts;
    unsigned int nr_passes;         /* oldest first */
    FakeDirtyPassCounts passes[FAKE_DIRTY_PASSES];
} FakeDirtyReport;

static inline uint64_t fake_dirty_checked(const FakeDirtyCounts *counts)
{
    return counts->first + counts->zero + counts->changed + counts->unchanged;
}

#ifdef CONFIG_FAKEDIRTY

/*
 * One migration: a new hasher with a new key (R5).  Blocks follow.
 * On an error nothing has been started.
 */
bool fake_dirty_start(const FakeDirtyOptions *options, Error **errp);
FakeDirtyBlock *fake_dirty_block_new(const char *name, uint8_t *host,
                                     uint64_t pages, Error **errp);
/* All has been sent, and no channel is at work: the figures are final. */
void fake_dirty_complete(void);
/* Not before the channel threads are joined and the stream is closed. */
void fake_dirty_stop(void);

/* Between start and stop. */
bool fake_dirty_active(void);
/* Active, and the migration thread itself classifies the pages it sends. */
bool fake_dirty_staging(void);
/* Active, and the channels classify. */
bool fake_dirty_in_channels(void);
/* R3: from here on every marked page is sent. */
void fake_dirty_postcopy(void);

/* The walk over the pages starts again, or a bit may have been set. */
void fake_dirty_restart(void);

/* --- What the migration thread stages and sends -------------------------- */

/* The stage of the migration thread. */
FakeDirtyStage *fake_dirty_stage(void);

/*
 * The private copy to send; NULL when the page is not staged.  @block may be
 * NULL: a block that is not filtered.
 */
uint8_t *fake_dirty_page(FakeDirtyBlock *block, unsigned long page);

/* The page was sent, or handed with its copy to who sends it. */
void fake_dirty_sent(FakeDirtyBlock *block, unsigned long page);

/* --- Stages -------------------------------------------------------------- */

FakeDirtyStage *fake_dirty_stage_new(size_t capacity, Error **errp);
void fake_dirty_stage_free(FakeDirtyStage *stage);

/*
 * Take @page and the marked pages after it, up to @end and as many as fit;
 * clear their dirty log, copy and classify them.  The marks of unchanged pages
 * are cleared, they are done.  The others stay marked, and staged until they
 * are committed or the stage is emptied or filled again.
 *
 * Returns how many marks were cleared.
 */
unsigned long fake_dirty_stage_fill(FakeDirtyStage *stage,
                                    FakeDirtyBlock *block,
                                    unsigned long *marks,
                                    unsigned long page, unsigned long end,
                                    FakeDirtyClearLog *clear_log,
                                    void *opaque);

/* The private copy of the page; NULL when it is not staged. */
uint8_t *fake_dirty_stage_page(FakeDirtyStage *stage, FakeDirtyBlock *block,
                               unsigned long page);

/* The staged page has been sent, or handed with its copy to who sends it. */
void fake_dirty_stage_commit(FakeDirtyStage *stage, FakeDirtyBlock *block,
                             unsigned long page);

/* How many pages the last fill kept, and the page behind the last of all. */
unsigned int fake_dirty_stage_kept(FakeDirtyStage *stage);
unsigned long fake_dirty_stage_end(FakeDirtyStage *stage);

/* Forget the staged pages; slots are left alone. */
void fake_dirty_stage_empty(FakeDirtyStage *stage);

/*
 * For a channel: copy and classify @count pages at @offsets, and drop the
 * unchanged from @offsets.  copies[i] is what to send for offsets[i].
 * Returns how many remain.
 */
unsigned int fake_dirty_channel_filter(FakeDirtyStage *stage,
                                       FakeDirtyBlock *block,
                                       ram_addr_t *offsets, unsigned int count,
                                       const uint8_t **copies);
/* What remained has been sent. */
void fake_dirty_channel_commit(FakeDirtyStage *stage);

/*
 * With multifd, the migration thread finds zero pages itself and sends them
 * past the channels.  The page was found to be all zero: returns true if the
 * destination knows, so that there is nothing to send.  @block may be NULL.
 */
bool fake_dirty_zero_page(FakeDirtyBlock *block, unsigned long page);

/*
 * How many pages the channels have sent since the last call: they hand the
 * accounting back to the migration thread.
 */
uint64_t fake_dirty_channels_sent(void);

/* --- A long way without sending ------------------------------------------ */

/* Have so many pages been skipped since the last breath? */
bool fake_dirty_needs_air(void);
void fake_dirty_breathe(void);

/* --- Passes, and when to end --------------------------------------------- */

/* Around the bitmap sync; @pass is its number. */
void fake_dirty_sync_begin(void);
void fake_dirty_sync_end(uint64_t pass);
/* From here on its thread waits until it may. */
void fake_dirty_sync_wait(void);

/* The pass that the last sync ended. */
bool fake_dirty_last_pass(FakeDirtyPassCounts *pass);

/*
 * How long to wait, in ms, before the next sync, so that a guest whose marks
 * are all fake, and not fewer at each look, does not make migration do nothing
 * but sync; nor any guest when the next sync, @in_vain, will hardly bring the
 * end.
 */
int64_t fake_dirty_sync_delay_ms(bool in_vain);
void fake_dirty_idle(int64_t ns);

/* Were the pages of the last pass mostly unchanged, so that sifting pays? */
bool fake_dirty_sift_wanted(void);
/* A sift takes the marks from unchanged pages, and sends nothing. */
void fake_dirty_sift_begin(uint64_t marks);
bool fake_dirty_sift_in_time(void);
/*
 * @decided: more time would not have changed what it was for, which was to see
 * whether at most @threshold bytes are left.  Returns what the marks set
 * meanwhile cost when the guest stands still, as bytes on the link.
 */
uint64_t fake_dirty_sift_end(bool decided, uint64_t threshold);

/*
 * Bytes per ms of the link, from what a window of @ms and those before it saw.
 * A window proves that the link is as fast as what passed it, and slower than
 * what would have passed it had it all been sending; in between, and when too
 * little was sent, the earlier value stays.  @limit is what may be sent per
 * ms, 0 means no limit; @raw is what is returned when the filter is off, or
 * has skipped nothing yet.
 */
double fake_dirty_bandwidth(uint64_t bytes, int64_t ms, uint64_t limit,
                            double raw);

/*
 * What throttling compares, of the time since the last call of the second one:
 * what the link could have carried, when @bytes were sent; and of @bytes that
 * were marked, those that have changed, if as many of them are fake as of what
 * was checked meanwhile.  While looking at marks is what takes too long: what
 * could have been looked at, and all that were marked.
 */
uint64_t fake_dirty_carried_bytes(uint64_t bytes);
uint64_t fake_dirty_changed_bytes(uint64_t bytes);

/* Returns false when there has been no migration with the filter. */
bool fake_dirty_report(FakeDirtyReport *report);

#else /* !CONFIG_FAKEDIRTY: compiled away */

static inline bool fake_dirty_active(void)
{
    return false;
}

static inline bool fake_dirty_staging(void)
{
    return false;
}

static inline bool fake_dirty_in_channels(void)
{
    return false;
}

static inline void fake_dirty_complete(void)
{
}

static inline void fake_dirty_stop(void)
{
}

static inline double fake_dirty_bandwidth(uint64_t bytes, int64_t ms,
                                          uint64_t limit, double raw)
{
    return raw;
}

static inline uint64_t fake_dirty_carried_bytes(uint64_t bytes)
{
    return bytes;
}

static inline uint64_t fake_dirty_changed_bytes(uint64_t bytes)
{
    return bytes;
}

static inline bool fake_dirty_needs_air(void)
{
    return false;
}

static inline void fake_dirty_breathe(void)
{
}

static inline void fake_dirty_restart(void)
{
}

static inline uint8_t *fake_dirty_page(FakeDirtyBlock *block,
                                       unsigned long page)
{
    return NULL;
}

static inline void fake_dirty_sent(FakeDirtyBlock *block, unsigned long page)
{
}

static inline bool fake_dirty_zero_page(FakeDirtyBlock *block,
                                        unsigned long page)
{
    return false;
}

static inline uint64_t fake_dirty_channels_sent(void)
{
    return 0;
}

static inline void fake_dirty_sync_begin(void)
{
}

static inline void fake_dirty_sync_end(uint64_t pass)
{
}

static inline bool fake_dirty_report(FakeDirtyReport *report)
{
    return false;
}

#endif /* CONFIG_FAKEDIRTY */

#endif
