/*
 * The fake dirty filter beside multifd.c: what it does in the channels.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#ifndef QEMU_MIGRATION_MULTIFD_FAKE_DIRTY_H
#define QEMU_MIGRATION_MULTIFD_FAKE_DIRTY_H

#include "io/channel.h"
#include "qemu/thread.h"
#include "multifd.h"

/* --- In a channel -------------------------------------------------------- */

/*
 * The pages of the packet are copied and classified, and the unchanged ones
 * leave it.  Called by a channel without its mutex: while a job is pending the
 * pages belong to the channel.  It touches no bitmap and counts no dirty page.
 */
int multifd_send_filter(MultiFDSendParams *p, Error **errp);
/* All its pages were unchanged, and nobody waits for the packet. */
bool multifd_send_nothing(MultiFDSendParams *p);
/* The packet has been sent, or need not be. */
void multifd_send_filtered(MultiFDSendParams *p);
void multifd_send_filter_cleanup(MultiFDSendParams *p);

/* --- In the migration thread --------------------------------------------- */

/* Accounts for the pages that the channels have sent. */
void multifd_send_account(QEMUFile *f);

/*
 * Wait until no channel is at work (R6).  Returns false if one has quit, or
 * the migration, which sends to @f, has failed or is cancelled.
 */
bool multifd_send_drain(QEMUFile *f);

/* --- What multifd.c tells ------------------------------------------------ */

/* Channel number @i; NULL if there are not that many. */
MultiFDSendParams *multifd_send_channel(int i);
/* Are the channels being ended? */
bool multifd_send_exiting(void);

#endif
