/*
 * The fake dirty filter, end: whether it pays to look at marked pages before
 * the end of a migration is decided (R9).
 *
 * This file knows pages and times that it is told; no clock, no block.  It is
 * above nothing; see the list in fake-dirty.c.
 *
 * A look is a sequence of rounds.  Each begins right after a sync, when the
 * number of marked pages is exact.  A rescan takes the marks from pages that
 * are unchanged; then all who owe something are asked again, which syncs
 * again, and marks more pages.  In the next round only the new marks are
 * rescanned:
 *
 *     marks    pages that are marked now
 *     kept     of these, the ones that rescans of this look found changed
 *     new      marks - kept: nobody has looked at them
 *     room     pages that can be sent within the downtime limit, besides what
 *              others owe
 *
 * The migration can end as soon as marks <= room: new marks count as whole
 * pages.  The look goes on while that may still come true:
 *
 *     kept <= room, and each round has at most half as many new marks as the
 *     one before, and the look has not taken too long
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#ifndef QEMU_MIGRATION_FAKE_DIRTY_END_H
#define QEMU_MIGRATION_FAKE_DIRTY_END_H

/* Nothing is sent during a look, so it may not take longer than this. */
#define FAKE_DIRTY_LOOK_NS_MAX (1000 * 1000 * 1000LL)

/* After a look in vain there is none for this many times as long. */
#define FAKE_DIRTY_LOOK_REST 3

/* So few marks are looked at without asking what a sample of them says. */
#define FAKE_DIRTY_LOOK_AT_ONCE_PAGES 2048

/* What is known when a look may begin. */
typedef struct FakeDirtyProspect {
    uint64_t marks;
    uint64_t room;
    uint64_t sampled;           /* pages checked in a sample of the marks */
    uint64_t unchanged;         /* of these */
    double check_ns;            /* what it takes to check a page */
} FakeDirtyProspect;

/* A migration starts. */
void fake_dirty_end_start(void);

/*
 * May a look show that the migration can end?  If so, one begins.
 *
 * Half as many changed pages as the sample lets expect have to fit; and the
 * first rescan, if it checks all marks, has to come to its end in time.
 */
bool fake_dirty_end_begin(const FakeDirtyProspect *prospect, int64_t now_ns);

/* Has the rest since the last look in vain been long enough? */
bool fake_dirty_end_rested(int64_t now_ns);

/* Is there a look? */
bool fake_dirty_end_looking(void);

/* Has the look taken no longer than it may? */
bool fake_dirty_end_in_time(int64_t now_ns);

/*
 * A round: is a rescan of the new marks to follow?  If not, the look has been
 * in vain, and is over.
 */
bool fake_dirty_end_round(uint64_t marks, uint64_t room, int64_t now_ns);

/*
 * The rescan of this round has found @kept more changed pages.  It is
 * @complete if it has seen all new marks.  Returns whether it pays to ask again
 * who owes what; if not, the look has been in vain, and is over.
 */
bool fake_dirty_end_rescanned(uint64_t kept, uint64_t room, bool complete,
                              int64_t now_ns);

/* If there is a look, nothing more has to be known: the migration ends. */
void fake_dirty_end_finish(void);

/* Was the last look in vain because the guest marks faster than it is seen? */
bool fake_dirty_end_outrun(void);

#endif
