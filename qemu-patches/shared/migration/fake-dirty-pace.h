/*
 * The fake dirty filter, pace: the figures by which a migration with many
 * skipped pages decides when to sync, when to end and when to throttle.
 *
 * Above statistics; see the list in fake-dirty.c.  Called by the migration
 * thread alone, while a migration is filtered.
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

/* A migration starts: no figure of the one before is left (R5). */
void fake_dirty_pace_start(size_t page_size);

/* The thread filtered @checked pages, which took @ns. */
void fake_dirty_pace_filtered(int64_t ns, unsigned int checked,
                              unsigned int unchanged);

/* --- How many pages may be skipped in a row ------------------------------ */

void fake_dirty_pace_skipped(unsigned int pages);
bool fake_dirty_pace_skip_budget_spent(void);
void fake_dirty_pace_skip_budget_reset(void);

/* --- Syncs --------------------------------------------------------------- */

/* From here on the thread waits for the sync, or is in it. */
void fake_dirty_pace_sync_begin(void);
/* @pass is the number of the sync. */
void fake_dirty_pace_sync_end(uint64_t pass);

/*
 * How many ms to wait before the next sync.  None, unless no downtime is
 * allowed, so that the next sync is unlikely to be the last, or this pass is
 * mostly unchanged and the last rescan found no fewer marks than the one
 * before.
 */
int64_t fake_dirty_pace_sync_delay_ms(bool no_downtime);
/* The thread has waited, and sent nothing meanwhile. */
void fake_dirty_pace_paused(int64_t ns);

/* --- Rescans ------------------------------------------------------------- */

/* Were the pages of the last pass mostly unchanged, so that one pays? */
bool fake_dirty_pace_rescan_wanted(void);
/* There will be none at this sync. */
void fake_dirty_pace_no_rescan(void);
void fake_dirty_pace_rescan_begin(uint64_t marks);
bool fake_dirty_pace_rescan_in_time(void);

/*
 * Returns the backlog: what the pages that were marked during the rescan will
 * cost while the guest is stopped, to check and to send, in bytes on the link.
 *
 *     backlog = m/c * (F * bandwidth + min(R/I, 1) * k * page size)
 *
 *     m   marks that there were when the rescan began
 *     c   pages it checked, in the time F; k of them had changed
 *     R   how long the rescan took
 *     I   the time between the last two syncs
 *
 * All m pages are classified again: a page that is written in a loop is marked
 * once between two syncs, however close they are.  Of those that changed in I,
 * the share R/I changes again in R.
 *
 * @decided: the rescan found out whether at most @threshold bytes are left;
 * more time would not have changed the answer.
 */
uint64_t fake_dirty_pace_rescan_end(bool decided, uint64_t threshold);

/* --- Bandwidth ----------------------------------------------------------- */

/*
 * The estimate of the link's bandwidth, in bytes per ms, after a window of
 * @ms in which @bytes were sent.  For s ms of these something could be sent:
 * without multifd, all but skips, syncs and pauses; with multifd
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
 * As long as rescans take longer than the downtime allows, fewer marks help
 * even if they are fake, and the rate of rescans is what limits:
 *
 *     changed = marked
 *     carried = max(sent, T * min(bandwidth, bytes rescanned per ms))
 *
 * carried_bytes() goes first; changed_bytes() ends the period.
 */
uint64_t fake_dirty_pace_carried_bytes(uint64_t sent);
uint64_t fake_dirty_pace_changed_bytes(uint64_t marked);

#endif
