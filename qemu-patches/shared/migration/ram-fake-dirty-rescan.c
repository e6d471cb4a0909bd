/*
 * The fake dirty filter beside ram.c: how a filtered migration comes to its
 * end.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "qemu/lockable.h"
#include "qemu/rcu.h"
#include "qemu/timer.h"
#include "exec/ramblock.h"
#include "exec/ramlist.h"
#include "exec/target_page.h"
#include "fake-dirty.h"
#include "fake-dirty-broken.h"
#include "migration.h"
#include "migration/misc.h"
#include "multifd.h"
#include "multifd-fake-dirty.h"
#include "qemu-file.h"
#include "ram.h"
#include "ram-fake-dirty.h"

bool ram_fake_dirty_sync_needed(uint64_t remaining_bytes)
{
    return fake_dirty_active() && !remaining_bytes &&
           !fake_dirty_breaks(BANDWIDTH);
}

void ram_fake_dirty_before_sync(void)
{
    bool no_downtime = !migrate_get_current()->parameters.downtime_limit;
    int64_t ms = fake_dirty_sync_delay_ms(no_downtime);

    if (ms > 0) {
        g_usleep(ms * 1000);
        fake_dirty_paused(ms * SCALE_MS);
    }
    fake_dirty_sync_wait();
}

/* RAM blocks can't be removed for this long at a time. */
#define RESCAN_RCU_NS (50 * SCALE_MS)

/* One rescan of all blocks. */
typedef struct Rescan {
    const RAMWalk *walk;
    uint64_t threshold;         /* stop when more bytes are left than this */
    uint64_t kept;              /* pages that stay marked, of those checked */
    int64_t until_ns;           /* blocks may be removed then */
} Rescan;

static bool too_much_left(const Rescan *rescan)
{
    return rescan->kept * qemu_target_page_size() > rescan->threshold;
}

/*
 * Takes the marks from unchanged pages of @block from @page on, until too much
 * is left or the time is up.  Returns where it stopped.
 */
static unsigned long rescan_block(Rescan *rescan, RAMBlock *block,
                                  unsigned long page)
{
    unsigned long end = block->used_length >> qemu_target_page_bits();
    FakeDirtyFill fill;

    while (!too_much_left(rescan) && get_clock() < rescan->until_ns) {
        QEMU_LOCK_GUARD(rescan->walk->bitmap_mutex);

        page = find_next_bit(block->bmap, end, page);
        if (page >= end) {
            break;
        }
        fill = ram_fake_dirty_fill(rescan->walk, block, page);
        rescan->kept += fill.checked - fill.unchanged;
        page = fill.end;
    }
    return page;
}

/* Is something else to be done, or is the time up? */
static bool interrupted(const Rescan *rescan)
{
    MigrationState *s = migrate_get_current();

    return ram_list.version != rescan->walk->list_version ||
           qatomic_read(&s->start_postcopy) ||
           qemu_file_get_error(s->to_dst_file) ||
           !fake_dirty_rescan_in_time();
}

/* Returns whether more time would not have changed what is decided on it. */
static bool rescan_all(const RAMWalk *walk, uint64_t threshold)
{
    Rescan rescan = {
        .walk = walk, .threshold = threshold,
        .until_ns = get_clock() + RESCAN_RCU_NS,
    };
    RAMBlock *block;

    RCU_READ_LOCK_GUARD();
    RAMBLOCK_FOREACH_NOT_IGNORED(block) {
        unsigned long end = block->used_length >> qemu_target_page_bits();
        unsigned long page = 0;

        while (block->fake_dirty && page < end) {
            page = rescan_block(&rescan, block, page);
            if (too_much_left(&rescan)) {
                return true;
            }
            if (get_clock() < rescan.until_ns) {
                break;
            }
            /* Like the walk, let blocks be removed now and then. */
            rcu_read_unlock();
            rcu_read_lock();
            if (interrupted(&rescan)) {
                return false;
            }
            rescan.until_ns = get_clock() + RESCAN_RCU_NS;
        }
    }
    return true;
}

uint64_t ram_fake_dirty_remaining(RAMWalk walk, uint64_t threshold)
{
    QEMUFile *f = migrate_get_current()->to_dst_file;
    uint64_t page_size = qemu_target_page_size();
    uint64_t backlog = 0;

    if (*walk.dirty_pages * page_size >= threshold &&
        fake_dirty_rescan_wanted() &&
        /* R6: the tables are to be read where channels may write. */
        (!fake_dirty_in_channels() || multifd_send_drain(f))) {
        qemu_fflush(walk.stream);
        fake_dirty_rescan_begin(*walk.dirty_pages);
        backlog = fake_dirty_rescan_end(rescan_all(&walk, threshold),
                                        threshold);
    }
    return *walk.dirty_pages * page_size + backlog;
}
