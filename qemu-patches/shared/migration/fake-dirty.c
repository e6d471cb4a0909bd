/*
 * The fake dirty filter: one migration, from its start to its report.
 *
 * This file owns hasher, tables and the modes that are latched; it knows
 * nothing of how migration walks or sends.  Rules R1 to R8:
 * docs/devel/fake-dirty.rst.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#include "qemu/osdep.h"
#include "qemu/queue.h"
#include "qemu/stats64.h"
#include "qapi/error.h"
#include "migration/fake-dirty.h"
#include "migration/fake-dirty-end.h"
#include "migration/fake-dirty-stage.h"
#include "trace.h"

static struct {
    bool active;
    bool multifd;
    bool postcopy;
    bool verify;
    size_t page_size;
    fakedirty_hasher *hasher;
    const fakedirty_algorithm_properties *algorithm;
    QLIST_HEAD(, FakeDirtyBlock) blocks;
    FakeDirtyStage *stage;      /* of the migration thread */
} filter = { .blocks = QLIST_HEAD_INITIALIZER(filter.blocks) };

/* What outlives a migration (R5). */
static struct {
    bool present;
    const char *hash;
    bool verify;
    Stat64 table_bytes;
    Stat64 false_skips;
} stats;

/* --- One migration ------------------------------------------------------- */

static void fake_dirty_block_free(FakeDirtyBlock *block)
{
    fakedirty_table_destroy(block->table);
    g_free(block->name);
    g_free(block);
}

static void fake_dirty_hasher_free(void)
{
    fakedirty_hasher_destroy(filter.hasher);
    filter.hasher = NULL;
}

bool fake_dirty_start(const FakeDirtyOptions *options, Error **errp)
{
    fakedirty_hasher_options hasher_options = {
        .size = sizeof(hasher_options),
        .algorithm = fakedirty_algorithm_find(options->hash),
        .page_size = options->page_size,
    };
    int status;

    assert(!filter.active);
    if (!options->stage_pages) {
        error_setg(errp, "fake-dirty-filter: x-fake-dirty-stage-pages is 0, "
                   "at least one page has to be classified at a time");
        return false;
    }
    if (!filter.hasher) {
        status = fakedirty_hasher_create(&hasher_options, &filter.hasher);
        if (status != FAKEDIRTY_OK) {
            error_setg(errp, "fake-dirty-filter: %s",
                       fakedirty_status_text(status));
            return false;
        }
    }
    filter.page_size = options->page_size;
    filter.algorithm = fakedirty_algorithm_info(hasher_options.algorithm);
    filter.verify = options->verify;
    filter.multifd = options->multifd;
    filter.postcopy = false;

    memset(&stats, 0, sizeof(stats));
    stats.present = true;
    stats.hash = filter.algorithm->name;
    stats.verify = options->verify;
    fake_dirty_stages_start(options->page_size);
    fake_dirty_end_start(options->page_size);

    filter.stage = fake_dirty_stage_new(options->stage_pages, errp);
    if (!filter.stage) {
        fake_dirty_stages_stop();
        fake_dirty_hasher_free();
        return false;
    }
    filter.active = true;
    trace_fake_dirty_start(options->hash, options->page_size, options->verify,
                           options->multifd,
                           fakedirty_hasher_target(filter.hasher));
    return true;
}

FakeDirtyBlock *fake_dirty_block_new(const char *name, uint8_t *host,
                                     uint64_t pages, Error **errp)
{
    FakeDirtyBlock *block;
    fakedirty_table *table;
    uint64_t bytes;
    int status;

    QLIST_FOREACH(block, &filter.blocks, next) {
        if (fake_dirty_breaks(R5) && g_str_equal(block->name, name) &&
            block->pages == pages) {
            return block;
        }
    }
    status = fakedirty_table_create(filter.hasher, pages,
                                    filter.verify ? FAKEDIRTY_TABLE_VERIFY : 0,
                                    &table);
    if (status != FAKEDIRTY_OK) {
        error_setg(errp, "fake-dirty-filter: a table of %" PRIu64 " pages for "
                   "RAM block '%s' can't be allocated: %s", pages, name,
                   fakedirty_status_text(status));
        return NULL;
    }
    block = g_new0(FakeDirtyBlock, 1);
    block->name = g_strdup(name);
    block->host = host;
    block->pages = pages;
    block->table = table;
    fake_dirty_stages_add(block);
    QLIST_INSERT_HEAD(&filter.blocks, block, next);

    bytes = pages * filter.algorithm->digest_bytes;
    if (filter.verify) {
        bytes += pages * filter.page_size;
    }
    stat64_add(&stats.table_bytes, bytes);
    trace_fake_dirty_block(name, pages, bytes);
    return block;
}

