/*
 * The fake dirty filter: passes, syncs, rescans and throttling, which decide
 * when a migration ends.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "qemu/units.h"
#include "migration/fake-dirty-stats.h"
#include "test-fake-dirty-guest.h"

static void test_passes(void)
{
    FakeDirtyReport *r;
    unsigned int i;

    begin();
    for (i = 0; i < FAKE_DIRTY_PASSES + 4; i++) {
        walk();
        sync_all(2 + i);
    }
    r = report();
    g_assert_cmpuint(r->nr_passes, ==, FAKE_DIRTY_PASSES);
    for (i = 0; i < r->nr_passes; i++) {
        g_assert_cmpuint(r->passes[i].pass, ==, 6 + i);
        g_assert_cmpuint(r->passes[i].counts.unchanged, ==, PAGES);
    }
    g_assert_true(fake_dirty_rescan_wanted());
    end();
}

/* Rescans all marked pages, which takes @more_ms longer than it needs. */
static uint64_t rescan_for(unsigned int more_ms, uint64_t threshold)
{
    unsigned long page = 0;

    fake_dirty_rescan_begin(bitmap_count_one(marks, PAGES));
    while ((page = find_next_bit(marks, PAGES, page)) < PAGES) {
        page = fill(page).end;
    }
    g_usleep(more_ms * 1000);
    return fake_dirty_rescan_end(true, threshold);
}

static uint64_t rescan(unsigned int more_ms)
{
    return rescan_for(more_ms, UINT64_MAX);
}

/* What could have been sent in the time spent in the filter since @begin_ns. */
static double bytes_in_filter_time(int64_t begin_ns)
{
    FakeDirtyReport *r = report();
    double seconds = (double)(r->counts.time_ns - begin_ns) / (1000 * SCALE_MS);

    return seconds * r->bandwidth;
}

/* What is marked during a rescan is classified while the guest is stopped. */
static void test_rescan_backlog(void)
{
    int64_t begin_ns;
    uint64_t backlog;

    begin_with("sha256", false, false);
    skip_all();
    fake_dirty_bandwidth(100 * MiB, 100, 0, 1);
    g_assert_cmpuint(report()->bandwidth, >=, 1000 * MiB);

    /* Nothing has changed: the backlog is the time to classify all pages. */
    g_usleep(200 * 1000);
    sync_all(3);
    begin_ns = report()->counts.time_ns;
    backlog = rescan(0);
    g_assert_cmpfloat(backlog, >, bytes_in_filter_time(begin_ns) * 0.95);
    g_assert_cmpfloat(backlog, <, bytes_in_filter_time(begin_ns) * 1.05);

    /* All pages change in as long as the rescan takes: all change again. */
    sync_all(4);
    sync_all(5);
    memset(guest, 0xaa, PAGES * PAGE);
    backlog = rescan(100);
    g_assert_cmpuint(backlog, >=, (PAGES - 1) * PAGE);

    /* They change in a much longer time than it takes: few change again. */
    g_usleep(400 * 1000);
    sync_all(6);
    memset(guest, 0xbb, PAGES * PAGE);
    begin_ns = report()->counts.time_ns;
    backlog = rescan(0);
    g_assert_cmpfloat(backlog, <, bytes_in_filter_time(begin_ns) * 1.05 +
                               PAGES * PAGE / 2);
    end();
}

/* Also for times of more than 2^32 nanoseconds. */
static void test_per_second(void)
{
    g_assert_cmpuint(fake_dirty_stats_per_second(1000, 500 * SCALE_MS), ==,
                     2000);
    g_assert_cmpuint(fake_dirty_stats_per_second(8192, 1LL << 32), ==, 1907);
    g_assert_cmpuint(fake_dirty_stats_per_second(8192, 0), >, 0);
}

/* A guest is throttled for pages that change, not for fake marks. */
static void test_changed_bytes(void)
{
    unsigned int i;

    begin();
    g_assert_cmpuint(fake_dirty_changed_bytes(1000), ==, 1000);
    walk();
    g_assert_cmpuint(fake_dirty_changed_bytes(1000), ==, 1000);
    /* All marks are fake, then three quarters of them, then none. */
    skip_all();
    g_assert_cmpuint(fake_dirty_changed_bytes(1000), ==, 0);
    sync_all(3);
    for (i = 0; i < PAGES; i += 4) {
        guest[i * PAGE]++;
    }
    walk();
    g_assert_cmpuint(fake_dirty_changed_bytes(1000), ==, 250);
    sync_all(4);
    for (i = 0; i < PAGES; i++) {
        guest[i * PAGE]++;
    }
    walk();
    g_assert_cmpuint(fake_dirty_changed_bytes(1000), ==, 1000);
    end();
    g_assert_cmpuint(fake_dirty_changed_bytes(1000), ==, 1000);
}

