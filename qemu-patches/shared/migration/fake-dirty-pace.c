/*
 * The fake dirty filter, pace: the figures by which a migration with many
 * skipped pages decides when to sync, when to end and when to throttle.
 *
 * This file knows counts, times and bytes; no block, no page.  Its formulas
 * are in fake-dirty-pace.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "migration/fake-dirty-broken.h"
#include "migration/fake-dirty-pace.h"
#include "migration/fake-dirty-stats.h"
#include "trace.h"

/* A window that was mostly idle tells of the link if this much was sent. */
#define BANDWIDTH_BYTES_MIN (256 * 1024)

/* For how long a window is remembered, in time spent sending. */
#define BANDWIDTH_MEMORY_MS 300

/* The distance of syncs that would follow each other without progress. */
#define SYNC_INTERVAL_MS 50

/* A rescan may take this long; twice as long each time it did not suffice. */
#define RESCAN_BUDGET_NS (500 * SCALE_MS)

/* Between start and stop. */
static struct {
    size_t page_size;
    unsigned int skipped;       /* pages since the budget was reset */
    int64_t skip_ns;            /* spent by this thread on skipped pages */
    int64_t pause_ns;           /* spent in syncs and waiting for them */
    int64_t window_ns;          /* skip_ns + pause_ns at the last window */
    int64_t sync_begin_ns;      /* 0: not in a sync */
    int64_t sync_end_ns;        /* 0: there has been none */
    int64_t interval_ns;        /* between the last two syncs */
    int64_t rescan_budget_ns;
    bool rescanning;
    bool no_progress;           /* the last rescan found no fewer marks */
    bool rescans_too_slow;      /* for the downtime that is allowed */
    double rescan_bytes_per_ns;
    struct {                    /* the last one */
        int64_t begin_ns;
        int64_t filter_ns;
        uint64_t marks;         /* when it began */
        uint64_t checked;
        uint64_t kept;
    } rescan;
    double bandwidth;           /* bytes per ms; 0: not known yet */
    FakeDirtyCounts window_start;
    FakeDirtyCounts throttle_start;
    int64_t throttle_start_ns;
} pace;

void fake_dirty_pace_start(size_t page_size)
{
    memset(&pace, 0, sizeof(pace));
    pace.page_size = page_size;
    pace.rescan_budget_ns = RESCAN_BUDGET_NS;
    pace.throttle_start_ns = get_clock();
}

/*
 * The time for pages that are sent next is part of what sending takes: the
 * link works on what is queued meanwhile.  Without it a link would seem faster
 * than it is, the more so the slower the fingerprint, and the downtime that is
 * expected too short.
 */
void fake_dirty_pace_filtered(int64_t ns, unsigned int checked,
                              unsigned int unchanged)
{
    if (pace.rescanning) {
        pace.skip_ns += ns;
        pace.rescan.filter_ns += ns;
        pace.rescan.checked += checked;
        pace.rescan.kept += checked - unchanged;
    } else if (checked) {
        pace.skip_ns += ns * unchanged / checked;
    }
}

static bool mostly_unchanged(const FakeDirtyCounts *counts)
{
    return counts->unchanged > counts->checked / 2;
}

/* --- How many pages may be skipped in a row ------------------------------ */

void fake_dirty_pace_skipped(unsigned int pages)
{
    pace.skipped += pages;
}

bool fake_dirty_pace_skip_budget_spent(void)
{
    return pace.skipped >= FAKE_DIRTY_SKIP_BUDGET_PAGES &&
           !fake_dirty_breaks(SKIP_BUDGET);
}

void fake_dirty_pace_skip_budget_reset(void)
{
    pace.skipped = 0;
}

/* --- Syncs --------------------------------------------------------------- */

void fake_dirty_pace_sync_begin(void)
{
    if (!pace.sync_begin_ns) {
        pace.sync_begin_ns = get_clock();
    }
}

void fake_dirty_pace_sync_end(uint64_t pass)
{
    int64_t now_ns = get_clock();

    pace.pause_ns += now_ns - pace.sync_begin_ns;
    pace.sync_begin_ns = 0;
    if (pace.sync_end_ns) {
        pace.interval_ns = now_ns - pace.sync_end_ns;
        fake_dirty_stats_next_pass(pass, pace.interval_ns);
    } else {
        fake_dirty_stats_first_pass();
    }
    pace.sync_end_ns = now_ns;
}

int64_t fake_dirty_pace_sync_delay_ms(bool no_downtime)
{
    FakeDirtyCounts pass;
    int64_t elapsed_ms;

    if (!pace.sync_end_ns || fake_dirty_breaks(RESCAN)) {
        return 0;
    }
    pass = fake_dirty_stats_this_pass();
    elapsed_ms = (get_clock() - pace.sync_end_ns) / SCALE_MS;
    return no_downtime || (pace.no_progress && mostly_unchanged(&pass)) ?
        MAX(SYNC_INTERVAL_MS - elapsed_ms, 0) : 0;
}

void fake_dirty_pace_paused(int64_t ns)
{
    pace.pause_ns += ns;
}

/* --- Rescans ------------------------------------------------------------- */

