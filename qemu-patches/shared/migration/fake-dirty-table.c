/*
 * The fake dirty filter, tables: what the destination holds of each RAM block.
 *
 * This file owns the hasher, its key and the tables.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "migration/fake-dirty-broken.h"
#include "migration/fake-dirty-stats.h"
#include "migration/fake-dirty-table.h"
#include "trace.h"

/* Of one migration. */
static struct {
    size_t page_size;
    bool verify;
    fakedirty_hasher *hasher;
    const fakedirty_algorithm_properties *algorithm;
    uint8_t *zero_page;
    fakedirty_fingerprint zero_fingerprint;
    QLIST_HEAD(, FakeDirtyBlock) blocks;
} tables = { .blocks = QLIST_HEAD_INITIALIZER(tables.blocks) };

void fake_dirty_abort_on_error(int status)
{
    if (status != FAKEDIRTY_OK) {
        error_setg(&error_abort, "fake dirty filter: %s",
                   fakedirty_status_text(status));
    }
}

const char *fake_dirty_tables_hash_risk(const char *hash)
{
    const fakedirty_algorithm_properties *algorithm =
        fakedirty_algorithm_info(fakedirty_algorithm_find(hash));

    if (!algorithm) {
        return "this libfakedirty does not have it";
    }
    if (algorithm->production) {
        return NULL;
    }
    if (algorithm->digest_bytes <= 4) {
        return "with so few bits chance alone takes a changed page for an "
               "unchanged one, at 32 bits once in 2^32 comparisons, and a "
               "process in the guest can have the destination keep a page "
               "that differs";
    }
    return "it has no secret key, and collisions are known or can be made, so "
           "that a process in the guest can have the destination keep a page "
           "that differs";
}

uint64_t fake_dirty_tables_size(const char *hash, size_t page_size, bool verify,
                                uint64_t pages)
{
    const fakedirty_algorithm_properties *algorithm =
        fakedirty_algorithm_info(fakedirty_algorithm_find(hash));

    /* What libfakedirty does not have is refused by tables_start(). */
    return algorithm ?
        pages * (algorithm->digest_bytes + (verify ? page_size : 0)) : 0;
}

/* --- One migration ------------------------------------------------------- */

bool fake_dirty_tables_start(const char *hash, size_t page_size, bool verify,
                             Error **errp)
{
    fakedirty_hasher_options options = {
        .size = sizeof(options),
        .algorithm = fakedirty_algorithm_find(hash),
        .page_size = page_size,
    };
    int status;

    if (!tables.hasher) {
        status = fakedirty_hasher_create(&options, &tables.hasher);
        if (status != FAKEDIRTY_OK) {
            error_setg(errp, "fake-dirty-filter: %s",
                       fakedirty_status_text(status));
            return false;
        }
    }
    tables.page_size = page_size;
    tables.verify = verify;
    tables.algorithm = fakedirty_algorithm_info(options.algorithm);
    tables.zero_page = g_malloc0(page_size);
    trace_fake_dirty_tables(hash, page_size, verify,
                            fakedirty_hasher_target(tables.hasher));
    return true;
}

static void block_free(FakeDirtyBlock *block)
{
    fakedirty_table_destroy(block->table);
    g_free(block->name);
    g_free(block);
}

void fake_dirty_tables_stop(void)
{
    FakeDirtyBlock *block, *next;

    g_free(tables.zero_page);
    tables.zero_page = NULL;
    if (fake_dirty_breaks(R5)) {
        return;
    }
    QLIST_FOREACH_SAFE(block, &tables.blocks, next, next) {
        QLIST_REMOVE(block, next);
        block_free(block);
    }
    /* With the last table gone, this wipes the key. */
    fakedirty_hasher_destroy(tables.hasher);
    tables.hasher = NULL;
}

FakeDirtyBlock *fake_dirty_tables_add(const char *name, uint8_t *host,
                                      uint64_t pages, Error **errp)
{
    const void *zero_page = tables.zero_page;
    FakeDirtyBlock *block;
    fakedirty_table *table;
    uint64_t bytes, index = 0;
    uint8_t verdict;
    int status;

    QLIST_FOREACH(block, &tables.blocks, next) {
        if (fake_dirty_breaks(R5) && g_str_equal(block->name, name) &&
            block->pages == pages) {
            return block;
        }
    }
    status = fakedirty_table_create(tables.hasher, pages,
                                    tables.verify ? FAKEDIRTY_TABLE_VERIFY : 0,
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
    QLIST_INSERT_HEAD(&tables.blocks, block, next);
    /* The same in all tables, which have one key. */
    fake_dirty_abort_on_error(fakedirty_look(table, &index, &zero_page, 1,
                                             &verdict,
                                             &tables.zero_fingerprint));

    bytes = fake_dirty_tables_size(tables.algorithm->name, tables.page_size,
                                   tables.verify, pages);
    fake_dirty_stats_add_table(bytes);
    trace_fake_dirty_block(name, pages, bytes);
    return block;
}

/* --- What is in them ----------------------------------------------------- */

const char *fake_dirty_tables_hash(void)
{
    return tables.algorithm->name;
}

uint64_t fake_dirty_tables_bytes(const fakedirty_fingerprint *fingerprint)
{
    bool is_zero = !memcmp(fingerprint, &tables.zero_fingerprint,
                           sizeof(*fingerprint));

    return is_zero ? 1 : tables.page_size;
}

bool fake_dirty_tables_skip_zero_page(FakeDirtyBlock *block,
                                      unsigned long page)
{
    const void *zero_page = tables.zero_page;
    fakedirty_fingerprint fingerprint;
    uint64_t index = page;
    uint8_t verdict;

    fake_dirty_abort_on_error(fakedirty_look(block->table, &index, &zero_page,
                                             1, &verdict, &fingerprint));
    if (verdict == FAKEDIRTY_UNCHANGED) {
        fake_dirty_stats_add_skipped(1, 1);
        return true;
    }
    fake_dirty_stats_add_sent(verdict, 1);
    fake_dirty_abort_on_error(fakedirty_commit(block->table, &index, &zero_page,
                                               &fingerprint, 1));
    return false;
}

void fake_dirty_tables_count_false_skips(void)
{
    FakeDirtyBlock *block;
    uint64_t false_skips = 0;

    if (!tables.verify) {
        return;
    }
    QLIST_FOREACH(block, &tables.blocks, next) {
        fakedirty_table_counts counts;

        fake_dirty_abort_on_error(fakedirty_table_count(block->table, &counts));
        false_skips += counts.false_skips;
    }
    fake_dirty_stats_set_false_skips(false_skips);
}
