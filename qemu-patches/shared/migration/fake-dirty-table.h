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
#include "migration/fake-dirty-sample.h"

#include <fakedirty.h>

typedef struct FakeDirtyBlock FakeDirtyBlock;

/* A RAM block with its table. */
struct FakeDirtyBlock {
    char *name;
    uint8_t *host;
    uint64_t pages;
    fakedirty_table *table;
    unsigned long *looked_at;   /* pages; in the look that there is */
    unsigned long *unknown;     /* groups all of whose slots are unknown */
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
/* What takes long to give back is given back by a thread. */
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
/*
 * The page will be sent unseen: makes its slot unknown, and those of its group,
 * none of which is being written.
 */
void fake_dirty_tables_forget(FakeDirtyBlock *block, unsigned long page);
/* The slots of these pages are about to be written. */
void fake_dirty_tables_known(FakeDirtyBlock *block, const uint64_t *pages,
                             unsigned int count);
void fake_dirty_tables_count_false_skips(void);

/* No page has been looked at. */
void fake_dirty_tables_look_begin(void);

/*
 * The library said @status.  The filter passes valid arguments, so that an
 * error is a bug in it: nothing is known any more, and the migration has to
 * fail.  Returns true if there was no error.
 */
bool fake_dirty_tables_ok(int status);
/* Has there been an error? */
bool fake_dirty_tables_failed(Error **errp);

#endif
