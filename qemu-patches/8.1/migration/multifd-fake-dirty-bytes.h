/*
 * What multifd.c of QEMU 8.1 has to account when pages are filtered: the pages
 * alone, since the channels count their bytes themselves.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */

/* In the migration thread. */
static void multifd_send_settle(QEMUFile *f)
{
    if (fake_dirty_in_channels()) {
        stat64_add(&mig_stats.normal_pages, fake_dirty_channels_sent());
    }
}
