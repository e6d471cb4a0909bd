/*
 * The fake dirty filter, left out: QEMU is built without libfakedirty.
 *
 * These are the functions of fake-dirty.h that QEMU's own files call.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#include "qemu/osdep.h"
#include "migration/fake-dirty.h"

bool fake_dirty_built_in(void)
{
    return false;
}

const char *fake_dirty_hash_risk(const char *hash)
{
    return NULL;
}

void fake_dirty_complete(void)
{
}

bool fake_dirty_active(void)
{
    return false;
}

bool fake_dirty_failed(Error **errp)
{
    return false;
}

bool fake_dirty_in_channels(void)
{
    return false;
}

bool fake_dirty_report(FakeDirtyReport *report)
{
    return false;
}

bool fake_dirty_last_pass(FakeDirtyPassCounts *pass)
{
    return false;
}

void fake_dirty_sent(FakeDirtyBlock *block, unsigned long page)
{
}

void fake_dirty_restart(void)
{
}

bool fake_dirty_skip_budget_spent(void)
{
    return false;
}

void fake_dirty_skip_budget_reset(void)
{
}

bool fake_dirty_block_in_channels(FakeDirtyBlock *block)
{
    return false;
}

uint64_t fake_dirty_channels_sent(uint64_t *packets)
{
    *packets = 0;
    return 0;
}

void fake_dirty_sync_begin(void)
{
}

void fake_dirty_sync_end(uint64_t pass)
{
}

void fake_dirty_merge(void)
{
}

bool fake_dirty_looking(void)
{
    return false;
}

int64_t fake_dirty_window_ms(int64_t ms, bool walked)
{
    return ms;
}

double fake_dirty_bandwidth(uint64_t bytes, int64_t ms, uint64_t limit,
                            double raw)
{
    return raw;
}

uint64_t fake_dirty_carried_bytes(uint64_t sent)
{
    return sent;
}

uint64_t fake_dirty_changed_bytes(uint64_t marked)
{
    return marked;
}
