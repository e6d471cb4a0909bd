/*
 * The fake dirty filter, stages: private copies of pages that are classified
 * together, and sent from there (R1).
 *
 * Above tables and statistics; see the list in fake-dirty.c.  The migration
 * thread has one stage, and with multifd each channel one of its own.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#ifndef QEMU_MIGRATION_FAKE_DIRTY_STAGE_H
#define QEMU_MIGRATION_FAKE_DIRTY_STAGE_H

#include "exec/cpu-common.h"

typedef struct FakeDirtyBlock FakeDirtyBlock;
typedef struct FakeDirtyStage FakeDirtyStage;

/* Called for each page before it is copied: clear its dirty log (R2). */
typedef void FakeDirtyClearLog(void *opaque, unsigned long page);

/* What filling a stage did. */
typedef struct FakeDirtyFill {
    unsigned int checked;       /* pages that were copied and classified */
    unsigned int unchanged;     /* of these; they have lost their marks */
    unsigned int first;         /* of these; their slots are unknown */
    unsigned long end;          /* behind the last page checked */
    int64_t ns;
} FakeDirtyFill;

/* A migration starts, with pages of this size. */
void fake_dirty_stages_start(size_t page_size);

FakeDirtyStage *fake_dirty_stage_new(size_t capacity, Error **errp);
void fake_dirty_stage_free(FakeDirtyStage *stage);

/* --- The migration thread ------------------------------------------------ */

/*
 * Take @page and the marked pages after it, up to @end and as many as fit, but
 * none that is in @except; clear their dirty log, copy and classify them.  The
 * marks of unchanged pages are cleared: they are done.  The others stay marked,
 * and staged until they are committed or the stage is emptied or filled again.
 * @except may be NULL.
 */
FakeDirtyFill fake_dirty_stage_fill(FakeDirtyStage *stage,
                                    FakeDirtyBlock *block,
                                    unsigned long *marks,
                                    const unsigned long *except,
                                    unsigned long page, unsigned long end,
                                    FakeDirtyClearLog *clear_log,
                                    void *opaque);

/* The private copy of the page; NULL if it is not staged. */
uint8_t *fake_dirty_stage_page(FakeDirtyStage *stage, FakeDirtyBlock *block,
                               unsigned long page);

/* The staged page was sent, or its copy was handed to whoever sends it. */
void fake_dirty_stage_commit(FakeDirtyStage *stage, FakeDirtyBlock *block,
                             unsigned long page);

/* Forget the staged pages; slots are left alone. */
void fake_dirty_stage_empty(FakeDirtyStage *stage);

/* The numbers of the staged pages, ascending; there are *@count. */
const uint64_t *fake_dirty_stage_pages(const FakeDirtyStage *stage,
                                       unsigned int *count);

/* --- The channels -------------------------------------------------------- */

/*
 * Copy and classify @count pages at @offsets, and drop the unchanged ones from
 * @offsets.  copies[i] is what to send for offsets[i].  If @sampled, pages that
 * are not in the sample are left as they are, and without a copy.  Returns how
 * many are left.
 */
unsigned int fake_dirty_channel_filter(FakeDirtyStage *stage,
                                       FakeDirtyBlock *block, bool sampled,
                                       ram_addr_t *offsets, unsigned int count,
                                       const uint8_t **copies);
/* The pages that were left have been sent. */
void fake_dirty_channel_commit(FakeDirtyStage *stage);

#endif
