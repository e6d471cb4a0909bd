/*
 * The fake dirty filter, sample: which pages it looks at when it does not look
 * at all of them.
 *
 * Pages are sampled by groups, one group in each stretch of groups.  Which one
 * is fixed by its number, so that slots in the sample stay true although the
 * slots of all other pages are unknown; and it seems random, so that no guest
 * with a regular pattern writes beside the sample all the time.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#ifndef QEMU_MIGRATION_FAKE_DIRTY_SAMPLE_H
#define QEMU_MIGRATION_FAKE_DIRTY_SAMPLE_H

#define FAKE_DIRTY_GROUP_PAGES 16
/* One group of so many is in the sample. */
#define FAKE_DIRTY_SAMPLE_GROUPS 32
#define FAKE_DIRTY_STRETCH_PAGES \
    (FAKE_DIRTY_SAMPLE_GROUPS * FAKE_DIRTY_GROUP_PAGES)

/* A sample taken after a sync has at most about this many pages. */
#define FAKE_DIRTY_SAMPLE_PAGES 1024
/* With fewer than this, it says nothing. */
#define FAKE_DIRTY_SAMPLE_PAGES_MIN 64

/* The first page of the sampled group in the stretch of that number. */
uint64_t fake_dirty_sampled_page(uint64_t stretch);
bool fake_dirty_in_sample(uint64_t page);

#endif
