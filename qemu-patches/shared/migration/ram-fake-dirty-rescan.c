/*
 * The fake dirty filter beside ram.c: how a filtered migration comes to its
 * end.  When it pays to look is decided in fake-dirty-end.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#include "qemu/osdep.h"
#include <poll.h>
#include "qemu/bitops.h"
#include "qemu/lockable.h"
#include "qemu/rcu.h"
#include "qemu/timer.h"
#include "exec/ramblock.h"
#include "exec/ramlist.h"
#include "exec/target_page.h"
#include "io/channel-command.h"
#include "io/channel-file.h"
#include "io/channel-socket.h"
#include "io/channel-tls.h"
#include "sysemu/runstate.h"
#include "fake-dirty.h"
#include "fake-dirty-broken.h"
#include "migration.h"
#include "migration/misc.h"
#include "multifd.h"
#include "multifd-fake-dirty.h"
#include "qemu-file.h"
#include "ram.h"
#include "ram-fake-dirty.h"

/* --- Syncs ---------------------------------------------------------------- */

bool ram_fake_dirty_syncs(uint64_t remaining_bytes, uint64_t threshold)
{
    if (fake_dirty_looking() && fake_dirty_breaks(R9)) {
        return false;
    }
    return remaining_bytes < threshold ||
           (fake_dirty_active() && !remaining_bytes &&
            !fake_dirty_breaks(BANDWIDTH));
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

/* --- Is there something else to do? --------------------------------------- */

/* The file descriptor behind the stream; -1 if there is none. */
static int link_fd(QIOChannel *link)
{
    Object *object = OBJECT(link);

    if (object_dynamic_cast(object, TYPE_QIO_CHANNEL_TLS)) {
        object = OBJECT(QIO_CHANNEL_TLS(object)->master);
    }
    if (object_dynamic_cast(object, TYPE_QIO_CHANNEL_SOCKET)) {
        return QIO_CHANNEL_SOCKET(object)->fd;
    }
    if (object_dynamic_cast(object, TYPE_QIO_CHANNEL_COMMAND)) {
        return QIO_CHANNEL_COMMAND(object)->writefd;
    }
    if (object_dynamic_cast(object, TYPE_QIO_CHANNEL_FILE)) {
        return QIO_CHANNEL_FILE(object)->fd;
    }
    return -1;
}

/*
 * Nothing is sent during a look, so that nobody else would notice that the
 * destination is gone, or that somebody has pulled the plug (yank).
 */
static bool link_is_dead(QEMUFile *f)
{
    struct pollfd poll_fd = {
        .fd = link_fd(qemu_file_get_ioc(f)),
#ifdef POLLRDHUP
        .events = POLLRDHUP,
#endif
    };

    return poll_fd.fd >= 0 && poll(&poll_fd, 1, 0) > 0;
}

static bool interrupted(const RAMWalk *walk)
{
    MigrationState *s = migrate_get_current();

    return ram_list.version != walk->list_version ||
           qatomic_read(&s->start_postcopy) ||
           !migration_is_active(s) ||
           qemu_file_get_error(s->to_dst_file) || link_is_dead(s->to_dst_file);
}

/* --- Rescans -------------------------------------------------------------- */

/* RAM blocks can't be removed for this long at a time. */
#define RESCAN_RCU_NS (50 * SCALE_MS)

/* One rescan of all blocks. */
typedef struct Rescan {
    const RAMWalk *walk;
    uint64_t room;              /* stop when more pages are kept than this */
    uint64_t kept;              /* pages that stay marked, of those checked */
    int64_t until_ns;           /* blocks may be removed then */
} Rescan;

/*
 * Takes the marks from unchanged pages of @block from @page on, until too much
 * is left or the time is up.  Returns where it stopped.
 */
static unsigned long rescan_block(Rescan *rescan, RAMBlock *block,
                                  unsigned long page)
{
    RAMBlockLog log = { rescan->walk, block };
    unsigned long end = block->used_length >> qemu_target_page_bits();
    FakeDirtyFill fill;

    while (page < end && rescan->kept <= rescan->room &&
           get_clock() < rescan->until_ns) {
        WITH_QEMU_LOCK_GUARD(rescan->walk->bitmap_mutex) {
            fill = fake_dirty_look(block->fake_dirty, block->bmap, page, end,
                                   ram_fake_dirty_clear_log, &log);
            *rescan->walk->dirty_pages -= fill.unchanged;
        }
        rescan->kept += fill.checked - fill.unchanged;
        page = fill.end;
        if (runstate_is_running()) {
            fake_dirty_rest(fill.ns);
        }
    }
    return page;
}

/* Returns whether all marks that are new in this look have been checked. */
static bool rescan_all(Rescan *rescan)
{
    RAMBlock *block;

    RCU_READ_LOCK_GUARD();
    rescan->until_ns = get_clock() + RESCAN_RCU_NS;
    RAMBLOCK_FOREACH_NOT_IGNORED(block) {
        unsigned long end = block->used_length >> qemu_target_page_bits();
        unsigned long page = 0;

        while (block->fake_dirty && page < end) {
            page = rescan_block(rescan, block, page);
            if (rescan->kept > rescan->room || fake_dirty_failed(NULL)) {
                return false;
            }
            if (page >= end) {
                break;
            }
            /* Like the walk, let blocks be removed now and then. */
            rcu_read_unlock();
            rcu_read_lock();
            if (interrupted(rescan->walk) || !fake_dirty_look_in_time()) {
                return false;
            }
            rescan->until_ns = get_clock() + RESCAN_RCU_NS;
        }
    }
    return true;
}

/* --- Samples -------------------------------------------------------------- */

/* Returns whether a look begins. */
static bool sample(const RAMWalk *walk, uint64_t room)
{
    uint64_t stretches = fake_dirty_sample_begin(*walk->dirty_pages);
    RAMBlock *block;

    RCU_READ_LOCK_GUARD();
    RAMBLOCK_FOREACH_NOT_IGNORED(block) {
        RAMBlockLog log = { walk, block };
        unsigned long end = block->used_length >> qemu_target_page_bits();
        uint64_t stretch;

        if (!block->fake_dirty) {
            continue;
        }
        QEMU_LOCK_GUARD(walk->bitmap_mutex);
        for (stretch = fake_dirty_sample_phase(stretches);
             stretch * FAKE_DIRTY_STRETCH_PAGES < end; stretch += stretches) {
            FakeDirtyFill fill =
                fake_dirty_sample(block->fake_dirty, block->bmap, stretch, end,
                                  ram_fake_dirty_clear_log, &log);

            *walk->dirty_pages -= fill.unchanged;
        }
    }
    return fake_dirty_sample_end(*walk->dirty_pages, room);
}

/* --- The end -------------------------------------------------------------- */

bool ram_fake_dirty_look(RAMWalk walk, uint64_t pending, uint64_t threshold)
{
    QEMUFile *f = migrate_get_current()->to_dst_file;
    uint64_t page_size = qemu_target_page_size();
    uint64_t marked = *walk.dirty_pages * page_size;
    uint64_t others = pending - MIN(marked, pending);
    Rescan rescan = { .walk = &walk };
    bool complete;

    /* R3: one of the two until post-copy begins. */
    if (!fake_dirty_synced() || pending < threshold ||
        !(fake_dirty_staging() || fake_dirty_in_channels()) ||
        interrupted(&walk) ||
        /* R6: the tables are to be read where channels may write. */
        (fake_dirty_in_channels() && !multifd_send_drain(f))) {
        fake_dirty_look_finish();
        return false;
    }
    qemu_fflush(walk.stream);
    rescan.room = others < threshold ? (threshold - others - 1) / page_size : 0;
    if ((!fake_dirty_looking() && !sample(&walk, rescan.room)) ||
        !fake_dirty_look_round(*walk.dirty_pages, rescan.room)) {
        return false;
    }
    complete = rescan_all(&rescan);
    return fake_dirty_look_rescanned(rescan.kept, rescan.room, complete);
}
