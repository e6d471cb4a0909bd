/*
 * What the fake dirty filter asks of ram.c, as QEMU 8.1 has it.  Included by
 * ram-fake-dirty.h alone.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */

/* The stream that points into the stage until it is flushed. */
static QEMUFile *ram_fake_dirty_stream(RAMState *rs)
{
    return rs->pss[RAM_CHANNEL_PRECOPY].pss_channel;
}

static bool ram_fake_dirty_multifd(void)
{
    return migrate_multifd();
}
