/*
 * The fake dirty filter as users see it: its capability and parameters, what
 * can be combined with it, and what it reports.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "qapi/error.h"
#include "qapi/qapi-events-fake-dirty.h"
#include "qapi/qapi-types-migration.h"
#include "qapi/qmp/qerror.h"
#include "qapi/util.h"
#include "monitor/monitor.h"
#include "migration/fake-dirty.h"
#include "migration/fake-dirty-qapi.h"
#include "migration/migration.h"

/* --- Parameters ---------------------------------------------------------- */

/* In percent: as many cores as multifd has channels at most. */
#define MAX_FAKE_DIRTY_MAX_CPU 25500

FakeDirtyHash migrate_fake_dirty_hash(void)
{
    return migrate_get_current()->parameters.fake_dirty_hash;
}

bool migrate_fake_dirty_unsafe_hash(void)
{
    return migrate_get_current()->parameters.fake_dirty_unsafe_hash;
}

bool migrate_fake_dirty_verify(void)
{
    return migrate_get_current()->parameters.fake_dirty_verify;
}

uint64_t migrate_fake_dirty_max_memory(void)
{
    return migrate_get_current()->parameters.fake_dirty_max_memory;
}

unsigned int migrate_fake_dirty_max_cpu(void)
{
    return migrate_get_current()->parameters.fake_dirty_max_cpu;
}

bool migrate_fake_dirty_sampling(void)
{
    return migrate_get_current()->parameters.fake_dirty_sampling;
}

void fake_dirty_params_init(MigrationParameters *params)
{
    params->has_fake_dirty_hash = true;
    params->has_fake_dirty_unsafe_hash = true;
    params->has_fake_dirty_verify = true;
    params->has_fake_dirty_max_memory = true;
    params->has_fake_dirty_max_cpu = true;
    params->has_fake_dirty_sampling = true;
}

void fake_dirty_params_apply(const MigrateSetParameters *params,
                             MigrationParameters *dest)
{
    if (params->has_fake_dirty_hash) {
        dest->fake_dirty_hash = params->fake_dirty_hash;
    }
    if (params->has_fake_dirty_unsafe_hash) {
        dest->fake_dirty_unsafe_hash = params->fake_dirty_unsafe_hash;
    }
    if (params->has_fake_dirty_verify) {
        dest->fake_dirty_verify = params->fake_dirty_verify;
    }
    if (params->has_fake_dirty_max_memory) {
        dest->fake_dirty_max_memory = params->fake_dirty_max_memory;
    }
    if (params->has_fake_dirty_max_cpu) {
        dest->fake_dirty_max_cpu = params->fake_dirty_max_cpu;
    }
    if (params->has_fake_dirty_sampling) {
        dest->fake_dirty_sampling = params->fake_dirty_sampling;
    }
}

void fake_dirty_params_query(MigrationParameters *params)
{
    fake_dirty_params_init(params);
    params->fake_dirty_hash = migrate_fake_dirty_hash();
    params->fake_dirty_unsafe_hash = migrate_fake_dirty_unsafe_hash();
    params->fake_dirty_verify = migrate_fake_dirty_verify();
    params->fake_dirty_max_memory = migrate_fake_dirty_max_memory();
    params->fake_dirty_max_cpu = migrate_fake_dirty_max_cpu();
    params->fake_dirty_sampling = migrate_fake_dirty_sampling();
}

