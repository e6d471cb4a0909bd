/*
 * The fake dirty filter: the stage, its tables and its figures.
 *
 * A small guest, a destination that receives what is sent, and marks that are
 * set as a dirty bitmap sync would set them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#include "qemu/osdep.h"
#include "qemu/bitmap.h"
#include "qemu/memalign.h"
#include "qemu/timer.h"
#include "qemu/units.h"
#include "qapi/error.h"
#include "migration/fake-dirty.h"
#include "migration/fake-dirty-end.h"

#define PAGE 4096
#define PAGES 200       /* more than three stages */

static uint8_t *guest, *destination;
static unsigned long marks[BITS_TO_LONGS(PAGES)];
static unsigned int cleared[PAGES];
static FakeDirtyBlock *block;

static void begin_options(const FakeDirtyOptions *options)
{
    unsigned int i;

    guest = qemu_memalign(PAGE, PAGES * PAGE);
    destination = qemu_memalign(PAGE, PAGES * PAGE);
    memset(destination, 0, PAGES * PAGE);
    for (i = 0; i < PAGES; i++) {
        memset(guest + i * PAGE, i, PAGE);      /* page 0 is a zero page */
    }
    bitmap_fill(marks, PAGES);
    memset(cleared, 0, sizeof(cleared));
    g_assert_true(fake_dirty_start(options, &error_abort));
    block = fake_dirty_block_new("ram", guest, PAGES, &error_abort);
    fake_dirty_sync_begin();
    fake_dirty_sync_end(1);
}

static void begin_with(const char *hash, bool verify, bool multifd)
{
    FakeDirtyOptions options = {
        .hash = hash, .page_size = PAGE, .verify = verify, .multifd = multifd,
        .stage_pages = FAKE_DIRTY_STAGE_PAGES,
    };

    begin_options(&options);
}

static void begin(void)
{
    begin_with("ph128", false, false);
}

static void end(void)
{
    fake_dirty_stop();
    g_assert_false(fake_dirty_active());
    qemu_vfree(guest);
    qemu_vfree(destination);
}

static void clear_log(void *opaque, unsigned long page)
{
    g_assert_true(opaque == &cleared);
    cleared[page]++;
}

static unsigned long fill(unsigned long page)
{
    return fake_dirty_stage_fill(fake_dirty_stage(), block, marks, page, PAGES,
                                 clear_log, &cleared);
}

/* Walk the marked pages as migration does; returns how many were sent. */
static unsigned int walk(void)
{
    FakeDirtyStage *stage = fake_dirty_stage();
    unsigned int sent = 0;
    unsigned long page;

    for (page = find_first_bit(marks, PAGES); page < PAGES;
         page = find_next_bit(marks, PAGES, page)) {
        uint8_t *copy = fake_dirty_stage_page(stage, block, page);

        if (!copy) {
            fill(page);
            if (!test_bit(page, marks)) {
                continue;
            }
            copy = fake_dirty_stage_page(stage, block, page);
        }
        g_assert_nonnull(copy);
        g_assert_cmpuint(cleared[page], >, 0);
        clear_bit(page, marks);
        memcpy(destination + page * PAGE, copy, PAGE);
        fake_dirty_stage_commit(stage, block, page);
        sent++;
    }
    return sent;
}

static void sync_all(uint64_t pass)
{
    fake_dirty_sync_begin();
    bitmap_fill(marks, PAGES);
    memset(cleared, 0, sizeof(cleared));
    fake_dirty_sync_end(pass);
}

static void assert_equal_memory(void)
{
    g_assert_cmpmem(destination, PAGES * PAGE, guest, PAGES * PAGE);
}

static FakeDirtyReport *report(void)
{
    static FakeDirtyReport report;

    g_assert_true(fake_dirty_report(&report));
    return &report;
}

static void test_first_pass_sends_all(void)
{
    begin();
    g_assert_cmpuint(walk(), ==, PAGES);
    assert_equal_memory();
    g_assert_cmpuint(report()->counts.zero, ==, 1);
    g_assert_cmpuint(report()->counts.first, ==, PAGES - 1);
    g_assert_cmpuint(report()->counts.unchanged, ==, 0);
    end();
}

