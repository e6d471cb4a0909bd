/*
 * The fake dirty filter beside ram.c: stages pages as the walk comes to them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#include "qemu/osdep.h"
#include "qemu/bitmap.h"
#include "qemu/rcu.h"
#include "exec/memory.h"
#include "exec/ramblock.h"
#include "exec/ramlist.h"
#include "exec/target_page.h"
#include "sysemu/runstate.h"
#include "fake-dirty.h"
#include "fake-dirty-broken.h"
#include "fake-dirty-qapi.h"
#include "migration.h"
#include "migration/misc.h"
#include "qemu-file.h"
#include "ram.h"
#include "ram-fake-dirty.h"

/* --- One migration ------------------------------------------------------- */

static uint64_t block_pages(RAMBlock *block)
{
    return block->max_length >> qemu_target_page_bits();
}

bool ram_fake_dirty_start(bool multifd, Error **errp)
{
    FakeDirtyOptions options = {
        .hash = FakeDirtyHash_str(migrate_fake_dirty_hash()),
        .page_size = qemu_target_page_size(),
        .verify = migrate_fake_dirty_verify(),
        .multifd = multifd,
        .stage_pages = migrate_get_current()->fake_dirty_stage_pages,
        .max_memory = migrate_fake_dirty_max_memory(),
        .max_cpu_percent = migrate_fake_dirty_max_cpu(),
        .sampling = migrate_fake_dirty_sampling(),
    };
    RAMBlock *block;

    if (!migrate_fake_dirty_filter()) {
        return true;
    }
    RCU_READ_LOCK_GUARD();
    RAMBLOCK_FOREACH_NOT_IGNORED(block) {
        options.table_bytes +=
            fake_dirty_table_bytes(&options, block_pages(block));
    }
    if (!fake_dirty_start(&options, errp)) {
        return false;
    }
    RAMBLOCK_FOREACH_NOT_IGNORED(block) {
        block->fake_dirty =
            fake_dirty_block_new(block->idstr, block->host,
                                 block_pages(block), errp);
        if (!block->fake_dirty) {
            ram_fake_dirty_stop();
            return false;
        }
    }
    return true;
}

void ram_fake_dirty_stop(void)
{
    RAMBlock *block;

    WITH_RCU_READ_LOCK_GUARD() {
        INTERNAL_RAMBLOCK_FOREACH(block) {
            block->fake_dirty = NULL;
        }
    }
    fake_dirty_stop();
}

/*
 * If the destination is told to discard nothing, it forgets that it listens,
 * and gives up, and the guest is lost.  Without the filter there nearly always
 * is something: with no mark left, pre-copy would have ended.  Here all marks
 * may have been found fake.  So have one page sent again, of memory that is all
 * there: virtio-mem's may be unplugged.
 */
void ram_fake_dirty_postcopy(RAMWalk walk)
{
    RAMBlock *block;

    if (!fake_dirty_active()) {
        return;
    }
    fake_dirty_postcopy();
    RAMBLOCK_FOREACH_NOT_IGNORED(block) {
        if (!*walk.dirty_pages && block->mr &&
            !memory_region_has_ram_discard_manager(block->mr) &&
            !fake_dirty_breaks(POSTCOPY)) {
            set_bit(0, block->bmap);
            *walk.dirty_pages = 1;
        }
    }
}

/* --- Sending pages ------------------------------------------------------- */

void ram_fake_dirty_clear_log(void *opaque, unsigned long page)
{
    RAMBlockLog *log = opaque;

    log->walk->clear_log(log->block, page);
}

/* Returns whether the page has a private copy, or need not be sent. */
static bool stage(const RAMWalk *walk, RAMBlock *block, unsigned long page)
{
    RAMBlockLog log = { walk, block };
    unsigned long end = block->used_length >> qemu_target_page_bits();
    FakeDirtyFill fill;

    /* The stream may still point into the stage. */
    if (!fake_dirty_breaks(FLUSH)) {
        qemu_fflush(walk->stream);
    }
    fill = fake_dirty_fill(block->fake_dirty, block->bmap, page,
                           fake_dirty_checks_until(page, end),
                           ram_fake_dirty_clear_log, &log);
    *walk->dirty_pages -= fill.unchanged;
    if (runstate_is_running()) {
        fake_dirty_rest(fill.ns);
    }
    return !test_bit(page, block->bmap) ||
           fake_dirty_page(block->fake_dirty, page);
}

void ram_fake_dirty_stage(RAMWalk walk, RAMBlock *block, unsigned long page)
{
    Error *err = NULL;

    if (!block->fake_dirty || !test_bit(page, block->bmap) ||
        !(fake_dirty_staging() || fake_dirty_in_channels()) ||
        fake_dirty_page(block->fake_dirty, page)) {
        return;
    }
    if (!fake_dirty_checks(page) ||
        (fake_dirty_staging() && !stage(&walk, block, page))) {
        fake_dirty_unseen(block->fake_dirty, page);
    }
    if (!qemu_file_get_error(walk.stream) && fake_dirty_failed(&err)) {
        qemu_file_set_error_obj(walk.stream, -EIO, err);
    }
}

static uint8_t *private_copy(RAMBlock *block, ram_addr_t offset)
{
    return fake_dirty_page(block->fake_dirty,
                           offset >> qemu_target_page_bits());
}

uint8_t *ram_fake_dirty_page_data(RAMBlock *block, ram_addr_t offset)
{
    uint8_t *copy = private_copy(block, offset);

    return copy ? copy : block->host + offset;
}

bool ram_fake_dirty_copy(RAMBlock *block, ram_addr_t offset, uint8_t *buffer)
{
    uint8_t *copy = private_copy(block, offset);

    if (!copy || fake_dirty_breaks(R4_COMPRESS)) {
        return false;
    }
    memcpy(buffer, copy, qemu_target_page_size());
    return true;
}

bool ram_fake_dirty_skip_zero_page(RAMBlock *block, ram_addr_t offset)
{
    return fake_dirty_skip_zero_page(block->fake_dirty,
                                     offset >> qemu_target_page_bits());
}
