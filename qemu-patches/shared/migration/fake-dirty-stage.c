/*
 * The fake dirty filter, stages: private copies of pages that are classified
 * together, and sent from there (R1).
 *
 * This file knows blocks, page numbers and pointers.  The migration thread and
 * the channels call it, each with a stage of its own.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#include "qemu/osdep.h"
#include "qemu/bitmap.h"
#include "qemu/madvise.h"
#include "qemu/timer.h"
#include "qapi/error.h"
#include "migration/fake-dirty-broken.h"
#include "migration/fake-dirty-stage.h"
#include "migration/fake-dirty-stats.h"
#include "migration/fake-dirty-table.h"
#include "trace.h"

struct FakeDirtyStage {
    FakeDirtyBlock *block;
    uint8_t *memory;
    size_t bytes;
    size_t capacity;            /* pages */
    ram_addr_t *unseen;         /* offsets, of pages beside the sample */
    unsigned int unseen_count;  /* of these, in the packet */
    unsigned int count;         /* pages that are staged */
    unsigned int next;          /* none of those before it is asked for again */
    uint64_t *index;            /* ascending */
    const void **sources;
    const void **copies;
    uint8_t *verdicts;
    fakedirty_fingerprint *fingerprints;
};

static size_t page_size;

void fake_dirty_stages_start(size_t size)
{
    page_size = size;
}

