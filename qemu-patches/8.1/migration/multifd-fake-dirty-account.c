/*
 * The fake dirty filter beside multifd.c, accounting in QEMU 8.1: of pages
 * alone, since the channels account for their bytes themselves.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#include "qemu/osdep.h"
#include "fake-dirty.h"
#include "migration-stats.h"
#include "multifd-fake-dirty.h"

void multifd_send_account(QEMUFile *f)
{
    uint64_t packets;

    if (fake_dirty_in_channels()) {
        stat64_add(&mig_stats.normal_pages, fake_dirty_channels_sent(&packets));
    }
}
