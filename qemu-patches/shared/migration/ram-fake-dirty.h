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

/* --- One migration ------------------------------------------------------- */

/* Does nothing and returns true if the capability is off. */
bool ram_fake_dirty_start(bool multifd, Error **errp);
void ram_fake_dirty_stop(void);
/* Right after the sync at the switch to post-copy. */
void ram_fake_dirty_postcopy(RAMWalk walk);

/* --- Sending pages ------------------------------------------------------- */

/*
 * Before the mark of the page is tested: stage the page, or clear its mark if
 * it is unchanged.
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

/*
 * Fill the stage with marked pages from @page on.  Unchanged pages lose their
 * marks.  For the files of the filter; called with the bitmap mutex held.
 */
FakeDirtyFill ram_fake_dirty_fill(const RAMWalk *walk, RAMBlock *block,
                                  unsigned long page);

/* --- Towards the end ----------------------------------------------------- */

/*
 * Does the bitmap have to be synced before the end is decided?  With nothing
 * left and a threshold of 0, unpatched QEMU would end without looking.
 */
bool ram_fake_dirty_sync_needed(uint64_t remaining_bytes);
/*
 * When marks are mostly fake, or no downtime is allowed, leave some time
 * between the syncs.
 */
void ram_fake_dirty_before_sync(void);
/*
 * Right after a sync, and without the big lock: the bytes on which the end is
 * decided.  Marks that the last pass has shown to be mostly fake are rescanned
 * first; what counts is what is left of them and what the guest has marked
 * meanwhile.
 */
uint64_t ram_fake_dirty_remaining(RAMWalk walk, uint64_t threshold);

#endif