bool fake_dirty_pace_rescan_wanted(void)
{
    FakeDirtyPassCounts pass;

    return !fake_dirty_breaks(RESCAN) && fake_dirty_stats_last_pass(&pass) &&
           mostly_unchanged(&pass.counts);
}

void fake_dirty_pace_no_rescan(void)
{
    pace.rescans_too_slow = false;
    pace.no_progress = false;
    pace.rescan.marks = 0;
}

void fake_dirty_pace_rescan_begin(uint64_t marks)
{
    pace.rescanning = true;
    pace.no_progress = pace.rescan.marks && marks > pace.rescan.marks / 16 * 15;
    memset(&pace.rescan, 0, sizeof(pace.rescan));
    pace.rescan.marks = marks;
    pace.rescan.begin_ns = get_clock();
}

bool fake_dirty_pace_rescan_in_time(void)
{
    return get_clock() - pace.rescan.begin_ns < pace.rescan_budget_ns;
}

uint64_t fake_dirty_pace_rescan_end(bool decided, uint64_t threshold)
{
    double rescan_ns = get_clock() - pace.rescan.begin_ns;
    double again = MIN(rescan_ns / MAX(pace.interval_ns, 1), 1);
    double scale = (double)pace.rescan.marks / MAX(pace.rescan.checked, 1);
    double check_bytes = scale * pace.rescan.filter_ns / SCALE_MS *
                         pace.bandwidth;
    uint64_t backlog = check_bytes +
                       again * scale * pace.rescan.kept * pace.page_size;

    pace.rescanning = false;
    /* Where no downtime is allowed at all, fewer marks do not help. */
    pace.rescans_too_slow = threshold && check_bytes > threshold;
    pace.rescan_bytes_per_ns = (double)pace.rescan.checked * pace.page_size /
                               MAX(pace.rescan.filter_ns, 1);
    trace_fake_dirty_rescan(decided, pace.rescan_budget_ns, backlog);
    /* Doubling bounds how many rescans a guest of any size takes. */
    pace.rescan_budget_ns = decided ? RESCAN_BUDGET_NS :
                            MIN(pace.rescan_budget_ns * 2, INT64_MAX / 4);
    return backlog;
}

/* --- Bandwidth ----------------------------------------------------------- */

static bool link_was_busy(const FakeDirtyCounts *window, uint64_t bytes,
                          double sending_ms, int64_t ms)
{
    if (window->zero > window->checked / 8 * 7) {
        return false;
    }
    /* Skips and pauses are known, but not to the last microsecond. */
    return sending_ms >= (bytes >= BANDWIDTH_BYTES_MIN ? ms / 10.0 : ms / 2.0);
}

/* The more, the longer it was seen. */
static void bandwidth_approach(double seen, double ms)
{
    pace.bandwidth += (seen - pace.bandwidth) * ms / (ms + BANDWIDTH_MEMORY_MS);
}

double fake_dirty_pace_bandwidth(uint64_t bytes, int64_t ms, uint64_t limit,
                                 double raw, bool in_channels)
{
    FakeDirtyCounts window = fake_dirty_stats_since(&pace.window_start);
    int64_t not_sending_ns = pace.skip_ns + pace.pause_ns - pace.window_ns;
    double sending_ms, lower, upper;

    pace.window_ns += not_sending_ns;
    sending_ms = in_channels ? MIN((double)window.sending_ns / SCALE_MS, ms) :
                               ms - (double)not_sending_ns / SCALE_MS;
    lower = (double)bytes / MAX(ms, 1);
    upper = bytes / MAX(sending_ms, MAX(ms, 1) / 10.0);

    if (!pace.bandwidth) {
        pace.bandwidth = upper;
    } else if (pace.bandwidth < lower) {
        bandwidth_approach(lower, ms);
    } else if (pace.bandwidth > upper &&
               link_was_busy(&window, bytes, sending_ms, ms)) {
        bandwidth_approach(upper, sending_ms);
    }
    if (limit) {
        pace.bandwidth = MIN(pace.bandwidth, limit);
    }
    fake_dirty_stats_set_bandwidth(pace.bandwidth * 1000);
    trace_fake_dirty_bandwidth(bytes, ms, not_sending_ns, pace.bandwidth);
    return pace.window_start.unchanged ? pace.bandwidth : raw;
}

/* --- Throttling ---------------------------------------------------------- */

uint64_t fake_dirty_pace_carried_bytes(uint64_t sent)
{
    FakeDirtyCounts now = fake_dirty_stats_counts();
    double ns, carried;

    if (now.unchanged == pace.throttle_start.unchanged) {
        return sent;
    }
    ns = get_clock() - pace.throttle_start_ns;
    carried = ns / SCALE_MS * pace.bandwidth;
    if (pace.rescans_too_slow) {
        carried = MIN(carried, ns * pace.rescan_bytes_per_ns);
    }
    return MAX(sent, carried);
}

uint64_t fake_dirty_pace_changed_bytes(uint64_t marked)
{
    FakeDirtyCounts period = fake_dirty_stats_since(&pace.throttle_start);

    pace.throttle_start_ns = get_clock();
    if (pace.rescans_too_slow) {
        return marked;
    }
    return marked * (1 - (double)period.unchanged / MAX(period.checked, 1));
}
