/*
 * The fake dirty filter, statistics: what was counted and measured.
 *
 * The lowest layer; see the list in fake-dirty.c.  The migration thread and
 * the channels write it, and anybody may ask for a report.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#ifndef QEMU_MIGRATION_FAKE_DIRTY_STATS_H
#define QEMU_MIGRATION_FAKE_DIRTY_STATS_H

/* How many of the last passes are remembered. */
#define FAKE_DIRTY_PASSES 16

typedef struct FakeDirtyCounts {
    uint64_t checked;           /* the sum of the next four */
    uint64_t first;
    uint64_t zero;
    uint64_t changed;
    uint64_t unchanged;
    uint64_t unseen;            /* sent without having been checked */
    uint64_t bytes_saved;
    uint64_t time_ns;
    uint64_t sending_ns;        /* in which at least one channel was sending */
} FakeDirtyCounts;

typedef struct FakeDirtyPassCounts {
    uint64_t pass;              /* the dirty-sync-count of its last sync */
    FakeDirtyCounts counts;
} FakeDirtyPassCounts;

typedef struct FakeDirtyReport {
    const char *hash;
    bool verify;
    uint64_t table_bytes;
    uint64_t false_skips;
    uint64_t bandwidth;             /* of the link, in bytes per second */
    uint64_t changed_pages_rate;    /* pages per second, in the last pass */
    FakeDirtyCounts counts;
    unsigned int nr_passes;         /* oldest first */
    FakeDirtyPassCounts passes[FAKE_DIRTY_PASSES];
} FakeDirtyReport;

/* A migration starts: no count of the one before is left (R5). */
void fake_dirty_stats_start(const char *hash, bool verify);

/* --- Counting, from any thread ------------------------------------------- */

/* @verdict is FAKEDIRTY_FIRST, FAKEDIRTY_ZERO or FAKEDIRTY_CHANGED. */
void fake_dirty_stats_add_sent(int verdict, unsigned int pages);
/* @bytes: what sending the unchanged pages again would have cost. */
void fake_dirty_stats_add_skipped(unsigned int pages, uint64_t bytes);
/* A page was sent without having been checked. */
void fake_dirty_stats_add_unseen(unsigned int pages);
/* Time spent in the filter. */
void fake_dirty_stats_add_time(int64_t ns);

/* A channel has sent a packet with this many pages. */
void fake_dirty_stats_add_channel_packet(unsigned int pages);
/* How many pages, and in how many packets, since the last call. */
uint64_t fake_dirty_stats_take_channel_pages(uint64_t *packets);

/*
 * A channel begins to send, having prepared for @preparing_ns what it sends:
 * that is part of sending.
 */
void fake_dirty_stats_sending_begin(int64_t preparing_ns);
void fake_dirty_stats_sending_end(void);

/* --- Figures that have one writer ---------------------------------------- */

void fake_dirty_stats_add_table(uint64_t bytes);
void fake_dirty_stats_set_false_skips(uint64_t pages);
void fake_dirty_stats_set_bandwidth(uint64_t bytes_per_second);

/* --- Passes, by the migration thread ------------------------------------- */

void fake_dirty_stats_first_pass(void);
/* The sync number @pass ends a pass that took @ns, and begins the next. */
void fake_dirty_stats_next_pass(uint64_t pass, int64_t ns);
/* The pass that the last sync ended; returns false if there is none. */
bool fake_dirty_stats_last_pass(FakeDirtyPassCounts *pass);
/* What has been counted since the last sync. */
FakeDirtyCounts fake_dirty_stats_this_pass(void);

/* --- Reading ------------------------------------------------------------- */

/* What has been counted since the start of the migration. */
FakeDirtyCounts fake_dirty_stats_counts(void);
/* What has been counted since *@start, which is set to now. */
FakeDirtyCounts fake_dirty_stats_since(FakeDirtyCounts *start);
/* Returns false when there has been no migration with the filter. */
bool fake_dirty_stats_report(FakeDirtyReport *report);

uint64_t fake_dirty_stats_per_second(uint64_t count, int64_t ns);

#endif
