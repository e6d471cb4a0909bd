/*
 * The fake dirty filter: the estimate of the bandwidth of the link.
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

static void test_bandwidth(void)
{
    unsigned int i;

    begin();
    skip_all();
    /* 10 MiB in 100 ms. */
    g_assert_cmpint(fake_dirty_bandwidth(10 * MiB, 100, 0, 1), >, 100000);
    /* Skips took nearly all of the time: that says nothing about the link. */
    for (i = 0; i < 20; i++) {
        fake_dirty_paused(90 * SCALE_MS);
        g_assert_cmpint(fake_dirty_bandwidth(100, 100, 0, 1), >, 100000);
    }
    /* Half of the time was spent waiting. */
    fake_dirty_paused(50 * SCALE_MS);
    g_assert_cmpint(fake_dirty_bandwidth(5 * MiB, 100, 0, 1), >, 100000);
    /* The link has become slower: the estimate follows after a while. */
    g_assert_cmpint(fake_dirty_bandwidth(5 * MiB, 100, 0, 1), >, 60000);
    for (i = 0; i < 12; i++) {
        fake_dirty_bandwidth(5 * MiB, 100, 0, 1);
    }
    g_assert_cmpint(fake_dirty_bandwidth(5 * MiB, 100, 0, 1), <, 60000);
    /* There is a limit, which the filter does not lift. */
    fake_dirty_paused(50 * SCALE_MS);
    g_assert_cmpint(fake_dirty_bandwidth(5 * MiB, 100, 40000, 1), ==, 40000);
    end();
}

/* As long as nothing has been skipped, QEMU's own figure is returned. */
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

/* Socket buffers take a short burst at once, however slow the link is. */
static void test_bandwidth_of_a_burst(void)
{
    unsigned int i;
    double seen;

    begin();
    skip_all();
    fake_dirty_bandwidth(10 * MiB, 100, 0, 1);
    for (i = 0; i < 3; i++) {
        fake_dirty_paused(89 * SCALE_MS);
        seen = fake_dirty_bandwidth(4 * MiB, 100, 0, 1);
        g_assert_cmpfloat(seen, >, 100000);
        g_assert_cmpfloat(seen, <, 110000);
    }
    /* The estimate follows a faster link after a while as well. */
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
        fake_dirty_paused(70 * SCALE_MS);
        g_assert_cmpint(fake_dirty_bandwidth(10 * MiB, 100, 0, 1), <, 106000);
    }
    /* Then it carries a bit more. */
    for (i = 0; i < 30; i++) {
        fake_dirty_paused(50 * SCALE_MS);
        g_assert_cmpint(fake_dirty_bandwidth(12 * MiB, 100, 0, 1), <, 127000);
    }
    end();
}

/* Zero pages hardly use the link, so they say nothing about it. */
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
    fake_dirty_channel_filter(stage, block, false, offsets, 128, copies);
    g_usleep(ms * 1000);
    fake_dirty_channel_commit(stage);
}

static void test_bandwidth_of_channels(void)
{
    FakeDirtyStage *stage;
    unsigned int i;

    begin_with("ph128", false, true);
    stage = fake_dirty_stage_new(128, &error_abort);
    /* Much in the first window; then few pages, sent in no time. */
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

/* Channels that send at the same time are counted once. */
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

    fake_dirty_channel_filter(one, block, false, offsets[0], 64, copies);
    g_usleep(50 * 1000);
    counts = fake_dirty_stats_counts();
    g_assert_cmpuint(counts.sending_ns, >=, 50 * SCALE_MS);
    fake_dirty_channel_filter(other, block, false, &offsets[1][64], 64,
                              copies);
    g_usleep(1000 * 1000);
    fake_dirty_channel_commit(one);
    fake_dirty_channel_commit(other);
    counts = fake_dirty_stats_counts();
    g_assert_cmpuint(counts.sending_ns, >=, 1050 * SCALE_MS);
    g_assert_cmpuint(counts.sending_ns, <, 2000 * SCALE_MS);

    /* One that drops all its pages sends nothing. */
    list_offsets(offsets[0], 128);
    fake_dirty_channel_filter(one, block, false, offsets[0], 64, copies);
    g_usleep(1000 * 1000);
    fake_dirty_channel_commit(one);
    counts = fake_dirty_stats_counts();
    g_assert_cmpuint(counts.sending_ns, <, 2000 * SCALE_MS);
    fake_dirty_stage_free(one);
    fake_dirty_stage_free(other);
    end();
}

/* A link so slow that little is sent in every window. */
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

/* Filtering pages that are sent is part of sending them; skips are not. */
static void test_bandwidth_of_filtering(void)
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

/* Nothing is sent while the thread waits until it may sync. */
static void test_bandwidth_while_waiting(void)
{
    begin();
    skip_all();
    fake_dirty_sync_wait();
    g_usleep(100 * 1000);
    sync_all(3);
    g_assert_cmpint(fake_dirty_bandwidth(5 * MiB, 200, 0, 1), >, 45000);
    end();
}

/* Nearly all of the first window went to the first sync. */
static void test_first_bandwidth(void)
{
    begin();
    skip_all();
    fake_dirty_paused(200 * SCALE_MS);
    g_assert_cmpint(fake_dirty_bandwidth(1 * MiB, 100, 0, 1), <, 110000);
    end();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fake-dirty-bandwidth/link", test_bandwidth);
    g_test_add_func("/fake-dirty-bandwidth/without-skips",
                    test_bandwidth_without_skips);
    g_test_add_func("/fake-dirty-bandwidth/of-a-burst",
                    test_bandwidth_of_a_burst);
    g_test_add_func("/fake-dirty-bandwidth/of-a-busy-link",
                    test_bandwidth_of_a_busy_link);
    g_test_add_func("/fake-dirty-bandwidth/of-zero-pages",
                    test_bandwidth_of_zero_pages);
    g_test_add_func("/fake-dirty-bandwidth/of-channels",
                    test_bandwidth_of_channels);
    g_test_add_func("/fake-dirty-bandwidth/sending-of-channels",
                    test_sending_of_channels);
    g_test_add_func("/fake-dirty-bandwidth/of-a-slow-link",
                    test_bandwidth_of_a_slow_link);
    g_test_add_func("/fake-dirty-bandwidth/of-filtering",
                    test_bandwidth_of_filtering);
    g_test_add_func("/fake-dirty-bandwidth/while-waiting",
                    test_bandwidth_while_waiting);
    g_test_add_func("/fake-dirty-bandwidth/first", test_first_bandwidth);
    return g_test_run();
}
