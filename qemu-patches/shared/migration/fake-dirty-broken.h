/*
 * Test switches: a build made for the tests breaks one rule of the fake dirty
 * filter on purpose, so that the tests are known to notice.  Such a build has
 * --extra-cflags=-DFAKE_DIRTY_BREAK=FAKE_DIRTY_BREAK_R1 or the like; any other
 * breaks nothing.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#ifndef QEMU_MIGRATION_FAKE_DIRTY_BROKEN_H
#define QEMU_MIGRATION_FAKE_DIRTY_BROKEN_H

enum {
    FAKE_DIRTY_BREAK_NOTHING,
    /* Send what the guest has written after the page was fingerprinted. */
    FAKE_DIRTY_BREAK_R1,
    /* Clear the dirty log after the page was copied. */
    FAKE_DIRTY_BREAK_R2,
    /* Leave the dirty log to QEMU, which clears it when a page is sent. */
    FAKE_DIRTY_BREAK_R2_NEVER,
    /* Skip pages in post-copy as well. */
    FAKE_DIRTY_BREAK_R3,
    /* Write the slots when the pages are classified, not when they are sent. */
    FAKE_DIRTY_BREAK_R4,
    /* Don't update the slot of a zero page that bypasses the channels. */
    FAKE_DIRTY_BREAK_R4_ZERO,
    /* Let the compression threads read guest memory. */
    FAKE_DIRTY_BREAK_R4_COMPRESS,
    /* Keep tables and key for the next migration. */
    FAKE_DIRTY_BREAK_R5,
    /* Rescan while channels are at work. */
    FAKE_DIRTY_BREAK_R6,
    /* Keep the stage across a bitmap sync. */
    FAKE_DIRTY_BREAK_SYNC,
    /* Keep the stage when the walk restarts. */
    FAKE_DIRTY_BREAK_RESTART,
    /* Refill the stage while the stream still points into it. */
    FAKE_DIRTY_BREAK_FLUSH,
    /* Never interrupt a run of skipped pages. */
    FAKE_DIRTY_BREAK_SKIP_BUDGET,
    /* Send an emptied packet with the size of the packet before it. */
    FAKE_DIRTY_BREAK_EMPTY,
    /* Switch to post-copy with nothing to discard. */
    FAKE_DIRTY_BREAK_POSTCOPY,
    /* Mistake a window of skipped pages for a slow link. */
    FAKE_DIRTY_BREAK_BANDWIDTH,
    /* Decide on raw marks whether the migration can end. */
    FAKE_DIRTY_BREAK_RESCAN,
    /* End after a rescan without a sync: without looking at newer marks. */
    FAKE_DIRTY_BREAK_R9,
    /* Empty the stage before the lock is taken under which marks are merged. */
    FAKE_DIRTY_BREAK_R10,
    /* Leave the slot of a page alone that is sent without having been seen. */
    FAKE_DIRTY_BREAK_UNSEEN,
    /* Fail now and then, as a bug in the filter would have it. */
    FAKE_DIRTY_BREAK_FAIL,
    /* Throttle the guest for pages that were skipped. */
    FAKE_DIRTY_BREAK_THROTTLE,
};

#ifndef FAKE_DIRTY_BREAK
#define FAKE_DIRTY_BREAK FAKE_DIRTY_BREAK_NOTHING
#endif

/* Does this build break the rule?  A constant: other builds lose the code. */
#define fake_dirty_breaks(rule) (FAKE_DIRTY_BREAK == FAKE_DIRTY_BREAK_##rule)

#endif
