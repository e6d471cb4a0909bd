/*
 * How a filtered migration comes to its end.  The same for every QEMU;
 * included by ram.c alone, behind its glue.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */

#ifdef CONFIG_FAKEDIRTY

/*
 * Must the bitmap be synced before the end is decided?  With nothing left and
 * a threshold of 0, unpatched QEMU would end without looking.
 */
static bool ram_fake_dirty_wants_sync(uint64_t remaining_bytes)
{
    return fake_dirty_active() && !remaining_bytes &&
           !FAKE_DIRTY_BROKEN_BANDWIDTH;
}

/* When marks are mostly fake, leave some time between the syncs. */
static void ram_fake_dirty_before_sync(void)
{
    int64_t ms = fake_dirty_sync_delay_ms();

    if (ms > 0) {
        g_usleep(ms * 1000);
        fake_dirty_idle(ms * SCALE_MS);
    }
}

/*
 * Right after a sync, and without the big lock: the end is not decided on
 * marks that the last pass has shown to be mostly fake, but on what is left
 * of them.  Stops when more is left than @threshold bytes.
 */
static void ram_fake_dirty_sift(RAMState *rs, uint64_t threshold)
{
    QEMUFile *f = ram_fake_dirty_stream(rs);
    FakeDirtyStage *stage = fake_dirty_stage();
    uint64_t kept = 0;
    bool in_time = true;
    RAMBlock *rb;

    if (rs->migration_dirty_pages * TARGET_PAGE_SIZE < threshold ||
        !fake_dirty_sift_wanted()) {
        return;
    }
    /* R6: the tables are to be read where channels may write. */
    if (fake_dirty_in_channels() && !multifd_send_drain()) {
        return;
    }
    qemu_fflush(f);
    fake_dirty_sift_begin();
    RCU_READ_LOCK_GUARD();
    RAMBLOCK_FOREACH_NOT_IGNORED(rb) {
        unsigned long end = rb->used_length >> TARGET_PAGE_BITS;
        unsigned long page = 0;

        if (!rb->fake_dirty) {
            continue;
        }
        while (in_time && kept * TARGET_PAGE_SIZE <= threshold &&
               !qemu_file_get_error(f)) {
            QEMU_LOCK_GUARD(&rs->bitmap_mutex);

            page = find_next_bit(rb->bmap, end, page);
            if (page >= end) {
                break;
            }
            rs->migration_dirty_pages -=
                fake_dirty_stage_fill(stage, rb->fake_dirty, rb->bmap, page,
                                      end, ram_fake_dirty_clear_log, rb);
            kept += fake_dirty_stage_kept(stage);
            page = fake_dirty_stage_end(stage);
            in_time = fake_dirty_sift_in_time();
        }
    }
    fake_dirty_sift_end(in_time);
}

#else

static bool ram_fake_dirty_wants_sync(uint64_t remaining_bytes)
{
    return false;
}

static void ram_fake_dirty_before_sync(void)
{
}

static void ram_fake_dirty_sift(RAMState *rs, uint64_t threshold)
{
}

#endif