FakeDirtyStage *fake_dirty_stage_new(size_t capacity, Error **errp)
{
    size_t bytes = ROUND_UP(capacity * page_size, qemu_real_host_page_size());
    /* Not from the heap, which belongs into a core dump. */
    uint8_t *memory = qemu_anon_ram_alloc(bytes, NULL, false, false);
    FakeDirtyStage *stage;

    if (!memory) {
        error_setg(errp, "fake-dirty-filter: no memory for a stage of %zu "
                   "bytes", bytes);
        return NULL;
    }
    qemu_madvise(memory, bytes, QEMU_MADV_DONTDUMP);
    stage = g_new0(FakeDirtyStage, 1);
    stage->memory = memory;
    stage->bytes = bytes;
    stage->capacity = capacity;
    stage->unseen = g_new0(ram_addr_t, capacity);
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
    qemu_anon_ram_free(stage->memory, stage->bytes);
    g_free(stage->unseen);
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

static void commit(FakeDirtyStage *stage, unsigned int first,
                   unsigned int count)
{
    fake_dirty_tables_known(stage->block, &stage->index[first], count);
    fake_dirty_tables_ok(fakedirty_commit(stage->block->table,
                                          &stage->index[first],
                                          &stage->copies[first],
                                          &stage->fingerprints[first], count));
}

/* The library's verdict on stage->index[0..@count), as they are now. */
static bool ask(FakeDirtyStage *stage, FakeDirtyBlock *block,
                unsigned int count)
{
    static unsigned int calls;
    int status = fakedirty_classify(block->table, stage->index, stage->sources,
                                    count, stage->memory,
                                    stage->capacity * page_size, stage->copies,
                                    stage->verdicts, stage->fingerprints);

    if (fake_dirty_breaks(FAIL) && qatomic_fetch_inc(&calls) % 100 == 99) {
        status = FAKEDIRTY_ERROR_INDEX;
    }
    return fake_dirty_tables_ok(status);
}

/*
 * Copy and classify stage->index[0..@count), and keep in the stage all but the
 * unchanged pages.  dropped(@opaque, page) is called for each of these.  If
 * that fails, nothing is staged.
 */
static FakeDirtyFill classify(FakeDirtyStage *stage, FakeDirtyBlock *block,
                              unsigned int count,
                              void (*dropped)(void *, unsigned long),
                              void *opaque)
{
    FakeDirtyFill fill = {};
    unsigned int kept = 0, i;
    uint64_t bytes_saved = 0;

    for (i = 0; i < count; i++) {
        stage->sources[i] = block->host + stage->index[i] * page_size;
    }
    if (!ask(stage, block, count)) {
        fake_dirty_stage_empty(stage);
        return fill;
    }
    if (fake_dirty_breaks(R1)) {
        g_usleep(100);
    }
    for (i = 0; i < count; i++) {
        if (stage->verdicts[i] == FAKEDIRTY_UNCHANGED) {
            bytes_saved += fake_dirty_tables_bytes(&stage->fingerprints[i]);
            if (dropped) {
                dropped(opaque, stage->index[i]);
            }
            continue;
        }
        if (fake_dirty_breaks(R1)) {
            memcpy((void *)stage->copies[i], stage->sources[i], page_size);
        }
        fill.first += stage->verdicts[i] == FAKEDIRTY_FIRST;
        stage->index[kept] = stage->index[i];
        stage->copies[kept] = stage->copies[i];
        stage->verdicts[kept] = stage->verdicts[i];
        stage->fingerprints[kept] = stage->fingerprints[i];
        kept++;
    }
    stage->block = block;
    stage->count = kept;
    stage->next = 0;
    if (fake_dirty_breaks(R4)) {
        commit(stage, 0, kept);
    }
    fill.checked = count;
    fill.unchanged = count - kept;
    if (fill.unchanged) {
        fake_dirty_stats_add_skipped(fill.unchanged, bytes_saved);
    }
    trace_fake_dirty_classify(block->name, kept ? stage->index[0] : 0, count,
                              fill.unchanged);
    return fill;
}

/* --- The migration thread ------------------------------------------------ */

static void clear_mark(void *opaque, unsigned long page)
{
    clear_bit(page, opaque);
}

/* The first marked page from @page on that is not in @except. */
static unsigned long next_page(const unsigned long *marks,
                               const unsigned long *except, unsigned long end,
                               unsigned long page)
{
    page = find_next_bit(marks, end, page);
    while (except && page < end && test_bit(page, except)) {
        page = find_next_bit(marks, end, find_next_zero_bit(except, end, page));
    }
    return page;
}

FakeDirtyFill fake_dirty_stage_fill(FakeDirtyStage *stage,
                                    FakeDirtyBlock *block,
                                    unsigned long *marks,
                                    const unsigned long *except,
                                    unsigned long page, unsigned long end,
                                    FakeDirtyClearLog *clear_log, void *opaque)
{
    int64_t begin_ns = get_clock();
    unsigned long behind = end;
    unsigned int count = 0;
    FakeDirtyFill fill;
    unsigned int i;

    end = MIN(end, block->pages);
    for (page = next_page(marks, except, end, page);
         page < end && count < stage->capacity;
         page = next_page(marks, except, end, page + 1)) {
        /* R2: whatever is written from here on marks the page again. */
        if (!fake_dirty_breaks(R2) && !fake_dirty_breaks(R2_NEVER)) {
            clear_log(opaque, page);
        }
        stage->index[count++] = page;
        behind = page + 1;
    }
    fill = classify(stage, block, count, clear_mark, marks);
    fill.end = behind;
    if (fake_dirty_breaks(R2) || fake_dirty_breaks(R2_NEVER)) {
        g_usleep(1000);
    }
    if (fake_dirty_breaks(R2)) {
        for (i = 0; i < stage->count; i++) {
            clear_log(opaque, stage->index[i]);
        }
    }
    fill.ns = get_clock() - begin_ns;
    fake_dirty_stats_add_time(fill.ns);
    return fill;
}

static bool seek(FakeDirtyStage *stage, FakeDirtyBlock *block,
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

const uint64_t *fake_dirty_stage_pages(const FakeDirtyStage *stage,
                                       unsigned int *count)
{
    *count = stage->count;
    return stage->index;
}

uint8_t *fake_dirty_stage_page(FakeDirtyStage *stage, FakeDirtyBlock *block,
                               unsigned long page)
{
    return seek(stage, block, page) ?
        (uint8_t *)stage->copies[stage->next] : NULL;
}

void fake_dirty_stage_commit(FakeDirtyStage *stage, FakeDirtyBlock *block,
                             unsigned long page)
{
    if (seek(stage, block, page)) {
        commit(stage, stage->next, 1);
        fake_dirty_stats_add_sent(stage->verdicts[stage->next], 1);
        stage->next++;
    }
}

/* --- The channels -------------------------------------------------------- */

unsigned int fake_dirty_channel_filter(FakeDirtyStage *stage,
                                       FakeDirtyBlock *block, bool sampled,
                                       ram_addr_t *offsets, unsigned int count,
                                       const uint8_t **copies)
{
    int64_t begin_ns = get_clock();
    unsigned int checked = 0, unseen = 0, i;
    int64_t ns;

    assert(count <= stage->capacity);
    for (i = 0; i < count; i++) {
        uint64_t page = offsets[i] / page_size;

        if (!sampled || fake_dirty_in_sample(page)) {
            stage->index[checked++] = page;
        } else {
            stage->unseen[unseen++] = offsets[i];
        }
    }
    classify(stage, block, checked, NULL, NULL);
    for (i = 0; i < stage->count; i++) {
        offsets[i] = stage->index[i] * page_size;
        copies[i] = stage->copies[i];
    }
    for (i = 0; i < unseen; i++) {
        offsets[stage->count + i] = stage->unseen[i];
        copies[stage->count + i] = NULL;
    }
    ns = get_clock() - begin_ns;
    fake_dirty_stats_add_time(ns);
    if (stage->count + unseen) {
        fake_dirty_stats_sending_begin(ns * stage->count / MAX(checked, 1));
    }
    stage->unseen_count = unseen;
    return stage->count + unseen;
}

void fake_dirty_channel_commit(FakeDirtyStage *stage)
{
    unsigned int verdicts[FAKEDIRTY_UNCHANGED] = {};
    unsigned int i;

    if (!stage->count && !stage->unseen_count) {
        return;
    }
    if (stage->count) {
        commit(stage, 0, stage->count);
    }
    fake_dirty_stats_add_channel_packet(stage->count + stage->unseen_count);
    fake_dirty_stats_sending_end();
    for (i = 0; i < stage->count; i++) {
        verdicts[stage->verdicts[i]]++;
    }
    for (i = 0; i < ARRAY_SIZE(verdicts); i++) {
        if (verdicts[i]) {
            fake_dirty_stats_add_sent(i, verdicts[i]);
        }
    }
    fake_dirty_stage_empty(stage);
    stage->unseen_count = 0;
}
