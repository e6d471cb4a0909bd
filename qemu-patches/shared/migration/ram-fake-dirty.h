/*
 * The fake dirty filter in ram.c.  Included by ram.c alone, behind what it
 * uses of it; what is not the same in every QEMU is in
 * ram-fake-dirty-version.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */

/* ram_find_and_save_block(): pages were skipped, none was sent, go on. */
#define RAM_PAGES_SKIPPED INT_MAX

/* What to send of a page: its private copy if it has one. */
static uint8_t *ram_page_data(RAMBlock *block, ram_addr_t offset)
{
    uint8_t *copy = fake_dirty_page(block->fake_dirty,
                                    offset >> TARGET_PAGE_BITS);

    return copy ? copy : block->host + offset;
}

#ifdef CONFIG_FAKEDIRTY

#include "ram-fake-dirty-version.h"

bool ram_fake_dirty_start(Error **errp)
{
    FakeDirtyOptions options = {
        .hash = FakeDirtyHash_str(migrate_fake_dirty_hash()),
        .page_size = TARGET_PAGE_SIZE,
        .verify = migrate_fake_dirty_verify(),
        .multifd = ram_fake_dirty_multifd(),
        .stage_pages = migrate_get_current()->fake_dirty_stage_pages,
    };
    RAMBlock *block;

    if (!migrate_fake_dirty_filter()) {
        return true;
    }
    if (!fake_dirty_start(&options, errp)) {
        return false;
    }
    RCU_READ_LOCK_GUARD();
    RAMBLOCK_FOREACH_NOT_IGNORED(block) {
        block->fake_dirty =
            fake_dirty_block_new(block->idstr, block->host,
                                 block->max_length >> TARGET_PAGE_BITS, errp);
        if (!block->fake_dirty) {
            ram_fake_dirty_stop();
            return false;
        }
    }
    return true;
}

void ram_fake_dirty_stop(void)
{
    RAMBlock *block;

    WITH_RCU_READ_LOCK_GUARD() {
        INTERNAL_RAMBLOCK_FOREACH(block) {
            block->fake_dirty = NULL;
        }
    }
    fake_dirty_stop();
}

static void ram_fake_dirty_clear_log(void *opaque, unsigned long page)
{
    migration_clear_memory_region_dirty_bitmap(opaque, page);
}

/*
 * Before the mark of pss->page is tested: see to it that the page is staged,
 * or has lost its mark because it is unchanged.
 */
static void ram_fake_dirty_stage(RAMState *rs, PageSearchStatus *pss)
{
    RAMBlock *rb = pss->block;

    if (!rb->fake_dirty || !fake_dirty_staging() ||
        !test_bit(pss->page, rb->bmap) ||
        fake_dirty_page(rb->fake_dirty, pss->page)) {
        return;
    }
    /* The stream may still point into the stage. */
    if (!fake_dirty_breaks(FLUSH)) {
        qemu_fflush(ram_fake_dirty_stream(rs));
    }
    rs->migration_dirty_pages -=
        fake_dirty_stage_fill(fake_dirty_stage(), rb->fake_dirty, rb->bmap,
                              pss->page, rb->used_length >> TARGET_PAGE_BITS,
                              ram_fake_dirty_clear_log, rb);
}

/*
 * Right after the sync at the switch to post-copy.  If the destination is told
 * to discard nothing, it forgets that it listens, and gives up with the guest.
 * Without the filter there nearly always is something: with no mark left,
 * pre-copy would have ended.  Here the marks may all have been taken as fake,
 * so have one page sent again, of memory that is all there: virtio-mem's may
 * be unplugged.
 */
static void ram_fake_dirty_postcopy(RAMState *rs)
{
    RAMBlock *block;

    if (!fake_dirty_active()) {
        return;
    }
    fake_dirty_postcopy();
    RAMBLOCK_FOREACH_NOT_IGNORED(block) {
        if (!rs->migration_dirty_pages && block->mr &&
            !memory_region_has_ram_discard_manager(block->mr) &&
            !fake_dirty_breaks(POSTCOPY)) {
            set_bit(0, block->bmap);
            rs->migration_dirty_pages = 1;
        }
    }
}

#else

bool ram_fake_dirty_start(Error **errp)
{
    return true;
}

void ram_fake_dirty_stop(void)
{
}

static void ram_fake_dirty_stage(RAMState *rs, PageSearchStatus *pss)
{
}

static void ram_fake_dirty_postcopy(RAMState *rs)
{
}

#endif