static void test_unchanged_is_skipped(void)
{
    begin();
    walk();
    sync_all(2);
    g_assert_cmpuint(walk(), ==, 0);
    g_assert_cmpuint(report()->counts.unchanged, ==, PAGES);
    g_assert_cmpuint(report()->counts.bytes_saved, ==, (PAGES - 1) * PAGE + 1);
    end();
}

static void test_one_byte(void)
{
    begin();
    walk();
    sync_all(2);
    guest[77 * PAGE + PAGE - 1]++;
    g_assert_cmpuint(walk(), ==, 1);
    assert_equal_memory();
    g_assert_cmpuint(report()->counts.changed, ==, 1);
    g_assert_cmpuint(report()->counts.unchanged, ==, PAGES - 1);
    end();
}

static void test_zero_and_back(void)
{
    begin();
    walk();
    sync_all(2);
    memset(guest + 5 * PAGE, 0, PAGE);
    g_assert_cmpuint(walk(), ==, 1);
    g_assert_cmpuint(report()->counts.zero, ==, 2);
    sync_all(3);
    memset(guest + 5 * PAGE, 5, PAGE);
    g_assert_cmpuint(walk(), ==, 1);
    assert_equal_memory();
    end();
}

/* R1: what the guest writes after the copy is in the next pass. */
static void test_copy_is_private(void)
{
    begin();
    fill(0);
    memset(guest + 3 * PAGE, 0xee, PAGE);
    walk();
    g_assert_cmpuint(destination[3 * PAGE], ==, 3);

    /* The first value comes back: the destination has it. */
    memset(guest + 3 * PAGE, 3, PAGE);
    sync_all(2);
    g_assert_cmpuint(walk(), ==, 0);
    assert_equal_memory();

    memset(guest + 3 * PAGE, 0xee, PAGE);
    sync_all(3);
    g_assert_cmpuint(walk(), ==, 1);
    assert_equal_memory();
    end();
}

/* R2: the log of every staged page is cleared before the page is copied. */
static void write_on_clear(void *opaque, unsigned long page)
{
    guest[page * PAGE + 9] = 0x5a;
    clear_log(opaque, page);
}

static void test_clear_before_copy(void)
{
    unsigned long page;

    begin();
    fake_dirty_stage_fill(fake_dirty_stage(), block, marks, 10, PAGES,
                          write_on_clear, &cleared);
    for (page = 10; page < 10 + FAKE_DIRTY_STAGE_PAGES; page++) {
        uint8_t *copy = fake_dirty_stage_page(fake_dirty_stage(), block, page);

        g_assert_cmpuint(cleared[page], ==, 1);
        g_assert_cmpuint(copy[9], ==, 0x5a);
    }
    end();
}

/* R3 */
static void test_postcopy_stages_nothing(void)
{
    begin();
    g_assert_true(fake_dirty_staging());
    fill(0);
    fake_dirty_postcopy();
    g_assert_false(fake_dirty_staging());
    g_assert_null(fake_dirty_stage_page(fake_dirty_stage(), block, 1));
    end();
}

/* R4: a staged page that is dropped leaves its slot as it was. */
static void test_dropped_is_not_committed(void)
{
    begin();
    fill(0);
    sync_all(2);
    g_assert_null(fake_dirty_stage_page(fake_dirty_stage(), block, 0));
    g_assert_cmpuint(fake_dirty_checked(&report()->counts), ==, 0);
    g_assert_cmpuint(walk(), ==, PAGES);
    assert_equal_memory();
    end();
}

/* A mark that comes while a page is staged must not go with the old one. */
static void test_sync_empties_stage(void)
{
    begin();
    fill(0);
    memset(guest + 8 * PAGE, 0x77, PAGE);
    sync_all(2);
    walk();
    assert_equal_memory();
    end();
}

