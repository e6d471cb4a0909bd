/*
 * The fake dirty filter beside multifd.c, accounting in QEMU 7.2: of bytes and
 * pages.  Unpatched, both are counted when a channel gets the pages, before it
 * is known which of them will be sent.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#include "qemu/osdep.h"
#include "exec/target_page.h"
#include "fake-dirty.h"
#include "multifd-fake-dirty.h"
#include "qemu-file.h"
#include "ram.h"

void multifd_send_account(QEMUFile *f)
{
    uint64_t pages, packets, bytes;

    if (fake_dirty_in_channels()) {
        pages = fake_dirty_channels_sent(&packets);
        bytes = pages * qemu_target_page_size() +
                packets * multifd_send_channel(0)->packet_len;
        ram_counters.normal += pages;
        ram_counters.multifd_bytes += bytes;
        ram_counters.transferred += bytes;
        qemu_file_acct_rate_limit(f, bytes);
    }
}
