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
#include "qemu/memalign.h"
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
    size_t capacity;            /* pages */
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
    size_t bytes = capacity * page_size;
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

static void commit(FakeDirtyStage *stage, unsigned int first,
                   unsigned int count)
{
    fake_dirty_abort_on_error(fakedirty_commit(stage->block->table,
                                               &stage->index[first],
                                               &stage->copies[first],
                                               &stage->fingerprints[first],
                                               count));
}

/*
 * Copy and classify stage->index[0..@count), and keep in the stage all but the
 * unchanged pages.  dropped(@opaque, page) is called for each of these.
 */
static unsigned int classify(FakeDirtyStage *stage, FakeDirtyBlock *block,
                             unsigned int count,
                             void (*dropped)(void *, unsigned long),
                             void *opaque)
{
    unsigned int kept = 0, unchanged, i;
    uint64_t bytes_saved = 0;

    for (i = 0; i < count; i++) {
        stage->sources[i] = block->host + stage->index[i] * page_size;
    }
    fake_dirty_abort_on_error(fakedirty_classify(block->table, stage->index,
                                                 stage->sources, count,
                                                 stage->memory,
                                                 stage->capacity * page_size,
                                                 stage->copies,
                                                 stage->verdicts,
                                                 stage->fingerprints));
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
    unchanged = count - kept;
    if (unchanged) {
        fake_dirty_stats_add_skipped(unchanged, bytes_saved);
    }
    trace_fake_dirty_classify(block->name, kept ? stage->index[0] : 0, count,
                              unchanged);
    return unchanged;
}

/* --- The migration thread ------------------------------------------------ */

static void clear_mark(void *opaque, unsigned long page)
{
    clear_bit(page, opaque);
}

FakeDirtyFill fake_dirty_stage_fill(FakeDirtyStage *stage,
                                    FakeDirtyBlock *block,
                                    unsigned long *marks,
                                    unsigned long page, unsigned long end,
                                    FakeDirtyClearLog *clear_log, void *opaque)
{
    int64_t begin_ns = get_clock();
    FakeDirtyFill fill = {};
    unsigned int i;

    end = MIN(end, block->pages);
    for (page = find_next_bit(marks, end, page);
         page < end && fill.checked < stage->capacity;
         page = find_next_bit(marks, end, page + 1)) {
        /* R2: whatever is written from here on marks the page again. */
        if (!fake_dirty_breaks(R2) && !fake_dirty_breaks(R2_NEVER)) {
            clear_log(opaque, page);
        }
        stage->index[fill.checked++] = page;
        fill.end = page + 1;
    }
    fill.unchanged = classify(stage, block, fill.checked, clear_mark, marks);
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
                                       FakeDirtyBlock *block,
                                       ram_addr_t *offsets, unsigned int count,
                                       const uint8_t **copies)
{
    int64_t begin_ns = get_clock();
    unsigned int i;
    int64_t ns;

    assert(count <= stage->capacity);
    for (i = 0; i < count; i++) {
        stage->index[i] = offsets[i] / page_size;
    }
    classify(stage, block, count, NULL, NULL);
    for (i = 0; i < stage->count; i++) {
        offsets[i] = stage->index[i] * page_size;
        copies[i] = stage->copies[i];
    }
    ns = get_clock() - begin_ns;
    fake_dirty_stats_add_time(ns);
    if (stage->count) {
        fake_dirty_stats_sending_begin(ns * stage->count / count);
    }
    return stage->count;
}

void fake_dirty_channel_commit(FakeDirtyStage *stage)
{
    unsigned int verdicts[FAKEDIRTY_UNCHANGED] = {};
    unsigned int i;

    if (!stage->count) {
        return;
    }
    commit(stage, 0, stage->count);
    fake_dirty_stats_add_channel_pages(stage->count);
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
}
