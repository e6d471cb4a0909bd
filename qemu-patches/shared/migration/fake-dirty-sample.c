/*
 * The fake dirty filter, sample: which pages it looks at when it does not look
 * at all of them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#include "qemu/osdep.h"
#include "migration/fake-dirty-sample.h"

uint64_t fake_dirty_sampled_page(uint64_t stretch)
{
    /* The upper five bits: they depend on all the others. */
    uint64_t group = (stretch * 0x9e3779b97f4a7c15ULL) >> 59;

    QEMU_BUILD_BUG_ON(FAKE_DIRTY_SAMPLE_GROUPS != 1 << (64 - 59));
    return stretch * FAKE_DIRTY_STRETCH_PAGES + group * FAKE_DIRTY_GROUP_PAGES;
}

bool fake_dirty_in_sample(uint64_t page)
{
    uint64_t first = fake_dirty_sampled_page(page / FAKE_DIRTY_STRETCH_PAGES);

    return page - first < FAKE_DIRTY_GROUP_PAGES;
}
