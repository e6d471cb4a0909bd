/*
 * The fake dirty filter: passes, and the figures by which a migration with
 * many skipped pages decides how to go on and when to end.
 *
 * This file knows counts, times and bytes; no block, no page.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "qemu/lockable.h"
#include "qemu/thread.h"
#include "qemu/timer.h"
#include "migration/fake-dirty.h"
#include "migration/fake-dirty-end.h"
#include "trace.h"

/* At least so much is to be sent in a window that had time for other things. */
#define BANDWIDTH_BYTES_MIN (256 * 1024)

/* How long what was seen of the link counts, in time spent sending. */
#define BANDWIDTH_MEMORY_MS 300

/* So far apart are looks at mostly fake marks that are not fewer each time. */
#define SYNC_INTERVAL_MS 50

/* A sift may take this long; twice that each time it did not suffice. */
#define SIFT_BUDGET_NS (500 * SCALE_MS)

/* Of the migration thread alone, between start and stop. */
static struct {
    size_t page_size;
    int64_t skip_ns;            /* spent by this thread on what is not sent */
    int64_t pause_ns;           /* spent in syncs and waiting for them */
    int64_t window_ns;          /* skip_ns + pause_ns at the last window */
    int64_t sync_begin_ns;
    int64_t sync_end_ns;        /* 0: there has been none */
    int64_t interval_ns;        /* between the last two syncs */
    int64_t sift_budget_ns;
    bool sifting;
    bool in_vain;               /* the last sift had no fewer marks */
    bool late;                  /* looking at what is marked takes too long */
    double sift_bytes_per_ns;   /* that are looked at */
    struct {                    /* of the last sift */
        int64_t begin_ns;
        int64_t filter_ns;
        uint64_t marks;         /* that there were when it began */
        uint64_t checked;
        uint64_t kept;
    } sift;
    double bandwidth;           /* bytes per ms; 0: not known yet */
    FakeDirtyCounts pass_start;
    FakeDirtyCounts window_start;
    FakeDirtyCounts marks_start;
    int64_t marks_start_ns;
} pace;

/* What outlives a migration (R5), and is read by others. */
static struct {
    Stat64 bandwidth;
    Stat64 changed_pages_rate;
    unsigned int nr_passes;     /* since the start; under the lock */
    FakeDirtyPassCounts passes[FAKE_DIRTY_PASSES];
} figures;

/* When channels are sending, whichever; under the lock. */
static struct {
    unsigned int busy;
    int64_t since_ns;
    int64_t until_ns;
    int64_t total_ns;
} sending;

static QemuMutex passes_lock;
static QemuMutex sending_lock;

static void __attribute__((constructor)) locks_init(void)
{
    qemu_mutex_init(&passes_lock);
    qemu_mutex_init(&sending_lock);
}

void fake_dirty_end_start(size_t page_size)
{
    memset(&pace, 0, sizeof(pace));
    memset(&sending, 0, sizeof(sending));
    pace.page_size = page_size;
    pace.sift_budget_ns = SIFT_BUDGET_NS;
    pace.marks_start_ns = get_clock();

    QEMU_LOCK_GUARD(&passes_lock);
    memset(&figures, 0, sizeof(figures));
}

/* --- Passes -------------------------------------------------------------- */

static void counts_subtract(FakeDirtyCounts *counts,
                            const FakeDirtyCounts *earlier)
{
    counts->first -= earlier->first;
    counts->zero -= earlier->zero;
    counts->changed -= earlier->changed;
    counts->unchanged -= earlier->unchanged;
    counts->bytes_saved -= earlier->bytes_saved;
    counts->time_ns -= earlier->time_ns;
    counts->sending_ns -= earlier->sending_ns;
}

/* What has been counted since @start, which becomes now. */
static FakeDirtyCounts counts_since(FakeDirtyCounts *start)
{
    FakeDirtyCounts earlier = *start, since;

    fake_dirty_counts(start);
    since = *start;
    counts_subtract(&since, &earlier);
    return since;
}

static bool mostly_unchanged(const FakeDirtyCounts *counts)
{
    return counts->unchanged > fake_dirty_checked(counts) / 2;
}

void fake_dirty_end_sync_begin(void)
{
    if (!pace.sync_begin_ns) {
        pace.sync_begin_ns = get_clock();
    }
}

void fake_dirty_sync_wait(void)
{
    if (fake_dirty_active()) {
        fake_dirty_end_sync_begin();
    }
}

void fake_dirty_end_sync_end(uint64_t pass)
{
    int64_t now_ns = get_clock();
    FakeDirtyPassCounts *last;
    FakeDirtyCounts now;

    pace.pause_ns += now_ns - pace.sync_begin_ns;
    pace.sync_begin_ns = 0;

    fake_dirty_counts(&now);
    if (pace.sync_end_ns) {
        QEMU_LOCK_GUARD(&passes_lock);
        last = &figures.passes[figures.nr_passes++ % FAKE_DIRTY_PASSES];
        last->pass = pass;
        last->counts = now;
        counts_subtract(&last->counts, &pace.pass_start);
        pace.interval_ns = now_ns - pace.sync_end_ns;
        fake_dirty_figure_set(&figures.changed_pages_rate,
                              fake_dirty_per_second(last->counts.changed +
                                                    last->counts.zero,
                                                    pace.interval_ns));
        trace_fake_dirty_pass(pass, last->counts.first, last->counts.zero,
                              last->counts.changed, last->counts.unchanged,
                              last->counts.time_ns);
    }
    pace.pass_start = now;
    pace.sync_end_ns = now_ns;
}