/* Walks all slots: only when nobody writes them. */
static void false_skips_read(void)
{
    FakeDirtyBlock *block;
    uint64_t false_skips = 0;

    if (!filter.verify) {
        return;
    }
    QLIST_FOREACH(block, &filter.blocks, next) {
        fakedirty_table_counts counts;

        fake_dirty_must(fakedirty_table_count(block->table, &counts));
        false_skips += counts.false_skips;
    }
    fake_dirty_figure_set(&stats.false_skips, false_skips);
}

void fake_dirty_complete(void)
{
    if (filter.active) {
        false_skips_read();
    }
}

void fake_dirty_stop(void)
{
    FakeDirtyBlock *block, *next;

    if (!filter.active) {
        return;
    }
    false_skips_read();
    filter.active = false;
    fake_dirty_stage_free(filter.stage);
    filter.stage = NULL;
    fake_dirty_stages_stop();
    trace_fake_dirty_stop();
    if (fake_dirty_breaks(R5)) {
        return;
    }
    QLIST_FOREACH_SAFE(block, &filter.blocks, next, next) {
        QLIST_REMOVE(block, next);
        fake_dirty_block_free(block);
    }
    /* With the last table gone, this wipes the key. */
    fake_dirty_hasher_free();
}

bool fake_dirty_active(void)
{
    return filter.active;
}

bool fake_dirty_staging(void)
{
    return filter.active && !filter.multifd && !filter.postcopy;
}

bool fake_dirty_in_channels(void)
{
    return filter.active && filter.multifd && !filter.postcopy;
}

void fake_dirty_postcopy(void)
{
    if (filter.active && !fake_dirty_breaks(R3)) {
        fake_dirty_stage_empty(filter.stage);
        fake_dirty_breathe();
        filter.postcopy = true;
    }
}

void fake_dirty_restart(void)
{
    if (filter.active && !fake_dirty_breaks(RESTART)) {
        fake_dirty_stage_empty(filter.stage);
    }
}

/* --- What the migration thread stages and sends -------------------------- */

FakeDirtyStage *fake_dirty_stage(void)
{
    return filter.stage;
}

uint8_t *fake_dirty_page(FakeDirtyBlock *block, unsigned long page)
{
    return block && fake_dirty_staging() ?
        fake_dirty_stage_page(filter.stage, block, page) : NULL;
}

void fake_dirty_sent(FakeDirtyBlock *block, unsigned long page)
{
    if (block && fake_dirty_staging()) {
        fake_dirty_stage_commit(filter.stage, block, page);
    }
}

/* --- Syncs, and the report ------------------------------------------------ */

void fake_dirty_sync_begin(void)
{
    if (!filter.active) {
        return;
    }
    /* A newer mark would merge with that of a staged page, and go with it. */
    if (!fake_dirty_breaks(SYNC)) {
        fake_dirty_stage_empty(filter.stage);
    }
    fake_dirty_end_sync_begin();
}

void fake_dirty_sync_end(uint64_t pass)
{
    if (!filter.active) {
        return;
    }
    if (!filter.multifd) {
        false_skips_read();
    }
    fake_dirty_end_sync_end(pass);
}

bool fake_dirty_report(FakeDirtyReport *report)
{
    if (!stats.present) {
        return false;
    }
    report->hash = stats.hash;
    report->verify = stats.verify;
    report->table_bytes = stat64_get(&stats.table_bytes);
    report->false_skips = stat64_get(&stats.false_skips);
    /* The passes first: what they counted is in the sum that is read after. */
    fake_dirty_end_report(report);
    fake_dirty_counts(&report->counts);
    return true;
}