void hmp_info_fake_dirty_params(Monitor *mon,
                                const MigrationParameters *params)
{
    assert(params->has_fake_dirty_hash);
    monitor_printf(mon, "%s: %s\n",
        MigrationParameter_str(MIGRATION_PARAMETER_FAKE_DIRTY_HASH),
        FakeDirtyHash_str(params->fake_dirty_hash));
    monitor_printf(mon, "%s: %s\n",
        MigrationParameter_str(MIGRATION_PARAMETER_FAKE_DIRTY_UNSAFE_HASH),
        params->fake_dirty_unsafe_hash ? "on" : "off");
    monitor_printf(mon, "%s: %s\n",
        MigrationParameter_str(MIGRATION_PARAMETER_FAKE_DIRTY_VERIFY),
        params->fake_dirty_verify ? "on" : "off");
    monitor_printf(mon, "%s: %" PRIu64 " bytes\n",
        MigrationParameter_str(MIGRATION_PARAMETER_FAKE_DIRTY_MAX_MEMORY),
        params->fake_dirty_max_memory);
    monitor_printf(mon, "%s: %u %%\n",
        MigrationParameter_str(MIGRATION_PARAMETER_FAKE_DIRTY_MAX_CPU),
        params->fake_dirty_max_cpu);
    monitor_printf(mon, "%s: %s\n",
        MigrationParameter_str(MIGRATION_PARAMETER_FAKE_DIRTY_SAMPLING),
        params->fake_dirty_sampling ? "on" : "off");
}

/* --- What can be combined with it ---------------------------------------- */

static const struct {
    MigrationCapability cap;
    const char *reason;
} refused[] = {
    { MIGRATION_CAPABILITY_ZERO_COPY_SEND,
      "the kernel would read guest memory after it was fingerprinted" },
    { MIGRATION_CAPABILITY_RDMA_PIN_ALL,
      "RDMA reads guest memory after it was fingerprinted" },
    { MIGRATION_CAPABILITY_X_COLO,
      "the destination runs, and changes its memory" },
    { MIGRATION_CAPABILITY_BACKGROUND_SNAPSHOT,
      "it sends each page once, so that there is nothing to skip" },
};

bool fake_dirty_check(const bool *caps, const MigrationParameters *params,
                      Error **errp)
{
    const char *hash = FakeDirtyHash_str(params->fake_dirty_hash);
    const char *risk;
    size_t i;

    if (params->fake_dirty_max_cpu > MAX_FAKE_DIRTY_MAX_CPU) {
        error_setg(errp, QERR_INVALID_PARAMETER_VALUE, "fake-dirty-max-cpu",
                   "percent of one core, from 0 (no limit) to "
                   stringify(MAX_FAKE_DIRTY_MAX_CPU));
        return false;
    }
    if (!caps[MIGRATION_CAPABILITY_FAKE_DIRTY_FILTER]) {
        return true;
    }
    if (!fake_dirty_built_in()) {
        error_setg(errp, "Capability 'fake-dirty-filter' is not built in: "
                   "QEMU was configured without libfakedirty");
        return false;
    }
    for (i = 0; i < ARRAY_SIZE(refused); i++) {
        if (caps[refused[i].cap]) {
            error_setg(errp, "Capability 'fake-dirty-filter' is not compatible "
                       "with '%s': %s",
                       MigrationCapability_str(refused[i].cap),
                       refused[i].reason);
            return false;
        }
    }
    risk = fake_dirty_hash_risk(hash);
    if (risk && !params->fake_dirty_unsafe_hash) {
        error_setg(errp, "fake-dirty-hash '%s' is unsafe: %s; ph128 is safe, "
                   "and fake-dirty-unsafe-hash=on accepts this one", hash,
                   risk);
        return false;
    }
    return true;
}

bool fake_dirty_check_uri(const char *uri, Error **errp)
{
    if (strstart(uri, "rdma:", NULL)) {
        error_setg(errp, "Capability 'fake-dirty-filter' is not compatible "
                   "with RDMA: it reads guest memory after it was "
                   "fingerprinted");
        return false;
    }
    return true;
}

/* --- Reports ------------------------------------------------------------- */

static void fill_pass(FakeDirtyPass *pass, const FakeDirtyPassCounts *from)
{
    pass->pass = from->pass;
    pass->checked = from->counts.checked;
    pass->first = from->counts.first;
    pass->zero = from->counts.zero;
    pass->changed = from->counts.changed;
    pass->unchanged = from->counts.unchanged;
    pass->unseen = from->counts.unseen;
    pass->bytes_saved = from->counts.bytes_saved;
    pass->time_ns = from->counts.time_ns;
}

