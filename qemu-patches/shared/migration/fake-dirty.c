/*
 * The fake dirty filter: one migration, from its start to its report.
 *
 * This file latches the modes, owns the stage of the migration thread, and
 * keeps the filter out of migrations that are not filtered (R8).  It knows
 * nothing of how migration walks or sends.  Rules R1 to R8:
 * docs/devel/fake-dirty.rst.
 *
 * The filter is made of layers.  Each calls and includes only those below it,
 * and none calls back:
 *
 *     ram-fake-dirty, multifd-fake-dirty      beside ram.c and multifd.c
 *                     |
 *                 fake-dirty                  the filter: one migration
 *                /          \
 *       fake-dirty-pace   fake-dirty-stage    private copies of pages
 *       when to end         |
 *               |         fake-dirty-table    what the destination holds
 *                \          /
 *              fake-dirty-stats               counts, times, passes
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "migration/fake-dirty.h"
#include "migration/fake-dirty-broken.h"
#include "migration/fake-dirty-pace.h"
#include "migration/fake-dirty-table.h"
#include "trace.h"

static struct {
    bool active;
    bool multifd;
    bool postcopy;
    FakeDirtyStage *stage;      /* of the migration thread */
} filter;

bool fake_dirty_built_in(void)
{
    return true;
}

const char *fake_dirty_hash_risk(const char *hash)
{
    return fake_dirty_tables_hash_risk(hash);
}

/* --- One migration ------------------------------------------------------- */

uint64_t fake_dirty_table_bytes(const FakeDirtyOptions *options,
                                uint64_t pages)
{
    return fake_dirty_tables_size(options->hash, options->page_size,
                                  options->verify, pages);
}

bool fake_dirty_start(const FakeDirtyOptions *options, Error **errp)
{
    assert(!filter.active);
    if (!options->stage_pages) {
        error_setg(errp, "fake-dirty-filter: x-fake-dirty-stage-pages is 0, "
                   "at least one page has to be classified at a time");
        return false;
    }
    if (options->max_memory && options->table_bytes > options->max_memory) {
        error_setg(errp, "fake-dirty-filter: %" PRIu64 " bytes are needed for "
                   "fingerprints%s, and fake-dirty-max-memory allows %" PRIu64
                   "; raise it%s, or turn the filter off",
                   options->table_bytes, options->verify ? " and copies" : "",
                   options->max_memory,
                   options->verify ? ", turn fake-dirty-verify off" : "");
        return false;
    }
    if (!fake_dirty_tables_start(options->hash, options->page_size,
                                 options->verify, errp)) {
        return false;
    }
    fake_dirty_stats_start(fake_dirty_tables_hash(), options->verify);
    fake_dirty_stages_start(options->page_size);
    fake_dirty_pace_start(options->page_size);
    filter.multifd = options->multifd;
    filter.postcopy = false;
    filter.stage = fake_dirty_stage_new(options->stage_pages, errp);
    if (!filter.stage) {
        fake_dirty_tables_stop();
        return false;
    }
    filter.active = true;
    trace_fake_dirty_start(options->multifd, options->stage_pages);
    return true;
}

FakeDirtyBlock *fake_dirty_block_new(const char *name, uint8_t *host,
                                     uint64_t pages, Error **errp)
{
    return fake_dirty_tables_add(name, host, pages, errp);
}

void fake_dirty_complete(void)
{
    if (filter.active) {
        fake_dirty_tables_count_false_skips();
    }
}

void fake_dirty_stop(void)
{
    if (!filter.active) {
        return;
    }
    fake_dirty_tables_count_false_skips();
    filter.active = false;
    fake_dirty_stage_free(filter.stage);
    filter.stage = NULL;
    fake_dirty_tables_stop();
    trace_fake_dirty_stop();
}

void fake_dirty_postcopy(void)
{
    if (filter.active && !fake_dirty_breaks(R3)) {
        fake_dirty_stage_empty(filter.stage);
        fake_dirty_pace_skip_budget_reset();
        filter.postcopy = true;
    }
}

bool fake_dirty_active(void)
{
    return filter.active;
}

bool fake_dirty_staging(void)
{
    return filter.active && !filter.multifd && !filter.postcopy;
}

bool fake_dirty_in_channels(void)
{
    return filter.active && filter.multifd && !filter.postcopy;
}

bool fake_dirty_report(FakeDirtyReport *report)
{
    return fake_dirty_stats_report(report);
}

bool fake_dirty_last_pass(FakeDirtyPassCounts *pass)
{
    return filter.active && fake_dirty_stats_last_pass(pass);
}

/* --- What the migration thread stages and sends -------------------------- */

