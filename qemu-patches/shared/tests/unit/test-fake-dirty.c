/*
 * The fake dirty filter: the stage and its tables.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#include "qemu/osdep.h"
#include "migration/fake-dirty-pace.h"
#include "test-fake-dirty-guest.h"

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
    fake_dirty_fill(block, marks, 10, PAGES, write_on_clear, &cleared);
    for (page = 10; page < 10 + FAKE_DIRTY_STAGE_PAGES; page++) {
        uint8_t *copy = fake_dirty_page(block, page);

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
    g_assert_null(fake_dirty_page(block, 1));
    end();
}

/* R4: a staged page that is dropped leaves its slot as it was. */
static void test_dropped_is_not_committed(void)
{
    begin();
    fill(0);
    sync_all(2);
    g_assert_null(fake_dirty_page(block, 0));
    g_assert_cmpuint(report()->counts.checked, ==, 0);
    g_assert_cmpuint(walk(), ==, PAGES);
    assert_equal_memory();
    end();
}

/* A page marked while it is staged stays marked when the copy is sent. */
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

/* A walk that restarts stages its pages anew. */
static void test_restart_empties_stage(void)
{
    begin();
    fill(0);
    g_assert_nonnull(fake_dirty_page(block, 1));
    memset(guest + PAGE, 0x77, PAGE);
    fake_dirty_restart();
    g_assert_null(fake_dirty_page(block, 1));
    g_assert_cmpuint(walk(), ==, PAGES);
    assert_equal_memory();
    end();
}

/* R5: only the statistics of a migration outlive it. */
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
    FakeDirtyFill filled;

    begin();
    fill(PAGES - 2);
    g_assert_nonnull(fake_dirty_page(block, PAGES - 1));
    fake_dirty_restart();
    /* The used part of the block ends here. */
    filled = fake_dirty_fill(block, marks, 30, 32, clear_log, &cleared);
    g_assert_nonnull(fake_dirty_page(block, 31));
    g_assert_null(fake_dirty_page(block, 32));
    g_assert_cmpuint(filled.checked, ==, 2);
    g_assert_cmpuint(filled.unchanged, ==, 0);
    g_assert_cmpuint(filled.end, ==, 32);
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

static void test_skip_budget(void)
{
    unsigned int interruptions = 0, i;

    begin();
    walk();
    g_assert_false(fake_dirty_skip_budget_spent());
    for (i = 0; i < 3 * FAKE_DIRTY_SKIP_BUDGET_PAGES / PAGES + 3; i++) {
        sync_all(2 + i);
        walk();
        if (fake_dirty_skip_budget_spent()) {
            fake_dirty_skip_budget_reset();
            interruptions++;
        }
    }
    g_assert_cmpuint(interruptions, >=, 2);
    end();
}

/* R4: what is sent without a look at it makes its slot unknown. */
static void test_unseen(void)
{
    begin();
    walk();
    sync_all(2);
    guest[5 * PAGE]++;
    fake_dirty_unseen(block, 5);
    memcpy(destination + 5 * PAGE, guest + 5 * PAGE, PAGE);
    clear_bit(5, marks);
    walk();
    g_assert_cmpuint(report()->counts.unseen, ==, 1);
    /* The first value comes back, and the destination does not have it. */
    guest[5 * PAGE]--;
    sync_all(3);
    walk();
    assert_equal_memory();
    g_assert_cmpuint(report()->counts.first, >, PAGES - 1);
    /* From here on the page is known again. */
    sync_all(4);
    g_assert_cmpuint(walk(), ==, 0);
    end();
}

static uint64_t pages_sent(void)
{
    uint64_t packets;

    return fake_dirty_channels_sent(&packets);
}

/* A channel sends pages beside the sample as the guest has them. */
static void test_channel_of_a_sample(void)
{
    FakeDirtyStage *stage;
    ram_addr_t offsets[128];
    const uint8_t *copies[128];
    unsigned int count, i, sampled = 0;

    begin_with("ph128", false, true);
    stage = fake_dirty_stage_new(128, &error_abort);
    list_offsets(offsets, 128);
    for (i = 0; i < 128; i++) {
        sampled += fake_dirty_in_sample(i);
    }
    g_assert_cmpuint(sampled, ==, FAKE_DIRTY_GROUP_PAGES);
    count = fake_dirty_channel_filter(stage, block, true, offsets, 128, copies);
    g_assert_cmpuint(count, ==, 128);
    for (i = 0; i < count; i++) {
        g_assert_cmpint(fake_dirty_in_sample(offsets[i] / PAGE), ==,
                        copies[i] != NULL);
    }
    fake_dirty_channel_commit(stage);
    g_assert_cmpuint(pages_sent(), ==, 128);
    g_assert_cmpuint(report()->counts.checked, ==, sampled);
    /* Those in the sample are unchanged now. */
    list_offsets(offsets, 128);
    count = fake_dirty_channel_filter(stage, block, true, offsets, 128, copies);
    g_assert_cmpuint(count, ==, 128 - sampled);
    fake_dirty_channel_commit(stage);
    fake_dirty_stage_free(stage);
    end();
}