/* R5: nothing of a migration is left for the next but its statistics. */
static void test_nothing_survives(void)
{
    begin();
    walk();
    sync_all(2);
    g_assert_cmpuint(walk(), ==, 0);
    end();
    g_assert_cmpuint(report()->counts.unchanged, ==, PAGES);
    begin();
    g_assert_cmpuint(report()->counts.unchanged, ==, 0);
    g_assert_cmpuint(walk(), ==, PAGES);
    end();
}

static void test_block_boundary(void)
{
    begin();
    fill(PAGES - 2);
    g_assert_nonnull(fake_dirty_stage_page(fake_dirty_stage(), block,
                                           PAGES - 1));
    fake_dirty_stage_empty(fake_dirty_stage());
    /* The used part ends here. */
    fake_dirty_stage_fill(fake_dirty_stage(), block, marks, 30, 32, clear_log,
                          &cleared);
    g_assert_nonnull(fake_dirty_stage_page(fake_dirty_stage(), block, 31));
    g_assert_null(fake_dirty_stage_page(fake_dirty_stage(), block, 32));
    g_assert_cmpuint(fake_dirty_stage_kept(fake_dirty_stage()), ==, 2);
    g_assert_cmpuint(fake_dirty_stage_end(fake_dirty_stage()), ==, 32);
    end();
}

static void test_only_marked(void)
{
    begin();
    bitmap_zero(marks, PAGES);
    set_bit(4, marks);
    set_bit(150, marks);
    g_assert_cmpuint(walk(), ==, 2);
    g_assert_cmpuint(cleared[4] + cleared[150], ==, 2);
    g_assert_cmpuint(cleared[5], ==, 0);
    end();
}

static void test_air(void)
{
    unsigned int airs = 0, i;

    begin();
    walk();
    g_assert_false(fake_dirty_needs_air());
    for (i = 0; i < 3 * FAKE_DIRTY_BREATH_PAGES / PAGES + 3; i++) {
        sync_all(2 + i);
        walk();
        if (fake_dirty_needs_air()) {
            fake_dirty_breathe();
            airs++;
        }
    }
    g_assert_cmpuint(airs, >=, 2);
    end();
}

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

