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

    /* All may be marked again in no time, and a look takes as long again. */
    g_usleep(200 * 1000);
    sync_all(3);
    begin_ns = report()->counts.time_ns;
    debt = sift(0);
    g_assert_cmpfloat(debt, >, bytes_filtered(begin_ns) * 0.95);
    g_assert_cmpfloat(debt, <, bytes_filtered(begin_ns) * 1.05);

    /* What has changed changes again in the time in which it did: all of it, */
    sync_all(4);
    sync_all(5);
    memset(guest, 0xaa, PAGES * PAGE);
    debt = sift(100);
    g_assert_cmpuint(debt, >=, (PAGES - 1) * PAGE);

    /* and little of it in a small part of that time. */
    g_usleep(400 * 1000);
    sync_all(6);
    memset(guest, 0xbb, PAGES * PAGE);
    begin_ns = report()->counts.time_ns;
    debt = sift(0);
    g_assert_cmpfloat(debt, <, bytes_filtered(begin_ns) * 1.05 +
                               PAGES * PAGE / 2);
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
    /* A look at fake marks follows at once if there are fewer than before. */
    skip_all();
    g_assert_cmpint(fake_dirty_sync_delay_ms(false), ==, 0);
    sync_all(3);
    g_assert_true(fake_dirty_sift_wanted());
    sift(0);
    g_assert_cmpint(fake_dirty_sync_delay_ms(false), ==, 0);
    sync_all(4);
    sift(0);
    g_assert_cmpint(fake_dirty_sync_delay_ms(false), >, 0);
    g_usleep(60 * 1000);
    g_assert_cmpint(fake_dirty_sync_delay_ms(false), ==, 0);
    g_assert_cmpint(fake_dirty_sync_delay_ms(true), ==, 0);
    sync_all(5);
    bitmap_clear(marks, 0, PAGES / 4);
    sift(0);
    g_assert_cmpint(fake_dirty_sync_delay_ms(false), ==, 0);
    /* So does the first one behind a pass that has changed. */
    sync_all(6);
    memset(guest, 0xaa, PAGES * PAGE);
    walk();
    sync_all(7);
    g_assert_false(fake_dirty_sift_wanted());
    g_assert_cmpuint(walk(), ==, 0);
    g_assert_cmpint(fake_dirty_sync_delay_ms(false), ==, 0);
    end();
    g_assert_cmpint(fake_dirty_sync_delay_ms(true), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fake-dirty-end/passes", test_passes);
    g_test_add_func("/fake-dirty-end/sift-debt", test_sift_debt);
    g_test_add_func("/fake-dirty-end/per-second", test_per_second);
    g_test_add_func("/fake-dirty-end/changed-bytes", test_changed_bytes);
    g_test_add_func("/fake-dirty-end/carried-bytes", test_carried_bytes);
    g_test_add_func("/fake-dirty-end/throttled-when-late",
                    test_throttled_when_late);
    g_test_add_func("/fake-dirty-end/sync-delay", test_sync_delay);
    return g_test_run();
}
