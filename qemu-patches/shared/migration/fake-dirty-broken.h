/*
 * Switches that break a rule of the fake dirty filter on purpose, so that the
 * tests are known to notice.  They exist only in builds made for the tests
 * (--extra-cflags=-DFAKE_DIRTY_BREAK_R1 and so on); no ordinary build has one.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#ifndef QEMU_MIGRATION_FAKE_DIRTY_BROKEN_H
#define QEMU_MIGRATION_FAKE_DIRTY_BROKEN_H

enum {
    /* Send what the guest has written after the page was fingerprinted. */
    FAKE_DIRTY_BROKEN_R1 =
#ifdef FAKE_DIRTY_BREAK_R1
        1,
#else
        0,
#endif
    /* Clear the dirty log after the page was copied. */
    FAKE_DIRTY_BROKEN_R2 =
#ifdef FAKE_DIRTY_BREAK_R2
        1,
#else
        0,
#endif
    /* Skip pages in post-copy as well. */
    FAKE_DIRTY_BROKEN_R3 =
#ifdef FAKE_DIRTY_BREAK_R3
        1,
#else
        0,
#endif
    /* Write the slots when the pages are looked at. */
    FAKE_DIRTY_BROKEN_R4 =
#ifdef FAKE_DIRTY_BREAK_R4
        1,
#else
        0,
#endif
    /* Leave the slot alone when a zero page goes past the channels. */
    FAKE_DIRTY_BROKEN_R4_ZERO =
#ifdef FAKE_DIRTY_BREAK_R4_ZERO
        1,
#else
        0,
#endif
    /* Let the compression threads read guest memory. */
    FAKE_DIRTY_BROKEN_R4_COMPRESS =
#ifdef FAKE_DIRTY_BREAK_R4_COMPRESS
        1,
#else
        0,
#endif
    /* Keep tables and key for the next migration. */
    FAKE_DIRTY_BROKEN_R5 =
#ifdef FAKE_DIRTY_BREAK_R5
        1,
#else
        0,
#endif
    /* Sift while channels are at work. */
    FAKE_DIRTY_BROKEN_R6 =
#ifdef FAKE_DIRTY_BREAK_R6
        1,
#else
        0,
#endif
    /* Keep the stage across a bitmap sync. */
    FAKE_DIRTY_BROKEN_SYNC =
#ifdef FAKE_DIRTY_BREAK_SYNC
        1,
#else
        0,
#endif
    /* Keep the stage when the walk starts again. */
    FAKE_DIRTY_BROKEN_RESTART =
#ifdef FAKE_DIRTY_BREAK_RESTART
        1,
#else
        0,
#endif
    /* Refill the stage while the stream still points into it. */
    FAKE_DIRTY_BROKEN_FLUSH =
#ifdef FAKE_DIRTY_BREAK_FLUSH
        1,
#else
        0,
#endif
    /* Never come up for air in a run of skips. */
    FAKE_DIRTY_BROKEN_AIR =
#ifdef FAKE_DIRTY_BREAK_AIR
        1,
#else
        0,
#endif
    /* Send an emptied packet with the size of the packet before it. */
    FAKE_DIRTY_BROKEN_EMPTY =
#ifdef FAKE_DIRTY_BREAK_EMPTY
        1,
#else
        0,
#endif
    /* Switch to post-copy with nothing to discard. */
    FAKE_DIRTY_BROKEN_POSTCOPY =
#ifdef FAKE_DIRTY_BREAK_POSTCOPY
        1,
#else
        0,
#endif
    /* Take a window of skips for a slow link. */
    FAKE_DIRTY_BROKEN_BANDWIDTH =
#ifdef FAKE_DIRTY_BREAK_BANDWIDTH
        1,
#else
        0,
#endif
    /* Decide about the end on raw marks. */
    FAKE_DIRTY_BROKEN_SIFT =
#ifdef FAKE_DIRTY_BREAK_SIFT
        1,
#else
        0,
#endif
    /* Throttle the guest for pages that were skipped. */
    FAKE_DIRTY_BROKEN_THROTTLE =
#ifdef FAKE_DIRTY_BREAK_THROTTLE
        1,
#else
        0,
#endif
};

#endif
