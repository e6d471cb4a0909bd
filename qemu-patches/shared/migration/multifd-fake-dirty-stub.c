/*
 * The fake dirty filter beside multifd.c, left out: QEMU is built without
 * libfakedirty.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#include "qemu/osdep.h"
#include "exec/ramblock.h"
#include "multifd-fake-dirty.h"

void *multifd_send_page_data(MultiFDSendParams *p, uint32_t i)
{
    return p->pages->block->host + p->normal[i];
}

int multifd_send_filter(MultiFDSendParams *p, Error **errp)
{
    return 0;
}

void multifd_send_filtered(MultiFDSendParams *p)
{
}

void multifd_send_filter_cleanup(MultiFDSendParams *p)
{
}

bool multifd_send_nothing(MultiFDSendParams *p)
{
    return false;
}
