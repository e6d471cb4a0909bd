/*
 * The fake dirty filter beside ram.c, left out: QEMU is built without
 * libfakedirty.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#include "qemu/osdep.h"
#include "exec/ramblock.h"
#include "ram-fake-dirty.h"

bool ram_fake_dirty_start(bool multifd, Error **errp)
{
    return true;
}

void ram_fake_dirty_stop(void)
{
}

void ram_fake_dirty_postcopy(RAMWalk walk)
{
}

void ram_fake_dirty_stage(RAMWalk walk, RAMBlock *block, unsigned long page)
{
}

uint8_t *ram_fake_dirty_page_data(RAMBlock *block, ram_addr_t offset)
{
    return block->host + offset;
}

bool ram_fake_dirty_copy(RAMBlock *block, ram_addr_t offset, uint8_t *buffer)
{
    return false;
}

bool ram_fake_dirty_skip_zero_page(RAMBlock *block, ram_addr_t offset)
{
    return false;
}

bool ram_fake_dirty_syncs(uint64_t remaining_bytes, uint64_t threshold)
{
    return remaining_bytes < threshold;
}

void ram_fake_dirty_before_sync(void)
{
}

bool ram_fake_dirty_look(RAMWalk walk, uint64_t pending, uint64_t threshold)
{
    return false;
}
