/*
 * What the files of the fake dirty filter tell each other: fake-dirty.c owns
 * the tables, fake-dirty-stage.c looks pages up in them.  Nobody else includes
 * this.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#ifndef QEMU_MIGRATION_FAKE_DIRTY_STAGE_H
#define QEMU_MIGRATION_FAKE_DIRTY_STAGE_H

#include "qemu/queue.h"
#include "qapi/error.h"
#include "migration/fake-dirty.h"

#include <fakedirty.h>

struct FakeDirtyBlock {
    char *name;
    uint8_t *host;
    uint64_t pages;
    fakedirty_table *table;
    QLIST_ENTRY(FakeDirtyBlock) next;
};

/* The arguments are ours: an error would be a mistake of these files. */
static inline void fake_dirty_must(int status)
{
    if (status != FAKEDIRTY_OK) {
        error_setg(&error_abort, "fake dirty filter: %s",
                   fakedirty_status_text(status));
    }
}

/* Told by fake-dirty-stage.c, to fake-dirty.c alone. */

/* A migration starts: no count of the one before is left (R5). */
void fake_dirty_stages_start(size_t page_size);
/* The tables of blocks are alike: the last one tells what zeros are in them. */
void fake_dirty_stages_add(FakeDirtyBlock *block);
void fake_dirty_stages_stop(void);

#endif
