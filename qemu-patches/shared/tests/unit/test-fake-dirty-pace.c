/*
 * The fake dirty filter: passes, syncs, looks, throttling and its own effort.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#include "qemu/osdep.h"
#include "qemu/thread.h"
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
    end();
}

/* Room for all but one. */
#define ROOM (PAGES - 1)

/* Looks at all marked pages. */
static bool rescan(uint64_t room)
{
    unsigned long page = 0;
    uint64_t kept = 0;

    while (page < PAGES) {
        FakeDirtyFill filled = fake_dirty_look(block, marks, page, PAGES,
                                               clear_log, &cleared);

        kept += filled.checked - filled.unchanged;
        page = filled.end;
    }
    return fake_dirty_look_rescanned(kept, room, true);
}

static bool begin_look(uint64_t room)
{
    uint64_t count = bitmap_count_one(marks, PAGES);

    fake_dirty_sample_begin(count);
    return fake_dirty_sample_end(count, room) &&
           fake_dirty_look_round(count, room);
}

/* A look in vain: all that it has found fake is marked again. */
static void look_in_vain(void)
{
    g_assert_true(begin_look(ROOM));
    g_assert_true(fake_dirty_looking());
    g_assert_true(rescan(ROOM));
    sync_all(99);
    g_assert_false(fake_dirty_look_round(PAGES, ROOM));
    g_assert_false(fake_dirty_looking());
}

