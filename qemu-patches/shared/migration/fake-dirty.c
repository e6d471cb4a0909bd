/*
 * The fake dirty filter: one migration, from its start to its report.
 *
 * This file latches the modes, owns the stage of the migration thread, and
 * keeps the filter out of migrations that are not filtered (R8).  It knows
 * nothing of how migration walks or sends.  Rules R1 to R10:
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
 *       when to sync        |
 *           |      |        |
 *           |  fake-dirty-  fake-dirty-table  what the destination holds
 *           |  end: when    |        |
 *           |  to look      |    fake-dirty-sample
 *            \              /
 *              fake-dirty-stats               counts, times, passes
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#include "qemu/osdep.h"
#include "qemu/bitmap.h"
#include "qemu/timer.h"
#include "qapi/error.h"
#include "migration/fake-dirty.h"
#include "migration/fake-dirty-broken.h"
#include "migration/fake-dirty-end.h"
#include "migration/fake-dirty-pace.h"
#include "migration/fake-dirty-table.h"
#include "trace.h"

static struct {
    bool active;
    bool multifd;
    bool postcopy;
    bool sampling;
    bool sampled;               /* only pages in the sample are checked */
    bool first_synced;
    bool synced;
    int thread;                 /* that migrates; 0: not known yet */
    FakeDirtyStage *stage;      /* of the migration thread */
    struct {
        uint64_t phase;         /* so that not always the same are taken */
        uint64_t checked;
        uint64_t unchanged;
    } sample;
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
    fake_dirty_pace_start(options->page_size, options->max_cpu_percent);
    fake_dirty_end_start();
    memset(&filter, 0, sizeof(filter));
    filter.multifd = options->multifd;
    filter.sampling = options->sampling;
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

bool fake_dirty_failed(Error **errp)
{
    return filter.active && fake_dirty_tables_failed(errp);
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

static FakeDirtyFill fill_stage(FakeDirtyBlock *block, unsigned long *marks,
                                const unsigned long *except,
                                unsigned long page, unsigned long end,
                                FakeDirtyClearLog *clear_log, void *opaque)
{
    FakeDirtyFill fill = fake_dirty_stage_fill(filter.stage, block, marks,
                                               except, page, end, clear_log,
                                               opaque);

    fake_dirty_pace_filtered(fill.ns, fill.checked, fill.unchanged);
    return fill;
}

FakeDirtyFill fake_dirty_fill(FakeDirtyBlock *block, unsigned long *marks,
                              unsigned long page, unsigned long end,
                              FakeDirtyClearLog *clear_log, void *opaque)
{
    FakeDirtyFill fill = fill_stage(block, marks, NULL, page, end, clear_log,
                                    opaque);

    fake_dirty_pace_skipped(fill.unchanged);
    return fill;
}

bool fake_dirty_samples(void)
{
    return filter.sampled;
}

bool fake_dirty_checks(unsigned long page)
{
    return !filter.sampled || fake_dirty_in_sample(page);
}

unsigned long fake_dirty_checks_until(unsigned long page, unsigned long end)
{
    return filter.sampled ?
        MIN(end, ROUND_UP(page + 1, FAKE_DIRTY_GROUP_PAGES)) : end;
}

void fake_dirty_unseen(FakeDirtyBlock *block, unsigned long page)
{
    fake_dirty_tables_forget(block, page);
    fake_dirty_stats_add_unseen(1);
}

void fake_dirty_rest(int64_t ns)
{
    int64_t rest_ns = fake_dirty_pace_rest(ns);

    if (rest_ns && fake_dirty_staging()) {
        fake_dirty_pace_paused(rest_ns);
    }
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
        !fake_dirty_checks(page) ||
        !fake_dirty_tables_skip_zero_page(block, page)) {
        return false;
    }
    fake_dirty_pace_skipped(1);
    return true;
}

uint64_t fake_dirty_channels_sent(uint64_t *packets)
{
    return fake_dirty_stats_take_channel_pages(packets);
}

/* --- Syncs ---------------------------------------------------------------- */

/* The first sync is that of the migration's own thread. */
static bool own_thread(void)
{
    int thread = qemu_get_thread_id();

    if (!filter.thread) {
        filter.thread = thread;
    }
    return filter.thread == thread;
}

void fake_dirty_sync_begin(void)
{
    if (!filter.active) {
        return;
    }
    if (fake_dirty_breaks(R10)) {
        fake_dirty_stage_empty(filter.stage);
    }
    if (own_thread()) {
        fake_dirty_pace_sync_begin();
    }
}

void fake_dirty_merge(void)
{
    /* A newer mark would merge with that of a staged page, and go with it. */
    if (filter.active && !fake_dirty_breaks(SYNC) && !fake_dirty_breaks(R10)) {
        fake_dirty_stage_empty(filter.stage);
    }
}

void fake_dirty_sync_end(uint64_t pass)
{
    if (filter.active && own_thread()) {
        fake_dirty_tables_count_false_skips();
        fake_dirty_pace_sync_end(pass);
        /* After the first, nothing is known of any page. */
        filter.synced = filter.first_synced;
        filter.first_synced = true;
    }
}

bool fake_dirty_synced(void)
{
    bool synced = filter.synced;

    filter.synced = false;
    return synced;
}

