/*
 * The fake dirty filter: what decides when a migration ends.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "qemu/units.h"
#include "migration/fake-dirty-end.h"
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
    g_assert_true(fake_dirty_sift_wanted());
    end();
}

/* A pass in which nothing has changed. */
static void skip_all(void)
{
    walk();
    sync_all(2);
    g_assert_cmpuint(walk(), ==, 0);
}

static void test_bandwidth(void)
{
    unsigned int i;

    begin();
    skip_all();
    /* 10 MiB in 100 ms. */
    g_assert_cmpint(fake_dirty_bandwidth(10 * MiB, 100, 0, 1), >, 100000);
    /* Nothing was sent in the time left by skips: no word about the link. */
    for (i = 0; i < 20; i++) {
        fake_dirty_idle(90 * SCALE_MS);
        g_assert_cmpint(fake_dirty_bandwidth(100, 100, 0, 1), >, 100000);
    }
    /* Half of the time was spent waiting. */
    fake_dirty_idle(50 * SCALE_MS);
    g_assert_cmpint(fake_dirty_bandwidth(5 * MiB, 100, 0, 1), >, 100000);
    /* The link has become slower: that is believed after a while. */
    g_assert_cmpint(fake_dirty_bandwidth(5 * MiB, 100, 0, 1), >, 60000);
    for (i = 0; i < 12; i++) {
        fake_dirty_bandwidth(5 * MiB, 100, 0, 1);
    }
    g_assert_cmpint(fake_dirty_bandwidth(5 * MiB, 100, 0, 1), <, 60000);
    /* There is a limit, which the filter does not lift. */
    fake_dirty_idle(50 * SCALE_MS);
    g_assert_cmpint(fake_dirty_bandwidth(5 * MiB, 100, 40000, 1), ==, 40000);
    end();
}

/* As long as nothing was skipped, QEMU's own figure is the one. */
static void test_bandwidth_without_skips(void)
{
    begin();
    walk();
    g_assert_cmpint(fake_dirty_bandwidth(10 * MiB, 100, 0, 1), ==, 1);
    sync_all(2);
    g_assert_cmpuint(walk(), ==, 0);
    g_assert_cmpint(fake_dirty_bandwidth(10 * MiB, 100, 0, 1), >, 100000);
    end();
}

/* Socket buffers take what is sent in a short time, whatever the link. */
static void test_bandwidth_of_a_burst(void)
{
    unsigned int i;
    double seen;

    begin();
    skip_all();
    fake_dirty_bandwidth(10 * MiB, 100, 0, 1);
    for (i = 0; i < 3; i++) {
        fake_dirty_idle(89 * SCALE_MS);
        seen = fake_dirty_bandwidth(4 * MiB, 100, 0, 1);
        g_assert_cmpfloat(seen, >, 100000);
        g_assert_cmpfloat(seen, <, 110000);
    }
    /* A faster link is believed after a while too. */
    for (i = 0; i < 12; i++) {
        fake_dirty_bandwidth(20 * MiB, 100, 0, 1);
    }
    g_assert_cmpint(fake_dirty_bandwidth(20 * MiB, 100, 0, 1), >, 190000);
    end();
}

/* The link works on what is queued while pages are skipped. */
static void test_bandwidth_of_a_busy_link(void)
{
    unsigned int i;

    begin();
    skip_all();
    fake_dirty_bandwidth(10 * MiB, 100, 0, 1);
    for (i = 0; i < 30; i++) {
        fake_dirty_idle(70 * SCALE_MS);
        g_assert_cmpint(fake_dirty_bandwidth(10 * MiB, 100, 0, 1), <, 106000);
    }
    /* Then it gives a bit more. */
    for (i = 0; i < 30; i++) {
        fake_dirty_idle(50 * SCALE_MS);
        g_assert_cmpint(fake_dirty_bandwidth(12 * MiB, 100, 0, 1), <, 127000);
    }
    end();
}

/* Pages that hardly need the link say nothing about it. */
static void test_bandwidth_of_zero_pages(void)
{
    begin();
    fake_dirty_bandwidth(10 * MiB, 100, 0, 1);
    memset(guest, 0, PAGES * PAGE);
    walk();
    fake_dirty_bandwidth(PAGES * 9, 100, 0, 1);
    g_assert_cmpuint(report()->bandwidth, >, 104000 * 1000);
    end();
}

