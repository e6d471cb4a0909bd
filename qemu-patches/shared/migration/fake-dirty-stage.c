/*
 * The fake dirty filter: stages, what is in them, and the counters.
 *
 * This file knows blocks, page numbers and pointers.  It is called by the
 * migration thread and, each with a stage of its own, by the channels.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#include "qemu/osdep.h"
#include "qemu/bitmap.h"
#include "qemu/memalign.h"
#include "qemu/stats64.h"
#include "qemu/timer.h"
#include "qapi/error.h"
#include "migration/fake-dirty.h"
#include "migration/fake-dirty-end.h"
#include "migration/fake-dirty-stage.h"
#include "trace.h"

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

/* Of one migration. */
static struct {
    size_t size;
    uint8_t *zero_page;
    fakedirty_fingerprint zero_fingerprint;

    /* Of the migration thread alone. */
    unsigned int breath;        /* skipped since the last air */
    uint64_t sent_before;       /* by the channels, at the last call */
} pages;

/* Added up from the migration thread and the channels; outlive it (R5). */
static struct {
    Stat64 verdicts[FAKEDIRTY_UNCHANGED + 1];
    Stat64 bytes_saved;
    Stat64 time_ns;
    Stat64 sent;                /* by the channels */
} counters;

void fake_dirty_stages_start(size_t page_size)
{
    memset(&pages, 0, sizeof(pages));
    memset(&counters, 0, sizeof(counters));
    pages.size = page_size;
    pages.zero_page = g_malloc0(page_size);
}

void fake_dirty_stages_stop(void)
{
    g_free(pages.zero_page);
    pages.zero_page = NULL;
}

void fake_dirty_stages_add(FakeDirtyBlock *block)
{
    const void *zero_page = pages.zero_page;
    uint64_t index = 0;
    uint8_t verdict;

    fake_dirty_must(fakedirty_look(block->table, &index, &zero_page, 1,
                                   &verdict, &pages.zero_fingerprint));
}

void fake_dirty_counts(FakeDirtyCounts *counts)
{
    const Stat64 *verdicts = counters.verdicts;

    counts->first = stat64_get(&verdicts[FAKEDIRTY_FIRST]);
    counts->zero = stat64_get(&verdicts[FAKEDIRTY_ZERO]);
    counts->changed = stat64_get(&verdicts[FAKEDIRTY_CHANGED]);
    counts->unchanged = stat64_get(&verdicts[FAKEDIRTY_UNCHANGED]);
    counts->bytes_saved = stat64_get(&counters.bytes_saved);
    counts->time_ns = stat64_get(&counters.time_ns);
    counts->sending_ns = fake_dirty_sending_ns();
}

/* --- Stages -------------------------------------------------------------- */

FakeDirtyStage *fake_dirty_stage_new(size_t capacity, Error **errp)
{
    size_t bytes = capacity * pages.size;
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
    bool is_zero = !memcmp(fingerprint, &pages.zero_fingerprint,
                           sizeof(*fingerprint));

    return is_zero ? 1 : pages.size;
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
        stage->sources[i] = block->host + stage->index[i] * pages.size;
    }
    fake_dirty_must(fakedirty_classify(block->table, stage->index,
                                       stage->sources, count, stage->memory,
                                       stage->capacity * pages.size,
                                       stage->copies, stage->verdicts,
                                       stage->fingerprints));
    if (fake_dirty_breaks(R1)) {
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
        if (fake_dirty_breaks(R1)) {
            memcpy((void *)stage->copies[i], stage->sources[i],
                   pages.size);
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
        fake_dirty_must(fakedirty_commit(block->table, stage->index,
                                         stage->copies, stage->fingerprints,
                                         kept));
    }
    if (unchanged) {
        stat64_add(&counters.verdicts[FAKEDIRTY_UNCHANGED], unchanged);
        stat64_add(&counters.bytes_saved, saved);
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
        if (!fake_dirty_breaks(R2)) {
            clear_log(opaque, page);
        }
        stage->index[count++] = page;
        stage->end = page + 1;
    }
    unchanged = stage_classify(stage, block, count, clear_mark, marks);
    if (fake_dirty_breaks(R2)) {
        g_usleep(100);
        for (i = 0; i < stage->count; i++) {
            clear_log(opaque, stage->index[i]);
        }
    }
    pages.breath += unchanged;

    ns = get_clock() - begin_ns;
    fake_dirty_end_filtered(ns, count, unchanged);
    stat64_add(&counters.time_ns, ns);
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
    fake_dirty_must(fakedirty_commit(block->table, &stage->index[i],
                                     &stage->copies[i], &stage->fingerprints[i],
                                     1));
    stat64_add(&counters.verdicts[stage->verdicts[i]], 1);
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
        stage->index[i] = offsets[i] / pages.size;
    }
    stage_classify(stage, block, count, NULL, NULL);
    for (i = 0; i < stage->count; i++) {
        offsets[i] = stage->index[i] * pages.size;
        copies[i] = stage->copies[i];
    }
    ns = get_clock() - begin_ns;
    stat64_add(&counters.time_ns, ns);
    if (stage->count) {
        fake_dirty_sending_begin(ns * stage->count / count);
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
    fake_dirty_must(fakedirty_commit(stage->block->table, stage->index,
                                     stage->copies, stage->fingerprints,
                                     stage->count));
    stat64_add(&counters.sent, stage->count);
    fake_dirty_sending_end();
    for (i = 0; i < stage->count; i++) {
        verdicts[stage->verdicts[i]]++;
    }
    for (i = 0; i < ARRAY_SIZE(verdicts); i++) {
        if (verdicts[i]) {
            stat64_add(&counters.verdicts[i], verdicts[i]);
        }
    }
    fake_dirty_stage_empty(stage);
}

bool fake_dirty_zero_page(FakeDirtyBlock *block, unsigned long page)
{
    const void *zero_page = pages.zero_page;
    fakedirty_fingerprint fingerprint;
    uint64_t index = page;
    uint8_t verdict;

    if (!block || !fake_dirty_in_channels() || fake_dirty_breaks(R4_ZERO)) {
        return false;
    }
    fake_dirty_must(fakedirty_look(block->table, &index, &zero_page, 1,
                                   &verdict, &fingerprint));
    stat64_add(&counters.verdicts[verdict], 1);
    if (verdict == FAKEDIRTY_UNCHANGED) {
        stat64_add(&counters.bytes_saved, 1);
        pages.breath++;
        return true;
    }
    fake_dirty_must(fakedirty_commit(block->table, &index, &zero_page,
                                     &fingerprint, 1));
    return false;
}

uint64_t fake_dirty_channels_sent(void)
{
    uint64_t sent = stat64_get(&counters.sent) - pages.sent_before;

    pages.sent_before += sent;
    return sent;
}

/* --- A long way without sending ------------------------------------------ */

bool fake_dirty_needs_air(void)
{
    return pages.breath >= FAKE_DIRTY_BREATH_PAGES &&
           !fake_dirty_breaks(SKIP_BUDGET);
}

void fake_dirty_breathe(void)
{
    pages.breath = 0;
}