void fake_dirty_sync_wait(void)
{
    if (filter.active) {
        fake_dirty_pace_sync_begin();
    }
}

int64_t fake_dirty_sync_delay_ms(bool no_downtime)
{
    return filter.active && !fake_dirty_end_looking() ?
        fake_dirty_pace_sync_delay_ms(no_downtime) : 0;
}

void fake_dirty_paused(int64_t ns)
{
    fake_dirty_pace_paused(ns);
}

/* --- Samples -------------------------------------------------------------- */

/* Of the pages in the sample, fewer than 1/64 are fake: that does not pay. */
#define SAMPLED_FROM 64
/* And more than 1/32 are: that does. */
#define SAMPLED_UNTIL 32

uint64_t fake_dirty_sample_begin(uint64_t marks)
{
    uint64_t pages = marks / FAKE_DIRTY_SAMPLE_GROUPS;

    filter.sample.checked = 0;
    filter.sample.unchanged = 0;
    filter.sample.phase++;
    fake_dirty_pace_look_begin();
    return MAX(pages / FAKE_DIRTY_SAMPLE_PAGES, 1);
}

uint64_t fake_dirty_sample_phase(uint64_t stretches)
{
    return filter.sample.phase % stretches;
}

FakeDirtyFill fake_dirty_sample(FakeDirtyBlock *block, unsigned long *marks,
                                uint64_t stretch, unsigned long end,
                                FakeDirtyClearLog *clear_log, void *opaque)
{
    uint64_t page = fake_dirty_sampled_page(stretch);
    FakeDirtyFill fill = {};

    end = MIN(end, page + FAKE_DIRTY_GROUP_PAGES);
    if (page < end && find_next_bit(marks, end, page) < end) {
        fill = fill_stage(block, marks, NULL, page, end, clear_log, opaque);
        filter.sample.checked += fill.checked - fill.first;
        filter.sample.unchanged += fill.unchanged;
    }
    return fill;
}

static bool sample_is_changed(unsigned int share)
{
    return filter.sample.checked >= FAKE_DIRTY_SAMPLE_PAGES_MIN &&
           filter.sample.unchanged < filter.sample.checked / share;
}

bool fake_dirty_sample_end(uint64_t marks, uint64_t room)
{
    FakeDirtyProspect prospect = {
        .marks = marks,
        .room = room,
        .sampled = filter.sample.checked,
        .unchanged = filter.sample.unchanged,
        .check_ns = fake_dirty_pace_check_ns(),
    };

    fake_dirty_pace_look_end();
    fake_dirty_stage_empty(filter.stage);
    filter.sampled = filter.sampling &&
        sample_is_changed(filter.sampled ? SAMPLED_UNTIL : SAMPLED_FROM);
    trace_fake_dirty_sample(marks, room, filter.sample.checked,
                            filter.sample.unchanged, filter.sampled);
    if (filter.sampled || fake_dirty_breaks(RESCAN) ||
        !fake_dirty_end_rested(get_clock()) ||
        !fake_dirty_end_begin(&prospect, get_clock())) {
        return false;
    }
    fake_dirty_pace_look_begin();
    fake_dirty_tables_look_begin();
    return true;
}

/* --- Looks ---------------------------------------------------------------- */

static bool look_goes_on(bool goes_on)
{
    if (!goes_on) {
        fake_dirty_pace_look_end();
    }
    return goes_on;
}

bool fake_dirty_looking(void)
{
    return filter.active && fake_dirty_end_looking();
}

bool fake_dirty_look_round(uint64_t marks, uint64_t room)
{
    return look_goes_on(fake_dirty_end_round(marks, room, get_clock()));
}

FakeDirtyFill fake_dirty_look(FakeDirtyBlock *block, unsigned long *marks,
                              unsigned long page, unsigned long end,
                              FakeDirtyClearLog *clear_log, void *opaque)
{
    FakeDirtyFill fill = fill_stage(block, marks, block->looked_at, page, end,
                                    clear_log, opaque);
    const uint64_t *pages;
    unsigned int count, i;

    pages = fake_dirty_stage_pages(filter.stage, &count);
    for (i = 0; i < count; i++) {
        set_bit(pages[i], block->looked_at);
    }
    return fill;
}

bool fake_dirty_look_in_time(void)
{
    return fake_dirty_end_in_time(get_clock());
}

bool fake_dirty_look_rescanned(uint64_t kept, uint64_t room, bool complete)
{
    /* What was copied for a rescan is not sent from the stage. */
    fake_dirty_stage_empty(filter.stage);
    trace_fake_dirty_rescan(kept, room, complete);
    return look_goes_on(fake_dirty_end_rescanned(kept, room, complete,
                                                 get_clock()));
}

void fake_dirty_look_finish(void)
{
    if (filter.active) {
        fake_dirty_end_finish();
        fake_dirty_pace_look_end();
    }
}

/* --- Bandwidth and throttling --------------------------------------------- */

/*
 * QEMU knows the bandwidth after its first window of 100 ms, and until then
 * ends a migration that has nothing left, whatever has been marked since.  Here
 * it would go on.  So the first window ends with the first pass.
 */
#define FIRST_WINDOW_MS 10

int64_t fake_dirty_window_ms(int64_t ms, bool walked)
{
    return filter.active && walked && !fake_dirty_pace_bandwidth_known() ?
        FIRST_WINDOW_MS : ms;
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