/* A channel sends what has changed of @changed pages in so much time. */
static void send_in_channel(FakeDirtyStage *stage, unsigned int changed,
                            unsigned int ms)
{
    ram_addr_t offsets[128];
    const uint8_t *copies[128];
    unsigned int i;

    list_offsets(offsets, 128);
    for (i = 0; i < changed; i++) {
        guest[i * PAGE]++;
    }
    fake_dirty_channel_filter(stage, block, offsets, 128, copies);
    g_usleep(ms * 1000);
    fake_dirty_channel_commit(stage);
}

static void test_bandwidth_of_channels(void)
{
    FakeDirtyStage *stage;
    unsigned int i;

    begin_with("ph128", false, true);
    stage = fake_dirty_stage_new(128, &error_abort);
    /* Much in the first window; then some pages, which take no time. */
    send_in_channel(stage, 128, 100);
    fake_dirty_bandwidth(10 * MiB, 100, 0, 1);
    for (i = 0; i < 20; i++) {
        send_in_channel(stage, 8, 0);
        fake_dirty_bandwidth(8 * PAGE, 1000, 0, 1);
        g_assert_cmpuint(report()->bandwidth, >, 104000 * 1000);
    }
    /* The link has become slower: the same pages take all the time. */
    for (i = 0; i < 10; i++) {
        send_in_channel(stage, 8, 100);
        fake_dirty_bandwidth(8 * PAGE, 100, 0, 1);
    }
    g_assert_cmpuint(report()->bandwidth, <, 10000 * 1000);
    fake_dirty_stage_free(stage);
    end();
}

/* While a channel sends, and once for all that send at the same time. */
static void test_sending_of_channels(void)
{
    FakeDirtyStage *one, *other;
    ram_addr_t offsets[2][128];
    const uint8_t *copies[128];
    FakeDirtyCounts counts;

    begin_with("ph128", false, true);
    one = fake_dirty_stage_new(128, &error_abort);
    other = fake_dirty_stage_new(128, &error_abort);
    list_offsets(offsets[0], 128);
    list_offsets(offsets[1], 128);

    fake_dirty_channel_filter(one, block, offsets[0], 64, copies);
    g_usleep(50 * 1000);
    fake_dirty_counts(&counts);
    g_assert_cmpuint(counts.sending_ns, >=, 50 * SCALE_MS);
    fake_dirty_channel_filter(other, block, &offsets[1][64], 64, copies);
    g_usleep(1000 * 1000);
    fake_dirty_channel_commit(one);
    fake_dirty_channel_commit(other);
    fake_dirty_counts(&counts);
    g_assert_cmpuint(counts.sending_ns, >=, 1050 * SCALE_MS);
    g_assert_cmpuint(counts.sending_ns, <, 2000 * SCALE_MS);

    /* One that drops all its pages sends nothing. */
    list_offsets(offsets[0], 128);
    fake_dirty_channel_filter(one, block, offsets[0], 64, copies);
    g_usleep(1000 * 1000);
    fake_dirty_channel_commit(one);
    fake_dirty_counts(&counts);
    g_assert_cmpuint(counts.sending_ns, <, 2000 * SCALE_MS);
    fake_dirty_stage_free(one);
    fake_dirty_stage_free(other);
    end();
}

/* One over which no window brings much. */
static void test_bandwidth_of_a_slow_link(void)
{
    unsigned int i;

    begin();
    skip_all();
    fake_dirty_bandwidth(10 * MiB, 100, 0, 1);
    for (i = 0; i < 20; i++) {
        fake_dirty_bandwidth(100 * KiB, 100, 0, 1);
    }
    g_assert_cmpint(fake_dirty_bandwidth(100 * KiB, 100, 0, 1), <, 2000);
    end();
}

/* Filtering is part of sending, but for pages that are not sent. */
static void test_bandwidth_of_filtered(void)
{
    int64_t before_ns, ms;
    unsigned int i;

    begin_with("sha256", false, false);
    before_ns = report()->counts.time_ns;
    for (i = 0; i < 200; i++) {
        fill(0);
        fake_dirty_restart();
    }
    ms = (report()->counts.time_ns - before_ns) / SCALE_MS;
    g_assert_cmpint(ms, >, 0);
    /* All were sent, in twice the time. */
    fake_dirty_bandwidth(4 * MiB, 2 * ms, 0, 1);
    g_assert_cmpuint(report()->bandwidth, <, 3000 * MiB / ms);
    end();

    begin_with("sha256", false, false);
    walk();
    before_ns = report()->counts.time_ns;
    for (i = 0; i < 100; i++) {
        sync_all(2 + i);
        g_assert_cmpuint(walk(), ==, 0);
    }
    ms = (report()->counts.time_ns - before_ns) / SCALE_MS;
    /* Nothing was sent in half of the time. */
    g_assert_cmpint(fake_dirty_bandwidth(400 * MiB, 2 * ms, 0, 1), >,
                    300 * MiB / ms);
    end();
}

