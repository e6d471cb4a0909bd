/*
 * The fake dirty filter: stages, tables and counters.
 *
 * This file knows blocks, page numbers and pointers, and nothing of how
 * migration walks or sends.  Rules R1 to R8: docs/devel/fake-dirty.rst.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#include "qemu/osdep.h"
#include "qemu/bitmap.h"
#include "qemu/memalign.h"
#include "qemu/lockable.h"
#include "qemu/queue.h"
#include "qemu/stats64.h"
#include "qemu/thread.h"
#include "qemu/timer.h"
#include "qapi/error.h"
#include "migration/fake-dirty.h"
#include "migration/fake-dirty-end.h"
#include "trace.h"

#include <fakedirty.h>

struct FakeDirtyBlock {
    char *name;
    uint8_t *host;
    uint64_t pages;
    fakedirty_table *table;
    QLIST_ENTRY(FakeDirtyBlock) next;
};

struct FakeDirtyStage {
    FakeDirtyBlock *block;
    uint8_t *memory;
    size_t capacity;            /* pages */
    unsigned int count;         /* pages that are staged */
    unsigned int next;          /* none of those before it is asked for again */
    unsigned long end;          /* behind the last page of the last fill */
    uint64_t *index;            /* ascending */
    const void **sources;
    const void **copies;
    uint8_t *verdicts;
    fakedirty_fingerprint *fingerprints;
};

/* Added up from the migration thread and the channels. */
typedef struct Counters {
    Stat64 verdicts[FAKEDIRTY_UNCHANGED + 1];
    Stat64 bytes_saved;
    Stat64 time_ns;
} Counters;

static struct {
    bool active;
    bool multifd;
    bool postcopy;
    bool verify;
    size_t page_size;
    fakedirty_hasher *hasher;
    const fakedirty_algorithm_properties *algorithm;
    QLIST_HEAD(, FakeDirtyBlock) blocks;
    FakeDirtyStage *stage;
    uint8_t *zero_page;
    fakedirty_fingerprint zero_fingerprint;

    /* Of the migration thread alone. */
    unsigned int breath;        /* pages skipped since the last air */
    uint64_t sent_before;       /* by the channels, at the last call */
} filter = { .blocks = QLIST_HEAD_INITIALIZER(filter.blocks) };

/* What outlives a migration (R5). */
static struct {
    bool present;
    const char *hash;
    bool verify;
    Counters counters;
    Stat64 table_bytes;
    Stat64 false_skips;
    Stat64 sent;                /* by the channels */
} stats;

/* When channels are sending, whichever; under the lock. */
static struct {
    unsigned int busy;
    int64_t since_ns;
    int64_t until_ns;
    int64_t total_ns;
} sending;

static QemuMutex sending_lock;

static void __attribute__((constructor)) sending_lock_init(void)
{
    qemu_mutex_init(&sending_lock);
}

/* The time for pages that are sent is part of what sending takes. */
static void sending_begin(int64_t kept_ns)
{
    QEMU_LOCK_GUARD(&sending_lock);

    if (!sending.busy++) {
        sending.since_ns = MAX(get_clock() - kept_ns, sending.until_ns);
    }
}

static void sending_end(void)
{
    QEMU_LOCK_GUARD(&sending_lock);

    if (!--sending.busy) {
        sending.until_ns = get_clock();
        sending.total_ns += sending.until_ns - sending.since_ns;
    }
}

static int64_t sending_ns(void)
{
    QEMU_LOCK_GUARD(&sending_lock);

    return sending.total_ns +
           (sending.busy ? get_clock() - sending.since_ns : 0);
}

void fake_dirty_counts(FakeDirtyCounts *counts)
{
    const Stat64 *verdicts = stats.counters.verdicts;

    counts->first = stat64_get(&verdicts[FAKEDIRTY_FIRST]);
    counts->zero = stat64_get(&verdicts[FAKEDIRTY_ZERO]);
    counts->changed = stat64_get(&verdicts[FAKEDIRTY_CHANGED]);
    counts->unchanged = stat64_get(&verdicts[FAKEDIRTY_UNCHANGED]);
    counts->bytes_saved = stat64_get(&stats.counters.bytes_saved);
    counts->time_ns = stat64_get(&stats.counters.time_ns);
    counts->sending_ns = sending_ns();
}

