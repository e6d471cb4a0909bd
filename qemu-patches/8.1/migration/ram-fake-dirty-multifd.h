/*
 * The fake dirty filter in ram.c beside multifd, as QEMU 8.1 has it.
 * Included by ram.c alone.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */

#ifdef CONFIG_FAKEDIRTY

/*
 * The walk starts again, without having come to the end of the list, where
 * the channels would have been waited for (R6).
 */
static int ram_fake_dirty_sync_channels(RAMState *rs)
{
    QEMUFile *f = rs->pss[RAM_CHANNEL_PRECOPY].pss_channel;
    int ret;

    /* Each section has ended with it, and the destination counts them. */
    if (!fake_dirty_in_channels() || FAKE_DIRTY_BROKEN_R6 ||
        migrate_multifd_flush_after_each_section()) {
        return 0;
    }
    ret = multifd_send_sync_main(f);
    if (ret == 0) {
        qemu_put_be64(f, RAM_SAVE_FLAG_MULTIFD_FLUSH);
        qemu_fflush(f);
    }
    return ret;
}

#else

static int ram_fake_dirty_sync_channels(RAMState *rs)
{
    return 0;
}

#endif