static void test_bandwidth_of_channels(void)
{
    FakeDirtyStage *stage;
    ram_addr_t offsets[128];
    const uint8_t *copies[128];
    unsigned int i, pass;

    begin_with("ph128", false, true);
    stage = fake_dirty_stage_new(128, &error_abort);
    for (pass = 0; pass < 20; pass++) {
        for (i = 0; i < 128; i++) {
            offsets[i] = i * PAGE;
        }
        guest[PAGE]++;
        fake_dirty_channel_filter(stage, block, offsets, 128, copies);
        fake_dirty_channel_commit(stage);
        /* Much in the first window; then one page each. */
        fake_dirty_bandwidth(pass ? PAGE : 10 * MiB, 100, 0, 1);
        g_assert_cmpuint(report()->bandwidth, >, 104000 * 1000);
    }
    /* The link has become slower: now the channels send all the time. */
    for (pass = 0; pass < 20; pass++) {
        for (i = 0; i < 128; i++) {
            offsets[i] = i * PAGE;
            guest[i * PAGE]++;
        }
        fake_dirty_channel_filter(stage, block, offsets, 128, copies);
        fake_dirty_channel_commit(stage);
        fake_dirty_bandwidth(128 * PAGE, 100, 0, 1);
    }
    g_assert_cmpuint(report()->bandwidth, <, 10000 * 1000);
    fake_dirty_stage_free(stage);
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
static uint64_t sift(unsigned int more_ms)
{
    FakeDirtyStage *stage = fake_dirty_stage();
    unsigned long page = 0;

    fake_dirty_sift_begin(bitmap_count_one(marks, PAGES));
    while ((page = find_next_bit(marks, PAGES, page)) < PAGES) {
        fill(page);
        page = fake_dirty_stage_end(stage);
    }
    g_usleep(more_ms * 1000);
    return fake_dirty_sift_end(true);
}

/* What is marked during a sift is classified while the guest stands still. */
static void test_sift_debt(void)
{
    int64_t begin_ns;
    uint64_t debt;

    begin_with("sha256", false, false);
    skip_all();
    fake_dirty_bandwidth(100 * MiB, 100, 0, 1);

    /* Long after the sync before, little is marked meanwhile. */
    g_usleep(200 * 1000);
    sync_all(3);
    begin_ns = report()->counts.time_ns;
    debt = sift(0);
    g_assert_cmpuint(debt, <, (report()->counts.time_ns - begin_ns) *
                     (1024 * 1024 / (2.0 * SCALE_MS)));

    /* As long as it: everything is, and takes as long again. */
    sync_all(4);
    begin_ns = report()->counts.time_ns;
    debt = sift(400);
    g_assert_cmpuint(debt, >, (report()->counts.time_ns - begin_ns) *
                     (1024 * 1024 * 0.95 / SCALE_MS));
    g_assert_cmpuint(debt, <, (report()->counts.time_ns - begin_ns) *
                     (1024 * 1024 * 1.05 / SCALE_MS));

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

/* Nearly all of the first window went to the first sync. */
static void test_first_bandwidth(void)
{
    begin();
    skip_all();
    fake_dirty_idle(200 * SCALE_MS);
    g_assert_cmpint(fake_dirty_bandwidth(1 * MiB, 100, 0, 1), <, 110000);
    end();
}

static void test_channel(void)
{
    FakeDirtyStage *stage;
    ram_addr_t offsets[128];
    const uint8_t *copies[128];
    unsigned int i;

    begin_with("ph128", false, true);
    g_assert_false(fake_dirty_staging());
    g_assert_true(fake_dirty_in_channels());
    stage = fake_dirty_stage_new(128, &error_abort);
    for (i = 0; i < 128; i++) {
        offsets[i] = i * PAGE;
    }
    g_assert_cmpuint(fake_dirty_channel_filter(stage, block, offsets, 128,
                                               copies), ==, 128);
    fake_dirty_channel_commit(stage);
    guest[100 * PAGE]++;
    g_assert_cmpuint(fake_dirty_channel_filter(stage, block, offsets, 128,
                                               copies), ==, 1);
    g_assert_cmpuint(offsets[0], ==, 100 * PAGE);
    g_assert_cmpmem(copies[0], PAGE, guest + 100 * PAGE, PAGE);
    fake_dirty_channel_commit(stage);
    g_assert_cmpuint(fake_dirty_channels_sent(), ==, 129);
    g_assert_cmpuint(fake_dirty_channels_sent(), ==, 0);

    /* R4: a zero page goes past the channels. */
    memset(guest + 20 * PAGE, 0, PAGE);
    g_assert_false(fake_dirty_zero_page(block, 20));
    g_assert_true(fake_dirty_zero_page(block, 20));
    memset(guest + 20 * PAGE, 20, PAGE);
    offsets[0] = 20 * PAGE;
    g_assert_cmpuint(fake_dirty_channel_filter(stage, block, offsets, 1,
                                               copies), ==, 1);
    fake_dirty_stage_free(stage);
    end();
}

static void test_all_hashes(void)
{
    static const char *const hashes[] = {
        "ph128", "xxh3-128", "xxh3-64", "xxh64", "xxh32", "sha256", "sha1",
        "md5", "murmur3-128", "murmur3-32", "crc32",
    };
    unsigned int i;

    for (i = 0; i < ARRAY_SIZE(hashes); i++) {
        begin_with(hashes[i], i & 1, false);
        g_assert_cmpstr(report()->hash, ==, hashes[i]);
        g_assert_cmpuint(walk(), ==, PAGES);
        sync_all(2);
        guest[9 * PAGE]++;
        g_assert_cmpuint(walk(), ==, 1);
        assert_equal_memory();
        g_assert_cmpuint(report()->false_skips, ==, 0);
        end();
    }
}

/* x-fake-dirty-stage-pages=1: as a filter without a stage would work. */
static void test_one_at_a_time(void)
{
    FakeDirtyOptions options = {
        .hash = "sha1", .page_size = PAGE, .stage_pages = 1,
    };

    begin_options(&options);
    fill(10);
    g_assert_nonnull(fake_dirty_stage_page(fake_dirty_stage(), block, 10));
    g_assert_cmpuint(cleared[11], ==, 0);
    g_assert_cmpuint(walk(), ==, PAGES);
    sync_all(2);
    guest[9 * PAGE]++;
    g_assert_cmpuint(walk(), ==, 1);
    assert_equal_memory();
    end();
}

static void test_errors(void)
{
    FakeDirtyOptions options = {
        .hash = "rot13", .page_size = PAGE,
        .stage_pages = FAKE_DIRTY_STAGE_PAGES,
    };
    Error *err = NULL;

    g_assert_false(fake_dirty_start(&options, &err));
    g_assert_nonnull(err);
    error_free(err);

    err = NULL;
    options.hash = "ph128";
    options.stage_pages = 0;
    g_assert_false(fake_dirty_start(&options, &err));
    g_assert_nonnull(err);
    error_free(err);
    g_assert_false(fake_dirty_active());

    err = NULL;
    begin();
    g_assert_null(fake_dirty_block_new("huge", guest, UINT64_MAX / 8, &err));
    g_assert_nonnull(err);
    error_free(err);
    end();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fake-dirty/first-pass", test_first_pass_sends_all);
    g_test_add_func("/fake-dirty/unchanged", test_unchanged_is_skipped);
    g_test_add_func("/fake-dirty/one-byte", test_one_byte);
    g_test_add_func("/fake-dirty/zero", test_zero_and_back);
    g_test_add_func("/fake-dirty/private-copy", test_copy_is_private);
    g_test_add_func("/fake-dirty/clear-before-copy", test_clear_before_copy);
    g_test_add_func("/fake-dirty/postcopy", test_postcopy_stages_nothing);
    g_test_add_func("/fake-dirty/dropped", test_dropped_is_not_committed);
    g_test_add_func("/fake-dirty/sync", test_sync_empties_stage);
    g_test_add_func("/fake-dirty/nothing-survives", test_nothing_survives);
    g_test_add_func("/fake-dirty/block-boundary", test_block_boundary);
    g_test_add_func("/fake-dirty/only-marked", test_only_marked);
    g_test_add_func("/fake-dirty/air", test_air);
    g_test_add_func("/fake-dirty/passes", test_passes);
    g_test_add_func("/fake-dirty/bandwidth", test_bandwidth);
    g_test_add_func("/fake-dirty/bandwidth-without-skips",
                    test_bandwidth_without_skips);
    g_test_add_func("/fake-dirty/bandwidth-of-a-burst",
                    test_bandwidth_of_a_burst);
    g_test_add_func("/fake-dirty/bandwidth-of-a-busy-link",
                    test_bandwidth_of_a_busy_link);
    g_test_add_func("/fake-dirty/bandwidth-of-zero-pages",
                    test_bandwidth_of_zero_pages);
    g_test_add_func("/fake-dirty/bandwidth-of-channels",
                    test_bandwidth_of_channels);
    g_test_add_func("/fake-dirty/sift-debt", test_sift_debt);
    g_test_add_func("/fake-dirty/per-second", test_per_second);
    g_test_add_func("/fake-dirty/bandwidth-of-a-slow-link",
                    test_bandwidth_of_a_slow_link);
    g_test_add_func("/fake-dirty/first-bandwidth", test_first_bandwidth);
    g_test_add_func("/fake-dirty/bandwidth-of-filtered",
                    test_bandwidth_of_filtered);
    g_test_add_func("/fake-dirty/channel", test_channel);
    g_test_add_func("/fake-dirty/hashes", test_all_hashes);
    g_test_add_func("/fake-dirty/one-at-a-time", test_one_at_a_time);
    g_test_add_func("/fake-dirty/errors", test_errors);
    return g_test_run();
}