/* A sync of a look closes no pass, and only what is new is rescanned. */
static void test_look(void)
{
    unsigned int passes, i;

    begin();
    walk();
    sync_all(2);
    passes = report()->nr_passes;
    for (i = 0; i < 10; i++) {
        guest[i * PAGE]++;
    }
    g_assert_true(begin_look(20));
    g_assert_true(rescan(20));
    g_assert_cmpuint(bitmap_count_one(marks, PAGES), ==, 10);

    /* Of 16 pages that are marked now 8 have been looked at. */
    fake_dirty_sync_begin();
    fake_dirty_merge();
    bitmap_set(marks, 2, 16);
    fake_dirty_sync_end(3);
    g_assert_cmpuint(report()->nr_passes, ==, passes);
    memset(cleared, 0, sizeof(cleared));
    g_assert_true(fake_dirty_look_round(18, 20));
    g_assert_true(rescan(20));
    g_assert_cmpuint(bitmap_count_one(marks, PAGES), ==, 10);
    g_assert_cmpuint(cleared[2] + cleared[9], ==, 0);
    g_assert_cmpuint(cleared[10] + cleared[17], ==, 2);

    fake_dirty_look_finish();
    g_assert_false(fake_dirty_looking());
    g_assert_cmpuint(walk(), ==, 10);
    assert_equal_memory();
    sync_all(3);
    g_assert_cmpuint(report()->nr_passes, ==, passes + 1);
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

/* If the guest marks faster than pages are checked, fewer marks help. */
static void test_throttled_for_looks_in_vain(void)
{
    begin_with("sha256", false, false);
    skip_all();
    fake_dirty_changed_bytes(0);
    fake_dirty_bandwidth(10 * GiB, 100, 0, 1);
    sync_all(3);
    look_in_vain();
    /* Where there was no sync, nobody looks, and that changes nothing. */
    fake_dirty_look_finish();
    g_assert_cmpuint(fake_dirty_changed_bytes(1000), ==, 1000);
    /* They are compared with the rate of checking, not with a fast link. */
    g_usleep(50 * 1000);
    g_assert_cmpuint(fake_dirty_carried_bytes(1000), <, 5 * GiB / 2);
    /* Nobody looks, so that this does not apply any more. */
    g_usleep(50 * 1000);
    memset(guest, 0xaa, PAGES * PAGE);
    g_assert_false(begin_look(0));
    g_assert_cmpuint(fake_dirty_changed_bytes(1000), ==, 1000);
    g_usleep(50 * 1000);
    g_assert_cmpuint(fake_dirty_carried_bytes(1000), ==, 1000);
    end();
}

/* Syncs between which next to nothing is sent keep a distance. */
static void test_sync_delay(void)
{
    begin();
    walk();
    g_assert_cmpint(fake_dirty_sync_delay_ms(false), ==, 0);
    g_assert_cmpint(fake_dirty_sync_delay_ms(true), >, 0);
    sync_all(2);
    g_assert_cmpint(fake_dirty_sync_delay_ms(false), >, 0);
    walk();
    g_assert_cmpint(fake_dirty_sync_delay_ms(false), >, 0);
    g_usleep(60 * 1000);
    g_assert_cmpint(fake_dirty_sync_delay_ms(false), ==, 0);
    g_assert_cmpint(fake_dirty_sync_delay_ms(true), ==, 0);
    /* A pass that has changed needs no delay, and a look has none. */
    sync_all(3);
    memset(guest, 0xaa, PAGES * PAGE);
    walk();
    g_assert_cmpint(fake_dirty_sync_delay_ms(false), ==, 0);
    sync_all(4);
    g_assert_true(begin_look(ROOM));
    g_assert_cmpint(fake_dirty_sync_delay_ms(false), ==, 0);
    fake_dirty_look_finish();
    end();
    g_assert_cmpint(fake_dirty_sync_delay_ms(true), ==, 0);
}

/* A thread may take only its share of a processor. */
static void test_max_cpu(void)
{
    FakeDirtyOptions options = {
        .hash = "ph128", .page_size = PAGE,
        .stage_pages = FAKE_DIRTY_STAGE_PAGES, .max_cpu_percent = 20,
    };
    int64_t begin_ns, worked_ns = 0;
    unsigned int i;

    begin();
    begin_ns = get_clock();
    fake_dirty_rest(1000 * SCALE_MS);
    g_assert_cmpint(get_clock() - begin_ns, <, 1000 * SCALE_MS);
    end();

    begin_options(&options);
    begin_ns = get_clock();
    for (i = 0; i < 20; i++) {
        int64_t ns = get_clock();

        g_usleep(1000);
        ns = get_clock() - ns;
        worked_ns += ns;
        fake_dirty_rest(ns);
    }
    /* But for what it owes still, and is not made to wait for yet. */
    g_assert_cmpint(get_clock() - begin_ns, >, 4 * worked_ns);
    end();
}

/* R10: a sync by another thread closes no pass, and is no pause of this one. */
static void *sync_elsewhere(void *opaque)
{
    fake_dirty_sync_begin();
    g_usleep(50 * 1000);
    fake_dirty_merge();
    memset(guest + 8 * PAGE, 0x77, PAGE);
    bitmap_set(marks, 8, 1);
    fake_dirty_sync_end(7);
    return NULL;
}

static void test_sync_by_another_thread(void)
{
    unsigned int passes;
    QemuThread thread;

    begin();
    walk();
    sync_all(2);
    passes = report()->nr_passes;
    fake_dirty_synced();
    fill(0);
    g_assert_cmpuint(bitmap_count_one(marks, PAGES), <, PAGES);
    set_bit(8, marks);
    fill(8);
    qemu_thread_create(&thread, "sync", sync_elsewhere, NULL,
                       QEMU_THREAD_JOINABLE);
    qemu_thread_join(&thread);
    g_assert_false(fake_dirty_synced());
    g_assert_cmpuint(report()->nr_passes, ==, passes);
    g_assert_null(fake_dirty_page(block, 8));
    walk();
    assert_equal_memory();
    end();
}

/* R10: marks are merged later than the sync begins. */
static void test_stage_is_emptied_when_marks_merge(void)
{
    begin();
    fake_dirty_sync_begin();
    fill(0);
    memset(guest + 8 * PAGE, 0x77, PAGE);
    fake_dirty_merge();
    bitmap_set(marks, 8, 1);
    fake_dirty_sync_end(2);
    walk();
    assert_equal_memory();
    end();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fake-dirty-pace/passes", test_passes);
    g_test_add_func("/fake-dirty-pace/look", test_look);
    g_test_add_func("/fake-dirty-pace/per-second", test_per_second);
    g_test_add_func("/fake-dirty-pace/changed-bytes", test_changed_bytes);
    g_test_add_func("/fake-dirty-pace/carried-bytes", test_carried_bytes);
    g_test_add_func("/fake-dirty-pace/throttled-for-looks-in-vain",
                    test_throttled_for_looks_in_vain);
    g_test_add_func("/fake-dirty-pace/sync-delay", test_sync_delay);
    g_test_add_func("/fake-dirty-pace/max-cpu", test_max_cpu);
    g_test_add_func("/fake-dirty-pace/sync-by-another-thread",
                    test_sync_by_another_thread);
    g_test_add_func("/fake-dirty-pace/stage-is-emptied-when-marks-merge",
                    test_stage_is_emptied_when_marks_merge);
    return g_test_run();
}