/* Classifies all marked pages, and takes so much longer. */
static uint64_t sift_for(unsigned int more_ms, uint64_t threshold)
{
    FakeDirtyStage *stage = fake_dirty_stage();
    unsigned long page = 0;

    fake_dirty_sift_begin(bitmap_count_one(marks, PAGES));
    while ((page = find_next_bit(marks, PAGES, page)) < PAGES) {
        fill(page);
        page = fake_dirty_stage_end(stage);
    }
    g_usleep(more_ms * 1000);
    return fake_dirty_sift_end(true, threshold);
}

static uint64_t sift(unsigned int more_ms)
{
    return sift_for(more_ms, UINT64_MAX);
}

/* What could be sent in the time that the filter took since then. */
static double bytes_filtered(int64_t begin_ns)
{
    FakeDirtyReport *r = report();
    double seconds = (double)(r->counts.time_ns - begin_ns) / (1000 * SCALE_MS);

    return seconds * r->bandwidth;
}

/* What is marked during a sift is classified while the guest stands still. */
static void test_sift_debt(void)
{
    int64_t begin_ns;
    uint64_t debt;

    begin_with("sha256", false, false);
    skip_all();
    fake_dirty_bandwidth(100 * MiB, 100, 0, 1);
    g_assert_cmpuint(report()->bandwidth, >=, 1000 * MiB);

    /* Long after the sync before, little is marked meanwhile. */
    g_usleep(200 * 1000);
    sync_all(3);
    begin_ns = report()->counts.time_ns;
    debt = sift(0);
    g_assert_cmpfloat(debt, <, bytes_filtered(begin_ns) / 2);

    /* As long as it: everything is, and takes as long again. */
    sync_all(4);
    begin_ns = report()->counts.time_ns;
    debt = sift(400);
    g_assert_cmpfloat(debt, >, bytes_filtered(begin_ns) * 0.95);
    g_assert_cmpfloat(debt, <, bytes_filtered(begin_ns) * 1.05);

    /* And what has changed, changes again. */
    sync_all(5);
    sync_all(6);
    memset(guest, 0xaa, PAGES * PAGE);
    debt = sift(100);
    g_assert_cmpuint(debt, >=, (PAGES - 1) * PAGE);
    end();
}

/* More nanoseconds than 32 bits have. */
static void test_per_second(void)
{
    g_assert_cmpuint(fake_dirty_per_second(1000, 500 * SCALE_MS), ==, 2000);
    g_assert_cmpuint(fake_dirty_per_second(8192, 1LL << 32), ==, 1907);
    g_assert_cmpuint(fake_dirty_per_second(8192, 0), >, 0);
}