FakeDirtyFill fake_dirty_fill(FakeDirtyBlock *block, unsigned long *marks,
                              unsigned long page, unsigned long end,
                              FakeDirtyClearLog *clear_log, void *opaque)
{
    FakeDirtyFill fill = fake_dirty_stage_fill(filter.stage, block, marks, page,
                                               end, clear_log, opaque);

    fake_dirty_pace_filtered(fill.ns, fill.checked, fill.unchanged);
    fake_dirty_pace_skipped(fill.unchanged);
    return fill;
}

uint8_t *fake_dirty_page(FakeDirtyBlock *block, unsigned long page)
{
    return block && fake_dirty_staging() ?
        fake_dirty_stage_page(filter.stage, block, page) : NULL;
}

void fake_dirty_sent(FakeDirtyBlock *block, unsigned long page)
{
    if (block && fake_dirty_staging()) {
        fake_dirty_stage_commit(filter.stage, block, page);
    }
}

void fake_dirty_restart(void)
{
    if (filter.active && !fake_dirty_breaks(RESTART)) {
        fake_dirty_stage_empty(filter.stage);
    }
}

bool fake_dirty_skip_budget_spent(void)
{
    return filter.active && fake_dirty_pace_skip_budget_spent();
}

void fake_dirty_skip_budget_reset(void)
{
    fake_dirty_pace_skip_budget_reset();
}

/* --- What the migration thread does for the channels --------------------- */

bool fake_dirty_block_in_channels(FakeDirtyBlock *block)
{
    return block && fake_dirty_in_channels();
}

bool fake_dirty_skip_zero_page(FakeDirtyBlock *block, unsigned long page)
{
    if (!fake_dirty_block_in_channels(block) || fake_dirty_breaks(R4_ZERO) ||
        !fake_dirty_tables_skip_zero_page(block, page)) {
        return false;
    }
    fake_dirty_pace_skipped(1);
    return true;
}

uint64_t fake_dirty_channels_sent(void)
{
    return fake_dirty_stats_take_channel_pages();
}

/* --- Syncs, rescans, and when to end ------------------------------------- */

void fake_dirty_sync_begin(void)
{
    if (!filter.active) {
        return;
    }
    /* A newer mark would merge with that of a staged page, and go with it. */
    if (!fake_dirty_breaks(SYNC)) {
        fake_dirty_stage_empty(filter.stage);
    }
    fake_dirty_pace_sync_begin();
}

void fake_dirty_sync_end(uint64_t pass)
{
    if (!filter.active) {
        return;
    }
    if (!filter.multifd) {
        fake_dirty_tables_count_false_skips();
    }
    fake_dirty_pace_sync_end(pass);
}

void fake_dirty_sync_wait(void)
{
    if (filter.active) {
        fake_dirty_pace_sync_begin();
    }
}

int64_t fake_dirty_sync_delay_ms(bool no_downtime)
{
    return filter.active ? fake_dirty_pace_sync_delay_ms(no_downtime) : 0;
}

void fake_dirty_paused(int64_t ns)
{
    fake_dirty_pace_paused(ns);
}

bool fake_dirty_rescan_wanted(void)
{
    /* R3: one of the two until post-copy begins. */
    if ((fake_dirty_staging() || fake_dirty_in_channels()) &&
        fake_dirty_pace_rescan_wanted()) {
        return true;
    }
    fake_dirty_pace_no_rescan();
    return false;
}

void fake_dirty_rescan_begin(uint64_t marks)
{
    fake_dirty_pace_rescan_begin(marks);
}

bool fake_dirty_rescan_in_time(void)
{
    return fake_dirty_pace_rescan_in_time();
}

uint64_t fake_dirty_rescan_end(bool decided, uint64_t threshold)
{
    uint64_t backlog = fake_dirty_pace_rescan_end(decided, threshold);

    /* What was copied for the rescan alone is not sent from the stage. */
    fake_dirty_stage_empty(filter.stage);
    fake_dirty_pace_skip_budget_reset();
    return backlog;
}

double fake_dirty_bandwidth(uint64_t bytes, int64_t ms, uint64_t limit,
                            double raw)
{
    if (!filter.active || fake_dirty_breaks(BANDWIDTH)) {
        return raw;
    }
    return fake_dirty_pace_bandwidth(bytes, ms, limit, raw,
                                     fake_dirty_in_channels());
}

uint64_t fake_dirty_carried_bytes(uint64_t sent)
{
    if (!filter.active || fake_dirty_breaks(THROTTLE)) {
        return sent;
    }
    return fake_dirty_pace_carried_bytes(sent);
}

uint64_t fake_dirty_changed_bytes(uint64_t marked)
{
    if (!filter.active || fake_dirty_breaks(THROTTLE)) {
        return marked;
    }
    return fake_dirty_pace_changed_bytes(marked);
}
