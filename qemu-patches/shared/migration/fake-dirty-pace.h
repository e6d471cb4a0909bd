/*
 * The fake dirty filter, pace: the figures by which a migration with many
 * skipped pages decides when to sync and when to throttle, how fast its link
 * is, and how much of a processor the filter may take.
 *
 * Above statistics and end; see the list in fake-dirty.c.  Called by the
 * migration thread alone, while a migration is filtered; fake_dirty_pace_rest()
 * by the channels as well.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#ifndef QEMU_MIGRATION_FAKE_DIRTY_PACE_H
#define QEMU_MIGRATION_FAKE_DIRTY_PACE_H

/* Skipped pages after which the walk looks at cancel, rate and time. */
#define FAKE_DIRTY_SKIP_BUDGET_PAGES 1024

/*
 * A migration starts: no figure of the one before is left (R5).  All threads of
 * the filter together may take this much of a processor while the guest runs;
 * 0 is no limit.
 */
void fake_dirty_pace_start(size_t page_size, unsigned int max_cpu_percent);

/* The migration thread checked pages, which took @ns. */
void fake_dirty_pace_filtered(int64_t ns, unsigned int checked,
                              unsigned int unchanged);

/*
 * The calling thread worked for @ns: have it wait as long as is needed to keep
 * to the share of a processor.  Returns how long it has waited, in ns.
 */
int64_t fake_dirty_pace_rest(int64_t ns);

/* --- How many pages may be skipped in a row ------------------------------ */

void fake_dirty_pace_skipped(unsigned int pages);
bool fake_dirty_pace_skip_budget_spent(void);
void fake_dirty_pace_skip_budget_reset(void);

/* --- Syncs --------------------------------------------------------------- */

/* From here on the thread waits for the sync, or is in it. */
void fake_dirty_pace_sync_begin(void);
/* @pass is the number of the sync.  That of a look closes no pass. */
void fake_dirty_pace_sync_end(uint64_t pass);

/*
 * How many ms to wait before the next sync.  None, unless no downtime is
 * allowed, so that the next sync is unlikely to be the last, or next to nothing
 * has been sent since the last sync, so that syncs would follow each other as
 * fast as pages are checked.
 */
int64_t fake_dirty_pace_sync_delay_ms(bool no_downtime);
/* The thread has waited, and sent nothing meanwhile. */
void fake_dirty_pace_paused(int64_t ns);

/* --- Looks: see fake-dirty-end.h ----------------------------------------- */

/* From here on to its end, nothing is sent.  A sample is a look, too. */
void fake_dirty_pace_look_begin(void);
void fake_dirty_pace_look_end(void);

/* How long it takes to check a page, as far as is known. */
double fake_dirty_pace_check_ns(void);

/* --- Bandwidth ----------------------------------------------------------- */

/*
 * The estimate of the link's bandwidth, in bytes per ms, after a window of
 * @ms in which @bytes were sent.  For s ms of these something could be sent:
 * without multifd, all but skips, syncs, looks and pauses; with multifd
 * (@in_channels), while a channel was sending.  The window bounds the estimate:
 *
 *     lower = bytes / ms                  the link did carry that much
 *     upper = bytes / max(s, ms / 10)     and no more, if it was busy
 *
 *     estimate += (lower - estimate) * ms / (ms + 300)   if it is below
 *     estimate += (upper - estimate) * s / (s + 300)     if it is above, and
 *                                                        the link was busy
 *     estimate  = upper                                  in the first window
 *     estimate  = min(estimate, limit)                   0 is no @limit
 *
 * The link was busy if less than 7/8 of the pages were zero, which are few
 * bytes each, and s >= ms / 2, or s >= ms / 10 with 256 KiB sent or more.
 *
 * Returns the estimate, or @raw as long as no page has been skipped: then the
 * migration ends as it does without the filter.
 */
double fake_dirty_pace_bandwidth(uint64_t bytes, int64_t ms, uint64_t limit,
                                 double raw, bool in_channels);

/* Has a window been seen? */
bool fake_dirty_pace_bandwidth_known(void);

/* --- Throttling ---------------------------------------------------------- */

/*
 * Auto-converge throttles the guest where marked > sent * threshold / 100, in
 * bytes of a period T.  With the filter it compares
 *
 *     changed = marked * (1 - unchanged / checked)    of the pages checked in T
 *     carried = max(sent, T * bandwidth)              since fake pages need no
 *                                                     sending; sent itself if
 *                                                     none was skipped in T
 *
 * As long as the guest marks faster than pages can be checked, so that looks
 * are in vain, fewer marks help even if they are fake, and the rate of checking
 * is what limits:
 *
 *     changed = marked
 *     carried = max(sent, T * min(bandwidth, bytes checked per ms))
 *
 * carried_bytes() goes first; changed_bytes() ends the period.
 */
uint64_t fake_dirty_pace_carried_bytes(uint64_t sent);
uint64_t fake_dirty_pace_changed_bytes(uint64_t marked);

#endif
