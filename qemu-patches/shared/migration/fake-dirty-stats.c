/*
 * The fake dirty filter, statistics: what was counted and measured.
 *
 * This file knows counts, times and bytes; no block, no page.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#include "qemu/osdep.h"
#include "qemu/lockable.h"
#include "qemu/stats64.h"
#include "qemu/thread.h"
#include "qemu/timer.h"
#include "migration/fake-dirty-stats.h"
#include "trace.h"

#include <fakedirty.h>

/* All of this outlives the migration (R5). */
static struct {
    bool present;
    const char *hash;
    bool verify;
    Stat64 table_bytes;
    Stat64 false_skips;
    Stat64 bandwidth;
    Stat64 changed_pages_rate;
    Stat64 verdicts[FAKEDIRTY_UNCHANGED + 1];
    Stat64 unseen;
    Stat64 bytes_saved;
    Stat64 time_ns;
    Stat64 channel_pages;
    Stat64 channel_packets;
    uint64_t channel_pages_taken;   /* by the migration thread */
    uint64_t channel_packets_taken;
} stats;

/* The last passes, and how many there were; under the lock. */
static struct {
    unsigned int count;
    FakeDirtyPassCounts ring[FAKE_DIRTY_PASSES];
} passes;

/* What had been counted when this pass began; the migration thread's. */
static FakeDirtyCounts pass_start;