bool fake_dirty_last_pass(FakeDirtyPassCounts *pass)
{
    QEMU_LOCK_GUARD(&passes_lock);

    if (!fake_dirty_active() || !figures.nr_passes) {
        return false;
    }
    *pass = figures.passes[(figures.nr_passes - 1) % FAKE_DIRTY_PASSES];
    return true;
}

void fake_dirty_end_report(FakeDirtyReport *report)
{
    unsigned int first, i;

    report->bandwidth = stat64_get(&figures.bandwidth);
    report->changed_pages_rate = stat64_get(&figures.changed_pages_rate);

    QEMU_LOCK_GUARD(&passes_lock);
    report->nr_passes = MIN(figures.nr_passes, FAKE_DIRTY_PASSES);
    first = figures.nr_passes - report->nr_passes;
    for (i = 0; i < report->nr_passes; i++) {
        report->passes[i] = figures.passes[(first + i) % FAKE_DIRTY_PASSES];
    }
}

/* --- When to sync, and what is left then --------------------------------- */

int64_t fake_dirty_sync_delay_ms(bool in_vain)
{
    FakeDirtyCounts pass;
    int64_t elapsed_ms;

    if (!fake_dirty_active() || !pace.sync_end_ns ||
        fake_dirty_breaks(RESCAN)) {
        return 0;
    }
    fake_dirty_counts(&pass);
    counts_subtract(&pass, &pace.pass_start);
    elapsed_ms = (get_clock() - pace.sync_end_ns) / SCALE_MS;
    return in_vain || (pace.in_vain && mostly_unchanged(&pass)) ?
        MAX(SYNC_INTERVAL_MS - elapsed_ms, 0) : 0;
}

void fake_dirty_idle(int64_t ns)
{
    pace.pause_ns += ns;
}

bool fake_dirty_sift_wanted(void)
{
    FakeDirtyPassCounts pass;

    /* R3: one of the two until post-copy begins. */
    if ((fake_dirty_staging() || fake_dirty_in_channels()) &&
        !fake_dirty_breaks(RESCAN) && fake_dirty_last_pass(&pass) &&
        mostly_unchanged(&pass.counts)) {
        return true;
    }
    pace.late = false;
    pace.in_vain = false;
    pace.sift.marks = 0;
    return false;
}

void fake_dirty_sift_begin(uint64_t marks)
{
    pace.sifting = true;
    pace.in_vain = pace.sift.marks && marks > pace.sift.marks / 16 * 15;
    memset(&pace.sift, 0, sizeof(pace.sift));
    pace.sift.marks = marks;
    pace.sift.begin_ns = get_clock();
}

bool fake_dirty_sift_in_time(void)
{
    return get_clock() - pace.sift.begin_ns < pace.sift_budget_ns;
}

/*
 * What the guest has marked during the sift is classified when it stands
 * still.  All may be marked again, in however short a time: a page that is
 * written without end is marked once between two syncs.  As many as have
 * changed since the last sync change again, by the time that the sift took.
 */
uint64_t fake_dirty_sift_end(bool decided, uint64_t threshold)
{
    double sift_ns = get_clock() - pace.sift.begin_ns;
    double again = MIN(sift_ns / MAX(pace.interval_ns, 1), 1);
    double share = (double)pace.sift.marks / MAX(pace.sift.checked, 1);
    double looking = share * pace.sift.filter_ns / SCALE_MS * pace.bandwidth;
    uint64_t debt = looking + again * share * pace.sift.kept * pace.page_size;

    pace.sifting = false;
    /* Where no downtime is allowed at all, fewer marks do not help. */
    pace.late = threshold && looking > threshold;
    pace.sift_bytes_per_ns = (double)pace.sift.checked * pace.page_size /
                             MAX(pace.sift.filter_ns, 1);
    trace_fake_dirty_sift(decided, pace.sift_budget_ns, debt);
    /* Doubling: a guest of any size is sifted in a bounded number of passes. */
    pace.sift_budget_ns = decided ? SIFT_BUDGET_NS :
                            MIN(pace.sift_budget_ns * 2, INT64_MAX / 4);
    /* What was copied for the sift alone is not sent from the stage. */
    fake_dirty_stage_empty(fake_dirty_stage());
    fake_dirty_breathe();
    return debt;
}

/* --- When the channels send --------------------------------------------- */

/* The time for pages that are sent is part of what sending takes. */
void fake_dirty_sending_begin(int64_t kept_ns)
{
    QEMU_LOCK_GUARD(&sending_lock);

    if (!sending.busy++) {
        sending.since_ns = MAX(get_clock() - kept_ns, sending.until_ns);
    }
}

