/*
 * The fake dirty filter as users see it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#ifndef QEMU_MIGRATION_FAKE_DIRTY_QAPI_H
#define QEMU_MIGRATION_FAKE_DIRTY_QAPI_H

#include "qapi/qapi-types-fake-dirty.h"
#include "monitor/monitor.h"

/*
 * Can these capabilities be combined, with that hash (R7)?  @caps is indexed
 * by MigrationCapability.
 */
bool fake_dirty_check(const bool *caps, FakeDirtyHash hash, bool weak_hash,
                      Error **errp);

/* Can a migration to @uri be filtered (R7)? */
bool fake_dirty_check_uri(const char *uri, Error **errp);

/* NULL when there has been no migration with the filter. */
FakeDirtyInfo *fake_dirty_info(void);

void fake_dirty_emit_pass(void);

void hmp_info_fake_dirty(Monitor *mon, const FakeDirtyInfo *info);

#endif
