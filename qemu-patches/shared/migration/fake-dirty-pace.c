/*
 * The fake dirty filter, pace: the figures by which a migration with many
 * skipped pages decides when to sync and when to throttle, how fast its link
 * is, and how much of a processor the filter may take.
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
#include "qemu/lockable.h"
#include "qemu/thread.h"
#include "qemu/timer.h"
#include "migration/fake-dirty-broken.h"
#include "migration/fake-dirty-end.h"
#include "migration/fake-dirty-pace.h"
#include "migration/fake-dirty-stats.h"
#include "trace.h"

/* A window that was mostly idle tells of the link if this much was sent. */
#define BANDWIDTH_BYTES_MIN (256 * 1024)

/* For how long a window is remembered, in time spent sending. */
#define BANDWIDTH_MEMORY_MS 300

/* The distance of syncs that would follow each other without progress. */
#define SYNC_INTERVAL_MS 50

/* A thread rests when it owes this much, and for at most so long at a time. */
#define REST_NS_MIN (1 * SCALE_MS)
#define REST_NS_MAX (20 * SCALE_MS)

/* Between start and stop. */
static struct {
    size_t page_size;
    unsigned int skipped;       /* pages since the budget was reset */
    int64_t skip_ns;            /* spent by this thread on skipped pages */
    int64_t pause_ns;           /* spent in syncs and waiting for them */
    int64_t window_ns;          /* skip_ns + pause_ns at the last window */
    int64_t sync_begin_ns;      /* 0: not in a sync */
    int64_t sync_end_ns;        /* 0: there has been none */
    int64_t look_begin_ns;      /* 0: there is no look */
    int64_t check_ns;           /* in which the pages were checked */
    uint64_t checked;
    double bandwidth;           /* bytes per ms; 0: not known yet */
    FakeDirtyCounts window_start;
    FakeDirtyCounts throttle_start;
    int64_t throttle_start_ns;
} pace;

/* What the threads of the filter together may take; under the lock. */
static struct {
    unsigned int percent;       /* of a processor; 0 is no limit */
    int64_t paid_until_ns;      /* the work done so far is worth that */
} effort;

static QemuMutex effort_lock;

static void __attribute__((constructor)) lock_init(void)
{
    qemu_mutex_init(&effort_lock);
}

void fake_dirty_pace_start(size_t page_size, unsigned int max_cpu_percent)
{
    memset(&pace, 0, sizeof(pace));
    pace.page_size = page_size;
    pace.throttle_start_ns = get_clock();
    effort.percent = max_cpu_percent;
    effort.paid_until_ns = 0;
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
    pace.check_ns += ns;
    pace.checked += checked;
    if (!pace.look_begin_ns && checked) {
        pace.skip_ns += ns * unchanged / checked;
    }
}

int64_t fake_dirty_pace_rest(int64_t ns)
{
    int64_t now_ns, rest_ns;

    WITH_QEMU_LOCK_GUARD(&effort_lock) {
        if (!effort.percent) {
            return 0;
        }
        now_ns = get_clock();
        /* What was not worked before is not made up for. */
        effort.paid_until_ns = MAX(effort.paid_until_ns, now_ns - ns) +
                               ns * 100 / effort.percent;
        rest_ns = effort.paid_until_ns - now_ns;
    }
    if (rest_ns < REST_NS_MIN) {
        return 0;
    }
    rest_ns = MIN(rest_ns, REST_NS_MAX);
    g_usleep(rest_ns / SCALE_US);
    return rest_ns;
}

/* Were most of the pages unchanged, or were there none? */
static bool mostly_unchanged(const FakeDirtyCounts *counts)
{
    return counts->unchanged >= (counts->checked + counts->unseen) / 2;
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
    if (!pace.sync_begin_ns && !pace.look_begin_ns) {
        pace.sync_begin_ns = get_clock();
    }
}

void fake_dirty_pace_sync_end(uint64_t pass)
{
    int64_t now_ns = get_clock();

    if (pace.look_begin_ns) {
        return;
    }
    pace.pause_ns += now_ns - pace.sync_begin_ns;
    pace.sync_begin_ns = 0;
    if (pace.sync_end_ns) {
        fake_dirty_stats_next_pass(pass, now_ns - pace.sync_end_ns);
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
    return no_downtime || mostly_unchanged(&pass) ?
        MAX(SYNC_INTERVAL_MS - elapsed_ms, 0) : 0;
}

void fake_dirty_pace_paused(int64_t ns)
{
    /* A look is a pause as a whole. */
    if (!pace.look_begin_ns) {
        pace.pause_ns += ns;
    }
}

/* --- Looks --------------------------------------------------------------- */

void fake_dirty_pace_look_begin(void)
{
    pace.look_begin_ns = get_clock();
}

void fake_dirty_pace_look_end(void)
{
    if (pace.look_begin_ns) {
        pace.pause_ns += get_clock() - pace.look_begin_ns;
        pace.look_begin_ns = 0;
    }
}

double fake_dirty_pace_check_ns(void)
{
    return (double)pace.check_ns / MAX(pace.checked, 1);
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

bool fake_dirty_pace_bandwidth_known(void)
{
    return pace.bandwidth;
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
    if (fake_dirty_end_outrun()) {
        carried = MIN(carried, ns * pace.page_size /
                               MAX(fake_dirty_pace_check_ns(), 1));
    }
    return MAX(sent, carried);
}

uint64_t fake_dirty_pace_changed_bytes(uint64_t marked)
{
    FakeDirtyCounts period = fake_dirty_stats_since(&pace.throttle_start);

    pace.throttle_start_ns = get_clock();
    if (fake_dirty_end_outrun()) {
        return marked;
    }
    return marked * (1 - (double)period.unchanged / MAX(period.checked, 1));
}
