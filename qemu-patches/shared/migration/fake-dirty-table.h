/*
 * The fake dirty filter, tables: what the destination holds of each RAM block.
 *
 * Above statistics; see the list in fake-dirty.c.  This is the only header of
 * the filter that needs libfakedirty.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#ifndef QEMU_MIGRATION_FAKE_DIRTY_TABLE_H
#define QEMU_MIGRATION_FAKE_DIRTY_TABLE_H

#include "qemu/queue.h"

#include <fakedirty.h>

typedef struct FakeDirtyBlock FakeDirtyBlock;

/* A RAM block with its table. */
struct FakeDirtyBlock {
    char *name;
    uint8_t *host;
    uint64_t pages;
    fakedirty_table *table;
    QLIST_ENTRY(FakeDirtyBlock) next;
};

/* See fake_dirty_hash_risk(). */
const char *fake_dirty_tables_hash_risk(const char *hash);
/* What a table takes, with its copies when verifying. */
uint64_t fake_dirty_tables_size(const char *hash, size_t page_size, bool verify,
                                uint64_t pages);

/*
 * One migration: a new hasher with a new key (R5).  Blocks follow.
 * On an error nothing has been started.
 */
bool fake_dirty_tables_start(const char *hash, size_t page_size, bool verify,
                             Error **errp);
void fake_dirty_tables_stop(void);
FakeDirtyBlock *fake_dirty_tables_add(const char *name, uint8_t *host,
                                      uint64_t pages, Error **errp);

/* The name of the hash, which outlives the migration. */
const char *fake_dirty_tables_hash(void);
/* What sending the page with this fingerprint again would have cost. */
uint64_t fake_dirty_tables_bytes(const fakedirty_fingerprint *fingerprint);
/*
 * The page is all zero, and is not sent from a stage: returns true, and counts
 * it, if it is unchanged.  Otherwise its slot is written and it has to be sent.
 */
bool fake_dirty_tables_skip_zero_page(FakeDirtyBlock *block,
                                      unsigned long page);
/* Walks all slots: only while nobody writes them. */
void fake_dirty_tables_count_false_skips(void);

/* The filter passes valid arguments: an error is a bug in it. */
void fake_dirty_abort_on_error(int status);

#endif
