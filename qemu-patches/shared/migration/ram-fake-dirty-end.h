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
           !fake_dirty_breaks(BANDWIDTH);
}

/*
 * When marks are mostly fake, or no downtime is allowed, leave some time
 * between the syncs.
 */
static void ram_fake_dirty_before_sync(void)
{
    bool in_vain = !migrate_get_current()->parameters.downtime_limit;
    int64_t ms = fake_dirty_sync_delay_ms(in_vain);

    if (ms > 0) {
        g_usleep(ms * 1000);
        fake_dirty_idle(ms * SCALE_MS);
    }
    fake_dirty_sync_wait();
}

/* For so long at a time the RAM blocks are kept from going away. */
#define SIFT_STRETCH_NS (50 * SCALE_MS)

/*
 * Takes the marks from unchanged pages of @rb from @page on; stops when
 * @threshold bytes were not, when it is late, or somebody wants something else.
 * Returns where it stopped.
 */
static unsigned long ram_fake_dirty_sift_block(RAMState *rs, RAMBlock *rb,
                                               unsigned long page,
                                               uint64_t threshold,
                                               uint64_t *kept, int64_t until_ns)
{
    unsigned long end = rb->used_length >> TARGET_PAGE_BITS;
    FakeDirtyStage *stage = fake_dirty_stage();

    while (*kept * TARGET_PAGE_SIZE <= threshold && get_clock() < until_ns) {
        QEMU_LOCK_GUARD(&rs->bitmap_mutex);

        page = find_next_bit(rb->bmap, end, page);
        if (page >= end) {
            break;
        }
        rs->migration_dirty_pages -=
            fake_dirty_stage_fill(stage, rb->fake_dirty, rb->bmap, page,
                                  end, ram_fake_dirty_clear_log, rb);
        *kept += fake_dirty_stage_kept(stage);
        page = fake_dirty_stage_end(stage);
    }
    return page;
}

/* Returns whether more time would not have changed what is decided on it. */
static bool ram_fake_dirty_sift_all(RAMState *rs, uint64_t threshold)
{
    MigrationState *s = migrate_get_current();
    int64_t until_ns = get_clock() + SIFT_STRETCH_NS;
    uint64_t kept = 0;
    RAMBlock *rb;

    RCU_READ_LOCK_GUARD();
    RAMBLOCK_FOREACH_NOT_IGNORED(rb) {
        unsigned long end = rb->used_length >> TARGET_PAGE_BITS;
        unsigned long page = 0;

        while (rb->fake_dirty && page < end) {
            page = ram_fake_dirty_sift_block(rs, rb, page, threshold, &kept,
                                             until_ns);
            if (kept * TARGET_PAGE_SIZE > threshold) {
                return true;
            }
            if (get_clock() < until_ns) {
                break;
            }
            /* As the walk does, let others have the blocks now and then. */
            rcu_read_unlock();
            rcu_read_lock();
            if (ram_list.version != rs->last_version ||
                qatomic_read(&s->start_postcopy) ||
                qemu_file_get_error(s->to_dst_file) ||
                !fake_dirty_sift_in_time()) {
                return false;
            }
            until_ns = get_clock() + SIFT_STRETCH_NS;
        }
    }
    return true;
}

/*
 * Right after a sync, and without the big lock: the end is not decided on
 * marks that the last pass has shown to be mostly fake, but on what is left
 * of them, and on what the guest has marked meanwhile.  Returns it in bytes.
 */
static uint64_t ram_fake_dirty_remaining(RAMState *rs, uint64_t threshold)
{
    uint64_t debt = 0;

    if (rs->migration_dirty_pages * TARGET_PAGE_SIZE >= threshold &&
        fake_dirty_sift_wanted() &&
        /* R6: the tables are to be read where channels may write. */
        (!fake_dirty_in_channels() || multifd_send_drain())) {
        qemu_fflush(ram_fake_dirty_stream(rs));
        fake_dirty_sift_begin(rs->migration_dirty_pages);
        debt = fake_dirty_sift_end(ram_fake_dirty_sift_all(rs, threshold),
                                   threshold);
    }
    return rs->migration_dirty_pages * TARGET_PAGE_SIZE + debt;
}

#else

static bool ram_fake_dirty_wants_sync(uint64_t remaining_bytes)
{
    return false;
}

static void ram_fake_dirty_before_sync(void)
{
}

static uint64_t ram_fake_dirty_remaining(RAMState *rs, uint64_t threshold)
{
    return rs->migration_dirty_pages * TARGET_PAGE_SIZE;
}

#endif