/* When at least one channel is sending; under the lock. */
static struct {
    unsigned int channels;
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

void fake_dirty_stats_start(const char *hash, bool verify)
{
    memset(&stats, 0, sizeof(stats));
    memset(&pass_start, 0, sizeof(pass_start));
    memset(&sending, 0, sizeof(sending));
    stats.present = true;
    stats.hash = hash;
    stats.verify = verify;

    QEMU_LOCK_GUARD(&passes_lock);
    memset(&passes, 0, sizeof(passes));
}

/* --- Counting, from any thread ------------------------------------------- */

void fake_dirty_stats_add_sent(int verdict, unsigned int pages)
{
    stat64_add(&stats.verdicts[verdict], pages);
}

void fake_dirty_stats_add_skipped(unsigned int pages, uint64_t bytes)
{
    stat64_add(&stats.verdicts[FAKEDIRTY_UNCHANGED], pages);
    stat64_add(&stats.bytes_saved, bytes);
}

void fake_dirty_stats_add_unseen(unsigned int pages)
{
    stat64_add(&stats.unseen, pages);
}

void fake_dirty_stats_add_time(int64_t ns)
{
    stat64_add(&stats.time_ns, ns);
}

void fake_dirty_stats_add_channel_packet(unsigned int pages)
{
    stat64_add(&stats.channel_pages, pages);
    stat64_add(&stats.channel_packets, 1);
}

uint64_t fake_dirty_stats_take_channel_pages(uint64_t *packets)
{
    uint64_t pages = stat64_get(&stats.channel_pages) -
                     stats.channel_pages_taken;

    *packets = stat64_get(&stats.channel_packets) - stats.channel_packets_taken;
    stats.channel_pages_taken += pages;
    stats.channel_packets_taken += *packets;
    return pages;
}

void fake_dirty_stats_sending_begin(int64_t preparing_ns)
{
    QEMU_LOCK_GUARD(&sending_lock);

    if (!sending.channels++) {
        sending.since_ns = MAX(get_clock() - preparing_ns, sending.until_ns);
    }
}

void fake_dirty_stats_sending_end(void)
{
    QEMU_LOCK_GUARD(&sending_lock);

    if (!--sending.channels) {
        sending.until_ns = get_clock();
        sending.total_ns += sending.until_ns - sending.since_ns;
    }
}

static int64_t sending_ns(void)
{
    QEMU_LOCK_GUARD(&sending_lock);

    return sending.total_ns +
           (sending.channels ? get_clock() - sending.since_ns : 0);
}

/* --- Figures that have one writer ---------------------------------------- */

static void figure_set(Stat64 *figure, uint64_t value)
{
    stat64_add(figure, value - stat64_get(figure));
}

void fake_dirty_stats_add_table(uint64_t bytes)
{
    stat64_add(&stats.table_bytes, bytes);
}

void fake_dirty_stats_set_false_skips(uint64_t pages)
{
    figure_set(&stats.false_skips, pages);
}

void fake_dirty_stats_set_bandwidth(uint64_t bytes_per_second)
{
    figure_set(&stats.bandwidth, bytes_per_second);
}

/* --- Passes, by the migration thread ------------------------------------- */

void fake_dirty_stats_first_pass(void)
{
    pass_start = fake_dirty_stats_counts();
}

void fake_dirty_stats_next_pass(uint64_t pass, int64_t ns)
{
    FakeDirtyCounts counts = fake_dirty_stats_since(&pass_start);

    QEMU_LOCK_GUARD(&passes_lock);
    passes.ring[passes.count++ % FAKE_DIRTY_PASSES] = (FakeDirtyPassCounts) {
        .pass = pass, .counts = counts,
    };
    figure_set(&stats.changed_pages_rate,
               fake_dirty_stats_per_second(counts.changed + counts.zero +
                                           counts.unseen, ns));
    trace_fake_dirty_pass(pass, counts.first, counts.zero, counts.changed,
                          counts.unchanged, counts.time_ns);
}

bool fake_dirty_stats_last_pass(FakeDirtyPassCounts *pass)
{
    QEMU_LOCK_GUARD(&passes_lock);

    if (!passes.count) {
        return false;
    }
    *pass = passes.ring[(passes.count - 1) % FAKE_DIRTY_PASSES];
    return true;
}

FakeDirtyCounts fake_dirty_stats_this_pass(void)
{
    FakeDirtyCounts start = pass_start;

    return fake_dirty_stats_since(&start);
}

/* --- Reading ------------------------------------------------------------- */

FakeDirtyCounts fake_dirty_stats_counts(void)
{
    FakeDirtyCounts counts = {
        .first = stat64_get(&stats.verdicts[FAKEDIRTY_FIRST]),
        .zero = stat64_get(&stats.verdicts[FAKEDIRTY_ZERO]),
        .changed = stat64_get(&stats.verdicts[FAKEDIRTY_CHANGED]),
        .unchanged = stat64_get(&stats.verdicts[FAKEDIRTY_UNCHANGED]),
        .unseen = stat64_get(&stats.unseen),
        .bytes_saved = stat64_get(&stats.bytes_saved),
        .time_ns = stat64_get(&stats.time_ns),
        .sending_ns = sending_ns(),
    };

    counts.checked = counts.first + counts.zero + counts.changed +
                     counts.unchanged;
    return counts;
}

FakeDirtyCounts fake_dirty_stats_since(FakeDirtyCounts *start)
{
    FakeDirtyCounts earlier = *start;
    FakeDirtyCounts counts = fake_dirty_stats_counts();

    *start = counts;
    counts.checked -= earlier.checked;
    counts.first -= earlier.first;
    counts.zero -= earlier.zero;
    counts.changed -= earlier.changed;
    counts.unchanged -= earlier.unchanged;
    counts.unseen -= earlier.unseen;
    counts.bytes_saved -= earlier.bytes_saved;
    counts.time_ns -= earlier.time_ns;
    counts.sending_ns -= earlier.sending_ns;
    return counts;
}

static void report_passes(FakeDirtyReport *report)
{
    unsigned int oldest, i;

    QEMU_LOCK_GUARD(&passes_lock);
    report->nr_passes = MIN(passes.count, FAKE_DIRTY_PASSES);
    oldest = passes.count - report->nr_passes;
    for (i = 0; i < report->nr_passes; i++) {
        report->passes[i] = passes.ring[(oldest + i) % FAKE_DIRTY_PASSES];
    }
}

bool fake_dirty_stats_report(FakeDirtyReport *report)
{
    if (!stats.present) {
        return false;
    }
    report->hash = stats.hash;
    report->verify = stats.verify;
    report->table_bytes = stat64_get(&stats.table_bytes);
    report->false_skips = stat64_get(&stats.false_skips);
    report->bandwidth = stat64_get(&stats.bandwidth);
    report->changed_pages_rate = stat64_get(&stats.changed_pages_rate);
    /* Passes first, so that the sum, read later, covers what they counted. */
    report_passes(report);
    report->counts = fake_dirty_stats_counts();
    return true;
}

uint64_t fake_dirty_stats_per_second(uint64_t count, int64_t ns)
{
    /* In doubles: nanoseconds of a few seconds are more than 32 bits. */
    return count * (double)NANOSECONDS_PER_SECOND / MAX(ns, 1);
}