/* An error of the library, which would be a bug: nothing is known any more. */
static void test_failure(void)
{
    ram_addr_t offset = PAGES * PAGE;
    FakeDirtyStage *stage;
    const uint8_t *copy;
    Error *err = NULL;

    begin_with("ph128", false, true);
    stage = fake_dirty_stage_new(1, &error_abort);
    g_assert_false(fake_dirty_failed(&err));
    g_assert_cmpuint(fake_dirty_channel_filter(stage, block, false, &offset, 1,
                                               &copy), ==, 0);
    g_assert_true(fake_dirty_failed(&err));
    g_assert_nonnull(strstr(error_get_pretty(err), "page number"));
    error_free(err);
    fake_dirty_stage_free(stage);
    end();
    begin();
    g_assert_false(fake_dirty_failed(&error_abort));
    end();
}

static void test_channel(void)
{
    FakeDirtyStage *stage;
    ram_addr_t offsets[128];
    const uint8_t *copies[128];

    begin_with("ph128", false, true);
    g_assert_false(fake_dirty_staging());
    g_assert_true(fake_dirty_in_channels());
    stage = fake_dirty_stage_new(128, &error_abort);
    list_offsets(offsets, 128);
    g_assert_cmpuint(fake_dirty_channel_filter(stage, block, false, offsets,
                                               128, copies), ==, 128);
    fake_dirty_channel_commit(stage);
    guest[100 * PAGE]++;
    g_assert_cmpuint(fake_dirty_channel_filter(stage, block, false, offsets,
                                               128, copies), ==, 1);
    g_assert_cmpuint(offsets[0], ==, 100 * PAGE);
    g_assert_cmpmem(copies[0], PAGE, guest + 100 * PAGE, PAGE);
    fake_dirty_channel_commit(stage);
    g_assert_cmpuint(pages_sent(), ==, 129);
    g_assert_cmpuint(pages_sent(), ==, 0);

    /* R4: a zero page bypasses the channels. */
    memset(guest + 20 * PAGE, 0, PAGE);
    g_assert_false(fake_dirty_skip_zero_page(block, 20));
    g_assert_true(fake_dirty_skip_zero_page(block, 20));
    memset(guest + 20 * PAGE, 20, PAGE);
    offsets[0] = 20 * PAGE;
    g_assert_cmpuint(fake_dirty_channel_filter(stage, block, false, offsets, 1,
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

/* Whatever the library does not call fit for production takes consent. */
static void test_hash_risk(void)
{
    g_assert_null(fake_dirty_hash_risk("ph128"));
    g_assert_null(fake_dirty_hash_risk("sha256"));
    g_assert_nonnull(strstr(fake_dirty_hash_risk("md5"), "collisions"));
    g_assert_nonnull(strstr(fake_dirty_hash_risk("xxh3-128"), "collisions"));
    g_assert_nonnull(strstr(fake_dirty_hash_risk("crc32"), "chance"));
    g_assert_nonnull(strstr(fake_dirty_hash_risk("rot13"), "does not have"));
}

/* x-fake-dirty-stage-pages=1: as a filter without a stage would work. */
static void test_one_at_a_time(void)
{
    FakeDirtyOptions options = {
        .hash = "sha1", .page_size = PAGE, .stage_pages = 1,
    };

    begin_options(&options);
    fill(10);
    g_assert_nonnull(fake_dirty_page(block, 10));
    g_assert_cmpuint(cleared[11], ==, 0);
    g_assert_cmpuint(walk(), ==, PAGES);
    sync_all(2);
    guest[9 * PAGE]++;
    g_assert_cmpuint(walk(), ==, 1);
    assert_equal_memory();
    end();
}

/* A limit of memory is checked before anything is allocated. */
static void test_max_memory(void)
{
    FakeDirtyOptions options = {
        .hash = "ph128", .page_size = PAGE,
        .stage_pages = FAKE_DIRTY_STAGE_PAGES,
    };
    Error *err = NULL;

    options.table_bytes = fake_dirty_table_bytes(&options, PAGES);
    g_assert_cmpuint(options.table_bytes, ==, PAGES * 16);
    options.max_memory = options.table_bytes - 1;
    g_assert_false(fake_dirty_start(&options, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "3200 bytes are needed"));
    g_assert_nonnull(strstr(error_get_pretty(err), "allows 3199"));
    error_free(err);
    g_assert_false(fake_dirty_active());

    options.max_memory = options.table_bytes;
    begin_options(&options);
    g_assert_cmpuint(report()->table_bytes, ==, options.table_bytes);
    end();

    options.verify = true;
    g_assert_cmpuint(fake_dirty_table_bytes(&options, PAGES), ==,
                     PAGES * (16 + PAGE));
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
    g_test_add_func("/fake-dirty/restart", test_restart_empties_stage);
    g_test_add_func("/fake-dirty/nothing-survives", test_nothing_survives);
    g_test_add_func("/fake-dirty/block-boundary", test_block_boundary);
    g_test_add_func("/fake-dirty/only-marked", test_only_marked);
    g_test_add_func("/fake-dirty/skip-budget", test_skip_budget);
    g_test_add_func("/fake-dirty/unseen", test_unseen);
    g_test_add_func("/fake-dirty/channel", test_channel);
    g_test_add_func("/fake-dirty/channel-of-a-sample",
                    test_channel_of_a_sample);
    g_test_add_func("/fake-dirty/failure", test_failure);
    g_test_add_func("/fake-dirty/hashes", test_all_hashes);
    g_test_add_func("/fake-dirty/hash-risk", test_hash_risk);
    g_test_add_func("/fake-dirty/one-at-a-time", test_one_at_a_time);
    g_test_add_func("/fake-dirty/max-memory", test_max_memory);
    g_test_add_func("/fake-dirty/errors", test_errors);
    return g_test_run();
}