/* The arguments are ours: an error would be a mistake of this file. */
static void must_succeed(int status)
{
    if (status != FAKEDIRTY_OK) {
        error_setg(&error_abort, "fake dirty filter: %s",
                   fakedirty_status_text(status));
    }
}

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
    filter.stage = fake_dirty_stage_new(options->stage_pages, errp);
    if (!filter.stage) {
        fake_dirty_hasher_free();
        return false;
    }
    filter.zero_page = g_malloc0(options->page_size);
    filter.algorithm = fakedirty_algorithm_info(hasher_options.algorithm);
    filter.verify = options->verify;
    filter.multifd = options->multifd;
    filter.postcopy = false;
    filter.breath = 0;
    filter.sent_before = 0;

    memset(&stats, 0, sizeof(stats));
    memset(&sending, 0, sizeof(sending));
    stats.present = true;
    stats.hash = filter.algorithm->name;
    stats.verify = options->verify;
    fake_dirty_end_start(options->page_size);

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
    const void *zero_page = filter.zero_page;
    uint64_t bytes;
    uint64_t index = 0;
    uint8_t verdict;
    int status;

    QLIST_FOREACH(block, &filter.blocks, next) {
        if (FAKE_DIRTY_BROKEN_R5 && g_str_equal(block->name, name) &&
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
    must_succeed(fakedirty_look(table, &index, &zero_page, 1, &verdict,
                                &filter.zero_fingerprint));

    block = g_new0(FakeDirtyBlock, 1);
    block->name = g_strdup(name);
    block->host = host;
    block->pages = pages;
    block->table = table;
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

        must_succeed(fakedirty_table_count(block->table, &counts));
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
    g_free(filter.zero_page);
    filter.zero_page = NULL;
    trace_fake_dirty_stop();
    if (FAKE_DIRTY_BROKEN_R5) {
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
    if (filter.active && !FAKE_DIRTY_BROKEN_R3) {
        fake_dirty_stage_empty(filter.stage);
        fake_dirty_breathe();
        filter.postcopy = true;
    }
}

void fake_dirty_restart(void)
{
    if (filter.active && !FAKE_DIRTY_BROKEN_RESTART) {
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

/* --- Stages -------------------------------------------------------------- */

FakeDirtyStage *fake_dirty_stage_new(size_t capacity, Error **errp)
{
    size_t bytes = capacity * filter.page_size;
    uint8_t *memory = qemu_try_memalign(qemu_real_host_page_size(), bytes);
    FakeDirtyStage *stage;

    if (!memory) {
        error_setg(errp, "fake-dirty-filter: no memory for a stage of %zu "
                   "bytes", bytes);
        return NULL;
    }
    stage = g_new0(FakeDirtyStage, 1);
    stage->memory = memory;
    stage->capacity = capacity;
    stage->index = g_new0(uint64_t, capacity);
    stage->sources = g_new0(const void *, capacity);
    stage->copies = g_new0(const void *, capacity);
    stage->verdicts = g_new0(uint8_t, capacity);
    stage->fingerprints = g_new0(fakedirty_fingerprint, capacity);
    return stage;
}

void fake_dirty_stage_free(FakeDirtyStage *stage)
{
    if (!stage) {
        return;
    }
    qemu_vfree(stage->memory);
    g_free(stage->index);
    g_free(stage->sources);
    g_free(stage->copies);
    g_free(stage->verdicts);
    g_free(stage->fingerprints);
    g_free(stage);
}

void fake_dirty_stage_empty(FakeDirtyStage *stage)
{
    stage->count = 0;
    stage->next = 0;
    stage->block = NULL;
}

/* What sending a page again would have cost on the wire. */
static uint64_t bytes_saved(const fakedirty_fingerprint *fingerprint)
{
    bool is_zero = !memcmp(fingerprint, &filter.zero_fingerprint,
                           sizeof(*fingerprint));

    return is_zero ? 1 : filter.page_size;
}

/*
 * Copy and classify stage->index[0..@count), and keep in the stage what is
 * not unchanged.  dropped(@opaque, page) is called for each of the others.
 */
static unsigned long stage_classify(FakeDirtyStage *stage,
                                    FakeDirtyBlock *block, unsigned int count,
                                    void (*dropped)(void *, unsigned long),
                                    void *opaque)
{
    unsigned int kept = 0;
    unsigned long unchanged = 0;
    uint64_t saved = 0;
    unsigned int i;

    for (i = 0; i < count; i++) {
        stage->sources[i] = block->host + stage->index[i] * filter.page_size;
    }
    must_succeed(fakedirty_classify(block->table, stage->index, stage->sources,
                                    count, stage->memory,
                                    stage->capacity * filter.page_size,
                                    stage->copies, stage->verdicts,
                                    stage->fingerprints));
    if (FAKE_DIRTY_BROKEN_R1) {
        g_usleep(100);
    }
    for (i = 0; i < count; i++) {
        if (stage->verdicts[i] == FAKEDIRTY_UNCHANGED) {
            saved += bytes_saved(&stage->fingerprints[i]);
            unchanged++;
            if (dropped) {
                dropped(opaque, stage->index[i]);
            }
            continue;
        }
        if (FAKE_DIRTY_BROKEN_R1) {
            memcpy((void *)stage->copies[i], stage->sources[i],
                   filter.page_size);
        }
        stage->index[kept] = stage->index[i];
        stage->copies[kept] = stage->copies[i];
        stage->verdicts[kept] = stage->verdicts[i];
        stage->fingerprints[kept] = stage->fingerprints[i];
        kept++;
    }
    stage->block = block;
    stage->count = kept;
    stage->next = 0;
    if (FAKE_DIRTY_BROKEN_R4) {
        must_succeed(fakedirty_commit(block->table, stage->index,
                                      stage->copies, stage->fingerprints,
                                      kept));
    }
    if (unchanged) {
        stat64_add(&stats.counters.verdicts[FAKEDIRTY_UNCHANGED], unchanged);
        stat64_add(&stats.counters.bytes_saved, saved);
    }
    trace_fake_dirty_classify(block->name, kept ? stage->index[0] : 0, count,
                              unchanged);
    return unchanged;
}

static void clear_mark(void *opaque, unsigned long page)
{
    clear_bit(page, opaque);
}

unsigned long fake_dirty_stage_fill(FakeDirtyStage *stage,
                                    FakeDirtyBlock *block,
                                    unsigned long *marks,
                                    unsigned long page, unsigned long end,
                                    FakeDirtyClearLog *clear_log, void *opaque)
{
    int64_t begin_ns = get_clock();
    unsigned long unchanged;
    unsigned int count = 0;
    unsigned int i;
    int64_t ns;

    end = MIN(end, block->pages);
    for (page = find_next_bit(marks, end, page);
         page < end && count < stage->capacity;
         page = find_next_bit(marks, end, page + 1)) {
        /* R2: whatever is written from here on marks the page again. */
        if (!FAKE_DIRTY_BROKEN_R2) {
            clear_log(opaque, page);
        }
        stage->index[count++] = page;
        stage->end = page + 1;
    }
    unchanged = stage_classify(stage, block, count, clear_mark, marks);
    if (FAKE_DIRTY_BROKEN_R2) {
        g_usleep(100);
        for (i = 0; i < stage->count; i++) {
            clear_log(opaque, stage->index[i]);
        }
    }
    filter.breath += unchanged;

    ns = get_clock() - begin_ns;
    fake_dirty_end_filtered(ns, count, unchanged);
    stat64_add(&stats.counters.time_ns, ns);
    return unchanged;
}

unsigned int fake_dirty_stage_kept(FakeDirtyStage *stage)
{
    return stage->count;
}

unsigned long fake_dirty_stage_end(FakeDirtyStage *stage)
{
    return stage->end;
}

static bool stage_seek(FakeDirtyStage *stage, FakeDirtyBlock *block,
                       unsigned long page)
{
    if (stage->block != block) {
        return false;
    }
    while (stage->next < stage->count && stage->index[stage->next] < page) {
        stage->next++;
    }
    return stage->next < stage->count && stage->index[stage->next] == page;
}

uint8_t *fake_dirty_stage_page(FakeDirtyStage *stage, FakeDirtyBlock *block,
                               unsigned long page)
{
    return stage_seek(stage, block, page) ?
        (uint8_t *)stage->copies[stage->next] : NULL;
}

void fake_dirty_stage_commit(FakeDirtyStage *stage, FakeDirtyBlock *block,
                             unsigned long page)
{
    unsigned int i;

    if (!stage_seek(stage, block, page)) {
        return;
    }
    i = stage->next++;
    must_succeed(fakedirty_commit(block->table, &stage->index[i],
                                  &stage->copies[i], &stage->fingerprints[i],
                                  1));
    stat64_add(&stats.counters.verdicts[stage->verdicts[i]], 1);
}

unsigned int fake_dirty_channel_filter(FakeDirtyStage *stage,
                                       FakeDirtyBlock *block,
                                       ram_addr_t *offsets, unsigned int count,
                                       const uint8_t **copies)
{
    int64_t begin_ns = get_clock();
    unsigned int i;
    int64_t ns;

    assert(count <= stage->capacity);
    for (i = 0; i < count; i++) {
        stage->index[i] = offsets[i] / filter.page_size;
    }
    stage_classify(stage, block, count, NULL, NULL);
    for (i = 0; i < stage->count; i++) {
        offsets[i] = stage->index[i] * filter.page_size;
        copies[i] = stage->copies[i];
    }
    ns = get_clock() - begin_ns;
    stat64_add(&stats.counters.time_ns, ns);
    if (stage->count) {
        sending_begin(ns * stage->count / count);
    }
    return stage->count;
}

void fake_dirty_channel_commit(FakeDirtyStage *stage)
{
    unsigned int verdicts[FAKEDIRTY_UNCHANGED + 1] = {};
    unsigned int i;

    if (!stage->count) {
        return;
    }
    must_succeed(fakedirty_commit(stage->block->table, stage->index,
                                  stage->copies, stage->fingerprints,
                                  stage->count));
    stat64_add(&stats.sent, stage->count);
    sending_end();
    for (i = 0; i < stage->count; i++) {
        verdicts[stage->verdicts[i]]++;
    }
    for (i = 0; i < ARRAY_SIZE(verdicts); i++) {
        if (verdicts[i]) {
            stat64_add(&stats.counters.verdicts[i], verdicts[i]);
        }
    }
    fake_dirty_stage_empty(stage);
}

bool fake_dirty_zero_page(FakeDirtyBlock *block, unsigned long page)
{
    const void *zero_page = filter.zero_page;
    fakedirty_fingerprint fingerprint;
    uint64_t index = page;
    uint8_t verdict;

    if (!block || !fake_dirty_in_channels() || FAKE_DIRTY_BROKEN_R4_ZERO) {
        return false;
    }
    must_succeed(fakedirty_look(block->table, &index, &zero_page, 1, &verdict,
                                &fingerprint));
    stat64_add(&stats.counters.verdicts[verdict], 1);
    if (verdict == FAKEDIRTY_UNCHANGED) {
        stat64_add(&stats.counters.bytes_saved, 1);
        filter.breath++;
        return true;
    }
    must_succeed(fakedirty_commit(block->table, &index, &zero_page,
                                  &fingerprint, 1));
    return false;
}

uint64_t fake_dirty_channels_sent(void)
{
    uint64_t sent = stat64_get(&stats.sent) - filter.sent_before;

    filter.sent_before += sent;
    return sent;
}

/* --- A long way without sending ------------------------------------------ */

bool fake_dirty_needs_air(void)
{
    return filter.breath >= FAKE_DIRTY_BREATH_PAGES && !FAKE_DIRTY_BROKEN_AIR;
}

void fake_dirty_breathe(void)
{
    filter.breath = 0;
}

/* --- Syncs, and the report ------------------------------------------------ */

void fake_dirty_sync_begin(void)
{
    if (!filter.active) {
        return;
    }
    /* A newer mark would merge with that of a staged page, and go with it. */
    if (!FAKE_DIRTY_BROKEN_SYNC) {
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
