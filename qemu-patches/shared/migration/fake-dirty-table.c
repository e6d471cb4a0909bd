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
#include "qemu/bitmap.h"
#include "qemu/thread.h"
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
    int status;                 /* the first error */
} tables = { .blocks = QLIST_HEAD_INITIALIZER(tables.blocks) };

bool fake_dirty_tables_ok(int status)
{
    if (status == FAKEDIRTY_OK) {
        return true;
    }
    qatomic_cmpxchg(&tables.status, FAKEDIRTY_OK, status);
    return false;
}

bool fake_dirty_tables_failed(Error **errp)
{
    int status = qatomic_read(&tables.status);

    if (status == FAKEDIRTY_OK) {
        return false;
    }
    error_setg(errp, "fake-dirty-filter: a call of libfakedirty failed, and it "
               "is not known any more what the destination holds: %s",
               fakedirty_status_text(status));
    return true;
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
    uint64_t bytes;

    /* What libfakedirty does not have is refused by tables_start(). */
    if (fakedirty_table_bytes(fakedirty_algorithm_find(hash), page_size, pages,
                              verify ? FAKEDIRTY_TABLE_VERIFY : 0,
                              &bytes) != FAKEDIRTY_OK) {
        return 0;
    }
    return bytes;
}

/* --- One migration ------------------------------------------------------- */

/* What is left of a migration. */
typedef struct Leftovers {
    fakedirty_hasher *hasher;
    QLIST_HEAD(, FakeDirtyBlock) blocks;
} Leftovers;

/*
 * The tables of a large guest, and the copies of a verified one all the more,
 * take the kernel seconds.  The guest may be about to go on, and its vCPUs wait
 * for the big lock, which the caller holds.
 */
static struct {
    QemuSemaphore done;
    bool started;
} giving_back;

static void __attribute__((constructor)) giving_back_init(void)
{
    qemu_sem_init(&giving_back.done, 0);
}

static void giving_back_wait(void)
{
    if (giving_back.started) {
        qemu_sem_wait(&giving_back.done);
        giving_back.started = false;
    }
}

static void *give_back(void *opaque)
{
    Leftovers *leftovers = opaque;
    FakeDirtyBlock *block, *next;

    QLIST_FOREACH_SAFE(block, &leftovers->blocks, next, next) {
        fakedirty_table_destroy(block->table);
        g_free(block->looked_at);
        g_free(block->unknown);
        g_free(block->name);
        g_free(block);
    }
    /* With the last table gone, this wipes the key. */
    fakedirty_hasher_destroy(leftovers->hasher);
    g_free(leftovers);
    qemu_sem_post(&giving_back.done);
    return NULL;
}

bool fake_dirty_tables_start(const char *hash, size_t page_size, bool verify,
                             Error **errp)
{
    fakedirty_hasher_options options = {
        .size = sizeof(options),
        .algorithm = fakedirty_algorithm_find(hash),
        .page_size = page_size,
    };
    int status;

    /* Memory is not taken twice. */
    giving_back_wait();
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
    tables.status = FAKEDIRTY_OK;
    tables.algorithm = fakedirty_algorithm_info(options.algorithm);
    tables.zero_page = g_malloc0(page_size);
    trace_fake_dirty_tables(hash, page_size, verify,
                            fakedirty_hasher_target(tables.hasher));
    return true;
}

void fake_dirty_tables_stop(void)
{
    Leftovers *leftovers;
    FakeDirtyBlock *block, *next;
    QemuThread thread;

    g_free(tables.zero_page);
    tables.zero_page = NULL;
    if (fake_dirty_breaks(R5)) {
        return;
    }
    leftovers = g_new0(Leftovers, 1);
    leftovers->hasher = tables.hasher;
    tables.hasher = NULL;
    QLIST_FOREACH_SAFE(block, &tables.blocks, next, next) {
        QLIST_REMOVE(block, next);
        QLIST_INSERT_HEAD(&leftovers->blocks, block, next);
    }
    giving_back_wait();
    giving_back.started = true;
    qemu_thread_create(&thread, "fake-dirty-free", give_back, leftovers,
                       QEMU_THREAD_DETACHED);
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
    block->looked_at = bitmap_try_new(pages);
    block->unknown = bitmap_try_new(DIV_ROUND_UP(pages,
                                                 FAKE_DIRTY_GROUP_PAGES));
    QLIST_INSERT_HEAD(&tables.blocks, block, next);
    if (!block->looked_at || !block->unknown) {
        error_setg(errp, "fake-dirty-filter: no memory for the bitmaps of RAM "
                   "block '%s'", name);
        return NULL;
    }
    bitmap_fill(block->unknown, DIV_ROUND_UP(pages, FAKE_DIRTY_GROUP_PAGES));
    /* The same in all tables, which have one key. */
    fake_dirty_tables_ok(fakedirty_check(table, &index, &zero_page, 1, &verdict,
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

    if (!fake_dirty_tables_ok(fakedirty_check(block->table, &index, &zero_page,
                                              1, &verdict, &fingerprint))) {
        return false;
    }
    if (verdict == FAKEDIRTY_UNCHANGED) {
        fake_dirty_stats_add_skipped(1, 1);
        return true;
    }
    fake_dirty_stats_add_sent(verdict, 1);
    fake_dirty_tables_known(block, &index, 1);
    fake_dirty_tables_ok(fakedirty_commit(block->table, &index, &zero_page,
                                          &fingerprint, 1));
    return false;
}

static bool group_unknown(FakeDirtyBlock *block, unsigned long group)
{
    return qatomic_read(&block->unknown[BIT_WORD(group)]) & BIT_MASK(group);
}

void fake_dirty_tables_forget(FakeDirtyBlock *block, unsigned long page)
{
    unsigned long group = page / FAKE_DIRTY_GROUP_PAGES;
    uint64_t first = group * FAKE_DIRTY_GROUP_PAGES;

    if (!group_unknown(block, group) && !fake_dirty_breaks(UNSEEN)) {
        fake_dirty_tables_ok(fakedirty_table_invalidate(
            block->table, first,
            MIN(FAKE_DIRTY_GROUP_PAGES, block->pages - first)));
        set_bit_atomic(group, block->unknown);
    }
}

void fake_dirty_tables_known(FakeDirtyBlock *block, const uint64_t *pages,
                             unsigned int count)
{
    unsigned int i;

    for (i = 0; i < count; i++) {
        unsigned long group = pages[i] / FAKE_DIRTY_GROUP_PAGES;

        if (group_unknown(block, group)) {
            qatomic_and(&block->unknown[BIT_WORD(group)], ~BIT_MASK(group));
        }
    }
}

void fake_dirty_tables_look_begin(void)
{
    FakeDirtyBlock *block;

    QLIST_FOREACH(block, &tables.blocks, next) {
        bitmap_zero(block->looked_at, block->pages);
    }
}

void fake_dirty_tables_count_false_skips(void)
{
    FakeDirtyBlock *block;
    uint64_t false_skips = 0;

    QLIST_FOREACH(block, &tables.blocks, next) {
        false_skips += fakedirty_table_false_skips(block->table);
    }
    fake_dirty_stats_set_false_skips(false_skips);
}