/* What a guest is throttled for. */
static void test_changed_bytes(void)
{
    unsigned int i;

    begin();
    g_assert_cmpuint(fake_dirty_changed_bytes(1000), ==, 1000);
    walk();
    g_assert_cmpuint(fake_dirty_changed_bytes(1000), ==, 1000);
    /* All was fake, then a quarter of it was not, then nothing was. */
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

/* Fewer marks help where looking at them takes longer than the limit. */
static void test_throttled_when_late(void)
{
    uint64_t carried;

    begin_with("sha256", false, false);
    skip_all();
    fake_dirty_changed_bytes(0);
    fake_dirty_bandwidth(10 * GiB, 100, 0, 1);
    sync_all(3);
    sift_for(10, UINT64_MAX);
    g_assert_cmpuint(fake_dirty_changed_bytes(1000), ==, 0);
    sync_all(4);
    sift_for(10, 1);
    g_assert_cmpuint(fake_dirty_changed_bytes(1000), ==, 1000);
    /* They are compared with what can be looked at, not with a fast link. */
    g_usleep(50 * 1000);
    carried = fake_dirty_carried_bytes(1000);
    sync_all(5);
    sift_for(10, UINT64_MAX);
    g_assert_cmpuint(fake_dirty_carried_bytes(1000), >, 2 * carried);
    /* It is fast enough again. */
    g_assert_cmpuint(fake_dirty_changed_bytes(1000), ==, 0);
    /* With no downtime allowed, fewer marks would be too many as well. */
    sync_all(6);
    sift_for(10, 0);
    g_assert_cmpuint(fake_dirty_changed_bytes(1000), ==, 0);
    /* Late, and then most of a pass has changed. */
    sync_all(7);
    sift_for(10, 1);
    sync_all(8);
    memset(guest, 0xaa, PAGES * PAGE);
    walk();
    sync_all(9);
    g_assert_false(fake_dirty_sift_wanted());
    fake_dirty_changed_bytes(1000);
    walk();
    g_assert_cmpuint(fake_dirty_changed_bytes(1000), ==, 0);
    end();
}

/* Fake marks, and syncs that will not bring the end, come not too often. */
static void test_sync_delay(void)
{
    begin();
    walk();
    g_assert_cmpint(fake_dirty_sync_delay_ms(false), ==, 0);
    g_assert_cmpint(fake_dirty_sync_delay_ms(true), >, 0);
    sync_all(2);
    g_assert_cmpuint(walk(), ==, 0);
    g_assert_cmpint(fake_dirty_sync_delay_ms(false), >, 0);
    g_usleep(60 * 1000);
    g_assert_cmpint(fake_dirty_sync_delay_ms(false), ==, 0);
    g_assert_cmpint(fake_dirty_sync_delay_ms(true), ==, 0);
    end();
    g_assert_cmpint(fake_dirty_sync_delay_ms(true), ==, 0);
}

/* Nothing is sent while the thread waits until it may sync. */
static void test_bandwidth_beside_waiting(void)
{
    begin();
    skip_all();
    fake_dirty_sync_wait();
    g_usleep(100 * 1000);
    sync_all(3);
    g_assert_cmpint(fake_dirty_bandwidth(5 * MiB, 200, 0, 1), >, 45000);
    end();
}

/* And what that is compared with: the link, and not what little was sent. */
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
    /* Now it is known: 10 MiB in 100 ms. */
    fake_dirty_bandwidth(10 * MiB, 100, 0, 1);
    g_usleep(100 * 1000);
    g_assert_cmpuint(fake_dirty_carried_bytes(1000), >=, 10 * MiB);
    g_assert_cmpuint(fake_dirty_carried_bytes(GiB), ==, GiB);
    fake_dirty_changed_bytes(0);
    g_assert_cmpuint(fake_dirty_carried_bytes(1000), ==, 1000);
    end();
}

/* Nearly all of the first window went to the first sync. */
static void test_first_bandwidth(void)
{
    begin();
    skip_all();
    fake_dirty_idle(200 * SCALE_MS);
    g_assert_cmpint(fake_dirty_bandwidth(1 * MiB, 100, 0, 1), <, 110000);
    end();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fake-dirty-end/passes", test_passes);
    g_test_add_func("/fake-dirty-end/bandwidth", test_bandwidth);
    g_test_add_func("/fake-dirty-end/bandwidth-without-skips",
                    test_bandwidth_without_skips);
    g_test_add_func("/fake-dirty-end/bandwidth-of-a-burst",
                    test_bandwidth_of_a_burst);
    g_test_add_func("/fake-dirty-end/bandwidth-of-a-busy-link",
                    test_bandwidth_of_a_busy_link);
    g_test_add_func("/fake-dirty-end/bandwidth-of-zero-pages",
                    test_bandwidth_of_zero_pages);
    g_test_add_func("/fake-dirty-end/bandwidth-of-channels",
                    test_bandwidth_of_channels);
    g_test_add_func("/fake-dirty-end/sending-of-channels",
                    test_sending_of_channels);
    g_test_add_func("/fake-dirty-end/sift-debt", test_sift_debt);
    g_test_add_func("/fake-dirty-end/per-second", test_per_second);
    g_test_add_func("/fake-dirty-end/changed-bytes", test_changed_bytes);
    g_test_add_func("/fake-dirty-end/throttled-when-late",
                    test_throttled_when_late);
    g_test_add_func("/fake-dirty-end/sync-delay", test_sync_delay);
    g_test_add_func("/fake-dirty-end/bandwidth-beside-waiting",
                    test_bandwidth_beside_waiting);
    g_test_add_func("/fake-dirty-end/carried-bytes", test_carried_bytes);
    g_test_add_func("/fake-dirty-end/bandwidth-of-a-slow-link",
                    test_bandwidth_of_a_slow_link);
    g_test_add_func("/fake-dirty-end/first-bandwidth", test_first_bandwidth);
    g_test_add_func("/fake-dirty-end/bandwidth-of-filtered",
                    test_bandwidth_of_filtered);
    return g_test_run();
}