FakeDirtyInfo *fake_dirty_info(void)
{
    g_autofree FakeDirtyReport *report = g_new0(FakeDirtyReport, 1);
    FakeDirtyPassList **tail;
    FakeDirtyInfo *info;
    unsigned int i;

    if (!fake_dirty_report(report)) {
        return NULL;
    }
    info = g_new0(FakeDirtyInfo, 1);
    info->hash = qapi_enum_parse(&FakeDirtyHash_lookup, report->hash,
                                 FAKE_DIRTY_HASH_PH128, &error_abort);
    info->verify = report->verify;
    info->table_bytes = report->table_bytes;
    info->checked = report->counts.checked;
    info->first = report->counts.first;
    info->zero = report->counts.zero;
    info->changed = report->counts.changed;
    info->unchanged = report->counts.unchanged;
    info->unseen = report->counts.unseen;
    info->bytes_saved = report->counts.bytes_saved;
    info->time_ns = report->counts.time_ns;
    info->false_skips = report->false_skips;
    info->bandwidth = report->bandwidth;
    info->changed_pages_rate = report->changed_pages_rate;
    tail = &info->passes;
    for (i = 0; i < report->nr_passes; i++) {
        FakeDirtyPass *pass = g_new0(FakeDirtyPass, 1);

        fill_pass(pass, &report->passes[i]);
        QAPI_LIST_APPEND(tail, pass);
    }
    return info;
}

void fake_dirty_emit_pass(void)
{
    FakeDirtyPassCounts last;
    FakeDirtyPass pass;

    if (fake_dirty_last_pass(&last)) {
        fill_pass(&pass, &last);
        qapi_event_send_migration_fake_dirty_pass(&pass);
    }
}

void hmp_info_fake_dirty(Monitor *mon, const FakeDirtyInfo *info)
{
    const FakeDirtyPassList *entry;

    monitor_printf(mon, "fake dirty hash: %s%s\n",
                   FakeDirtyHash_str(info->hash),
                   info->verify ? " (verified)" : "");
    monitor_printf(mon, "fake dirty table: %" PRIu64 " kbytes\n",
                   info->table_bytes >> 10);
    monitor_printf(mon, "fake dirty checked: %" PRIu64 " pages\n",
                   info->checked);
    monitor_printf(mon, "fake dirty first: %" PRIu64 " pages\n", info->first);
    monitor_printf(mon, "fake dirty zero: %" PRIu64 " pages\n", info->zero);
    monitor_printf(mon, "fake dirty changed: %" PRIu64 " pages\n",
                   info->changed);
    monitor_printf(mon, "fake dirty unchanged: %" PRIu64 " pages\n",
                   info->unchanged);
    monitor_printf(mon, "fake dirty unseen: %" PRIu64 " pages\n",
                   info->unseen);
    monitor_printf(mon, "fake dirty saved: %" PRIu64 " kbytes\n",
                   info->bytes_saved >> 10);
    monitor_printf(mon, "fake dirty time: %" PRIu64 " ms\n",
                   info->time_ns / 1000000);
    monitor_printf(mon, "fake dirty bandwidth: %" PRIu64 " kbytes/s\n",
                   info->bandwidth >> 10);
    monitor_printf(mon, "fake dirty changed pages rate: %" PRIu64 " pages/s\n",
                   info->changed_pages_rate);
    if (info->verify) {
        monitor_printf(mon, "fake dirty false skips: %" PRIu64 " pages\n",
                       info->false_skips);
    }
    for (entry = info->passes; entry; entry = entry->next) {
        const FakeDirtyPass *pass = entry->value;

        monitor_printf(mon, "fake dirty pass %" PRIu64 ": %" PRIu64
                       " checked, %" PRIu64 " unchanged\n",
                       pass->pass, pass->checked, pass->unchanged);
    }
}
