/*
 * The fake dirty filter as users see it: its capability and parameters, and
 * what it reports.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#ifndef QEMU_MIGRATION_FAKE_DIRTY_QAPI_H
#define QEMU_MIGRATION_FAKE_DIRTY_QAPI_H

#include "qapi/qapi-types-fake-dirty.h"
#include "qapi/qapi-types-migration.h"
#include "monitor/monitor.h"

/* --- Capability and parameters ------------------------------------------- */

/* As they are set now. */
bool migrate_fake_dirty_filter(void);
FakeDirtyHash migrate_fake_dirty_hash(void);
bool migrate_fake_dirty_unsafe_hash(void);
bool migrate_fake_dirty_verify(void);
uint64_t migrate_fake_dirty_max_memory(void);
unsigned int migrate_fake_dirty_max_cpu(void);
bool migrate_fake_dirty_sampling(void);

/* For the functions of similar names. */
void fake_dirty_params_init(MigrationParameters *params);
void fake_dirty_params_apply(const MigrateSetParameters *params,
                             MigrationParameters *dest);
void fake_dirty_params_query(MigrationParameters *params);
void hmp_info_fake_dirty_params(Monitor *mon,
                                const MigrationParameters *params);

/*
 * Are these parameters valid, and can these capabilities be combined with them
 * (R7)?  @caps is indexed by MigrationCapability.
 */
bool fake_dirty_check(const bool *caps, const MigrationParameters *params,
                      Error **errp);

/* Can a migration to @uri be filtered (R7)? */
bool fake_dirty_check_uri(const char *uri, Error **errp);

/* --- Reports ------------------------------------------------------------- */

/* NULL when there has been no migration with the filter. */
FakeDirtyInfo *fake_dirty_info(void);

/* Emits the event for the pass that the last sync ended, if there is one. */
void fake_dirty_emit_pass(void);

void hmp_info_fake_dirty(Monitor *mon, const FakeDirtyInfo *info);

#endif
