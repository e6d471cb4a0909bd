/*
 * What multifd.c of QEMU 7.2 has to account when pages are filtered: bytes and
 * pages.  Unpatched, it counts them when a channel gets them, before it is
 * known which will be sent.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */

/* What to account for pages that a channel gets. */
static uint64_t multifd_send_pages_bytes(MultiFDPages_t *pages)
{
    if (pages->block->fake_dirty && fake_dirty_in_channels()) {
        return 0;
    }
    return (uint64_t)pages->num * qemu_target_page_size();
}

/* In the migration thread: account what the channels have sent. */
static void multifd_send_settle(QEMUFile *f)
{
    uint64_t pages, bytes;

    if (fake_dirty_in_channels()) {
        pages = fake_dirty_channels_sent();
        bytes = pages * qemu_target_page_size();
        ram_counters.normal += pages;
        ram_counters.multifd_bytes += bytes;
        ram_counters.transferred += bytes;
        qemu_file_acct_rate_limit(f, bytes);
    }
}