/* They are compared with what the link could carry, not with what was sent. */
static void test_carried_bytes(void)
{
    begin();
    walk();
    g_usleep(20 * 1000);
    g_assert_cmpuint(fake_dirty_carried_bytes(1000), ==, 1000);
    fake_dirty_changed_bytes(0);

    sync_all(2);
    g_assert_cmpuint(walk(), ==, 0);
    g_assert_cmpuint(fake_dirty_carried_bytes(1000), ==, 1000);
    /* Now the bandwidth is known: 10 MiB in 100 ms. */
    fake_dirty_bandwidth(10 * MiB, 100, 0, 1);
    g_usleep(100 * 1000);
    g_assert_cmpuint(fake_dirty_carried_bytes(1000), >=, 10 * MiB);
    g_assert_cmpuint(fake_dirty_carried_bytes(GiB), ==, GiB);
    fake_dirty_changed_bytes(0);
    g_assert_cmpuint(fake_dirty_carried_bytes(1000), ==, 1000);
    end();
}

/* If a rescan takes longer than the downtime limit, fewer marks help. */
static void test_throttled_for_slow_rescans(void)
{
    uint64_t carried;

    begin_with("sha256", false, false);
    skip_all();
    fake_dirty_changed_bytes(0);
    fake_dirty_bandwidth(10 * GiB, 100, 0, 1);
    sync_all(3);
    rescan_for(10, UINT64_MAX);
    g_assert_cmpuint(fake_dirty_changed_bytes(1000), ==, 0);
    sync_all(4);
    rescan_for(10, 1);
    g_assert_cmpuint(fake_dirty_changed_bytes(1000), ==, 1000);
    /* They are compared with the rate of rescans, not with a fast link. */
    g_usleep(50 * 1000);
    carried = fake_dirty_carried_bytes(1000);
    sync_all(5);
    rescan_for(10, UINT64_MAX);
    g_assert_cmpuint(fake_dirty_carried_bytes(1000), >, 2 * carried);
    /* Rescans are fast enough again. */
    g_assert_cmpuint(fake_dirty_changed_bytes(1000), ==, 0);
    /* With no downtime allowed, fewer marks would not help either. */
    sync_all(6);
    rescan_for(10, 0);
    g_assert_cmpuint(fake_dirty_changed_bytes(1000), ==, 0);
    /* Rescans are too slow, and then most of a pass changes. */
    sync_all(7);
    rescan_for(10, 1);
    sync_all(8);
    memset(guest, 0xaa, PAGES * PAGE);
    walk();
    sync_all(9);
    g_assert_false(fake_dirty_rescan_wanted());
    fake_dirty_changed_bytes(1000);
    walk();
    g_assert_cmpuint(fake_dirty_changed_bytes(1000), ==, 0);
    end();
}

/* Syncs that make no progress keep a distance. */
static void test_sync_delay(void)
{
    begin();
    walk();
    g_assert_cmpint(fake_dirty_sync_delay_ms(false), ==, 0);
    g_assert_cmpint(fake_dirty_sync_delay_ms(true), >, 0);
    /* The next rescan follows at once if there are fewer marks than before. */
    skip_all();
    g_assert_cmpint(fake_dirty_sync_delay_ms(false), ==, 0);
    sync_all(3);
    g_assert_true(fake_dirty_rescan_wanted());
    rescan(0);
    g_assert_cmpint(fake_dirty_sync_delay_ms(false), ==, 0);
    sync_all(4);
    rescan(0);
    g_assert_cmpint(fake_dirty_sync_delay_ms(false), >, 0);
    g_usleep(60 * 1000);
    g_assert_cmpint(fake_dirty_sync_delay_ms(false), ==, 0);
    g_assert_cmpint(fake_dirty_sync_delay_ms(true), ==, 0);
    sync_all(5);
    bitmap_clear(marks, 0, PAGES / 4);
    rescan(0);
    g_assert_cmpint(fake_dirty_sync_delay_ms(false), ==, 0);
    /* So does the first one after a pass that has changed. */
    sync_all(6);
    memset(guest, 0xaa, PAGES * PAGE);
    walk();
    sync_all(7);
    g_assert_false(fake_dirty_rescan_wanted());
    g_assert_cmpuint(walk(), ==, 0);
    g_assert_cmpint(fake_dirty_sync_delay_ms(false), ==, 0);
    end();
    g_assert_cmpint(fake_dirty_sync_delay_ms(true), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fake-dirty-pace/passes", test_passes);
    g_test_add_func("/fake-dirty-pace/rescan-backlog", test_rescan_backlog);
    g_test_add_func("/fake-dirty-pace/per-second", test_per_second);
    g_test_add_func("/fake-dirty-pace/changed-bytes", test_changed_bytes);
    g_test_add_func("/fake-dirty-pace/carried-bytes", test_carried_bytes);
    g_test_add_func("/fake-dirty-pace/throttled-for-slow-rescans",
                    test_throttled_for_slow_rescans);
    g_test_add_func("/fake-dirty-pace/sync-delay", test_sync_delay);
    return g_test_run();
}
