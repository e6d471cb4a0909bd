/*
 * What the files of the fake dirty filter tell each other: fake-dirty-stage.c
 * counts, fake-dirty-end.c makes of it the figures by which a migration ends.
 * Nobody else includes this.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#ifndef QEMU_MIGRATION_FAKE_DIRTY_END_H
#define QEMU_MIGRATION_FAKE_DIRTY_END_H

#include "qemu/stats64.h"
#include "qemu/timer.h"
#include "migration/fake-dirty.h"

/* For figures that have one writer at a time. */
static inline void fake_dirty_figure_set(Stat64 *figure, uint64_t value)
{
    stat64_add(figure, value - stat64_get(figure));
}

/* In doubles: nanoseconds of a few seconds are more than 32 bits. */
static inline uint64_t fake_dirty_per_second(uint64_t count, int64_t ns)
{
    return count * (double)NANOSECONDS_PER_SECOND / MAX(ns, 1);
}

/* Told by fake-dirty-stage.c: what has been counted since the start. */
void fake_dirty_counts(FakeDirtyCounts *counts);

/* Told by fake-dirty-end.c, to those two alone. */

/* A migration starts: no figure of the one before is left (R5). */
void fake_dirty_end_start(size_t page_size);
/* The migration thread filtered @checked pages, which took @ns. */
void fake_dirty_end_filtered(int64_t ns, unsigned int checked,
                             unsigned int unchanged);
/* A channel begins to send, having prepared for @kept_ns, and has sent. */
void fake_dirty_sending_begin(int64_t kept_ns);
void fake_dirty_sending_end(void);
/* So long one channel or more has been sending. */
int64_t fake_dirty_sending_ns(void);
/* Around the bitmap sync; @pass is its number. */
void fake_dirty_end_sync_begin(void);
void fake_dirty_end_sync_end(uint64_t pass);
/* The figures and passes of the report. */
void fake_dirty_end_report(FakeDirtyReport *report);

#endif