void fake_dirty_sending_end(void)
{
    QEMU_LOCK_GUARD(&sending_lock);

    if (!--sending.busy) {
        sending.until_ns = get_clock();
        sending.total_ns += sending.until_ns - sending.since_ns;
    }
}

int64_t fake_dirty_sending_ns(void)
{
    QEMU_LOCK_GUARD(&sending_lock);

    return sending.total_ns +
           (sending.busy ? get_clock() - sending.since_ns : 0);
}

/* --- How fast the link is, and what did not need it ----------------------- */

/*
 * The time for pages that are sent next is part of what sending takes: the
 * link works on what is queued meanwhile.  Without it a link would seem faster
 * than it is, the more so the slower the fingerprint, and the downtime that is
 * expected too short.
 */
void fake_dirty_end_filtered(int64_t ns, unsigned int checked,
                             unsigned int unchanged)
{
    if (pace.sifting) {
        pace.skip_ns += ns;
        pace.sift.filter_ns += ns;
        pace.sift.checked += checked;
        pace.sift.kept += checked - unchanged;
    } else if (checked) {
        pace.skip_ns += ns * unchanged / checked;
    }
}

/*
 * Was it the link by which a window brought no more?  Not if hardly a page was
 * sent in full: zero pages are few bytes each.
 */
static bool window_was_full(const FakeDirtyCounts *window, uint64_t bytes,
                            double sending_ms, int64_t ms)
{
    if (window->zero > fake_dirty_checked(window) / 8 * 7) {
        return false;
    }
    /* Skips and pauses are known, but not to the last microsecond. */
    return sending_ms >= (bytes >= BANDWIDTH_BYTES_MIN ? ms / 10.0 : ms / 2.0);
}

/* What was seen for so long of what has been seen lately. */
static void bandwidth_approach(double seen, double ms)
{
    pace.bandwidth += (seen - pace.bandwidth) * ms / (ms + BANDWIDTH_MEMORY_MS);
}

double fake_dirty_bandwidth(uint64_t bytes, int64_t ms, uint64_t limit,
                            double raw)
{
    FakeDirtyCounts window;
    int64_t not_sending_ns;
    double sending_ms, least, most;

    if (!fake_dirty_active() || fake_dirty_breaks(BANDWIDTH)) {
        return raw;
    }
    window = counts_since(&pace.window_start);
    not_sending_ns = pace.skip_ns + pace.pause_ns - pace.window_ns;
    pace.window_ns += not_sending_ns;
    sending_ms = fake_dirty_in_channels() ?
        MIN((double)window.sending_ns / SCALE_MS, ms) :
        ms - (double)not_sending_ns / SCALE_MS;

    /*
     * The link gives as much as it gave; not more than it would have given in
     * the time in which nothing was sent, but it may have worked on then, on
     * what was queued.
     */
    least = (double)bytes / MAX(ms, 1);
    most = bytes / MAX(sending_ms, MAX(ms, 1) / 10.0);
    if (!pace.bandwidth) {
        pace.bandwidth = most;
    } else if (pace.bandwidth < least) {
        bandwidth_approach(least, ms);
    } else if (pace.bandwidth > most &&
               window_was_full(&window, bytes, sending_ms, ms)) {
        bandwidth_approach(most, sending_ms);
    }
    if (limit) {
        pace.bandwidth = MIN(pace.bandwidth, limit);
    }
    fake_dirty_figure_set(&figures.bandwidth, pace.bandwidth * 1000);
    trace_fake_dirty_bandwidth(bytes, ms, not_sending_ns, pace.bandwidth);

    /* Where nothing was skipped, a migration ends as it does without filter. */
    return pace.window_start.unchanged ? pace.bandwidth : raw;
}

/* Little is sent where little has changed: that says nothing of the link. */
uint64_t fake_dirty_carried_bytes(uint64_t bytes)
{
    FakeDirtyCounts now;
    double ns, carried;

    if (!fake_dirty_active() || fake_dirty_breaks(THROTTLE)) {
        return bytes;
    }
    fake_dirty_counts(&now);
    if (now.unchanged == pace.marks_start.unchanged) {
        return bytes;
    }
    ns = get_clock() - pace.marks_start_ns;
    carried = ns / SCALE_MS * pace.bandwidth;
    if (pace.late) {
        carried = MIN(carried, ns * pace.sift_bytes_per_ns);
    }
    return MAX(bytes, carried);
}

uint64_t fake_dirty_changed_bytes(uint64_t bytes)
{
    FakeDirtyCounts checked;

    if (!fake_dirty_active() || fake_dirty_breaks(THROTTLE)) {
        return bytes;
    }
    checked = counts_since(&pace.marks_start);
    pace.marks_start_ns = get_clock();
    if (pace.late) {
        return bytes;
    }
    return bytes * (1 - (double)checked.unchanged /
                        MAX(fake_dirty_checked(&checked), 1));
}
