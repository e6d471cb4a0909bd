/*
 * The fake dirty filter beside ram.c: what it does with RAM blocks and marks.
 *
 * Nothing here knows RAMState; ram.c passes what is needed of it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#ifndef QEMU_MIGRATION_RAM_FAKE_DIRTY_H
#define QEMU_MIGRATION_RAM_FAKE_DIRTY_H

#include "exec/cpu-common.h"
#include "migration/fake-dirty-stage.h"
#include "qemu/thread.h"

/* ram_find_and_save_block(): pages were skipped, none was sent, go on. */
#define RAM_PAGES_SKIPPED INT_MAX

/* What the filter needs of the walk over RAM. */
typedef struct RAMWalk {
    /* Points into the stage until it is flushed. */
    QEMUFile *stream;
    /* The number of marked pages; the mutex protects it and the bitmaps. */
    uint64_t *dirty_pages;
    QemuMutex *bitmap_mutex;
    /* The version of the RAM list that is walked. */
    uint32_t list_version;
    /* Clears the dirty log of the page. */
    void (*clear_log)(RAMBlock *block, unsigned long page);
} RAMWalk;

/* A block that is walked. */
typedef struct RAMBlockLog {
    const RAMWalk *walk;
    RAMBlock *block;
} RAMBlockLog;

/* --- One migration ------------------------------------------------------- */

/* Does nothing and returns true if the capability is off. */
bool ram_fake_dirty_start(bool multifd, Error **errp);
void ram_fake_dirty_stop(void);
/* Right after the sync at the switch to post-copy. */
void ram_fake_dirty_postcopy(RAMWalk walk);

/* --- Sending pages ------------------------------------------------------- */

/*
 * Before the mark of the page is tested: stage the page, or clear its mark if
 * it is unchanged.  If it is to be sent as it is, makes its slot unknown (R4).
 */
void ram_fake_dirty_stage(RAMWalk walk, RAMBlock *block, unsigned long page);
/* What to send of a page: its private copy if it has one. */
uint8_t *ram_fake_dirty_page_data(RAMBlock *block, ram_addr_t offset);
/* If the page has a private copy, puts it into the buffer and returns true. */
bool ram_fake_dirty_copy(RAMBlock *block, ram_addr_t offset, uint8_t *buffer);
/*
 * The page was found to be all zero: returns true if it need not be sent.  Only
 * with multifd, where zero pages bypass the channels.
 */
bool ram_fake_dirty_skip_zero_page(RAMBlock *block, ram_addr_t offset);

/* A FakeDirtyClearLog of a RAMBlockLog; for the files of the filter. */
void ram_fake_dirty_clear_log(void *opaque, unsigned long page);

/* --- Towards the end ----------------------------------------------------- */

/*
 * RAM is asked for the exact size of what is left: does its bitmap have to be
 * synced?  With nothing left and a threshold of 0, unpatched QEMU would end
 * without looking.
 */
bool ram_fake_dirty_syncs(uint64_t remaining_bytes, uint64_t threshold);
/*
 * When marks are mostly fake, or no downtime is allowed, leave some time
 * between the syncs.
 */
void ram_fake_dirty_before_sync(void);
/*
 * All together owe @pending bytes, RAM's marks among them.  If looking at these
 * may show that the migration can end, rescans them, without the big lock, and
 * returns true: ask again who owes what (R9).
 */
bool ram_fake_dirty_look(RAMWalk walk, uint64_t pending, uint64_t threshold);

#endif
