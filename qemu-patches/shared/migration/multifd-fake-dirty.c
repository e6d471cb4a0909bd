/*
 * The fake dirty filter beside multifd.c: drops unchanged pages in the
 * channels.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#include "qemu/osdep.h"
#include "qemu/lockable.h"
#include "qemu/timer.h"
#include "exec/ramblock.h"
#include "sysemu/runstate.h"
#include "migration/fake-dirty.h"
#include "migration/fake-dirty-broken.h"
#include "migration/multifd-fake-dirty.h"
#include "migration/qemu-file.h"

void *multifd_send_page_data(MultiFDSendParams *p, uint32_t i)
{
    return p->staged && p->copies[i] ? (void *)p->copies[i] :
                                       p->pages->block->host + p->normal[i];
}

int multifd_send_filter(MultiFDSendParams *p, Error **errp)
{
    MultiFDPages_t *pages = p->pages;
    int64_t begin_ns = get_clock();

    /* Unfiltered, a packet without pages keeps the size of the one before. */
    if (!fake_dirty_breaks(EMPTY)) {
        p->next_packet_size = 0;
    }
    if (!pages->num || !pages->block->fake_dirty) {
        return 0;
    }
    if (!p->fake_dirty) {
        p->fake_dirty = fake_dirty_stage_new(pages->allocated, errp);
        if (!p->fake_dirty) {
            return -1;
        }
        p->copies = g_new0(const uint8_t *, pages->allocated);
    }
    memcpy(p->normal, pages->offset, pages->num * sizeof(*p->normal));
    p->normal_num = fake_dirty_channel_filter(p->fake_dirty,
                                              pages->block->fake_dirty,
                                              fake_dirty_samples(),
                                              p->normal, pages->num,
                                              p->copies);
    if (runstate_is_running()) {
        fake_dirty_rest(get_clock() - begin_ns);
    }
    if (fake_dirty_failed(errp)) {
        return -1;
    }
    p->staged = true;
    return 0;
}

bool multifd_send_nothing(MultiFDSendParams *p)
{
    return p->staged && !p->normal_num && !(p->flags & MULTIFD_FLAG_SYNC) &&
           !fake_dirty_breaks(EMPTY);
}

void multifd_send_filtered(MultiFDSendParams *p)
{
    if (p->staged) {
        fake_dirty_channel_commit(p->fake_dirty);
        p->staged = false;
    }
}

void multifd_send_filter_cleanup(MultiFDSendParams *p)
{
    fake_dirty_stage_free(p->fake_dirty);
    p->fake_dirty = NULL;
    g_free(p->copies);
    p->copies = NULL;
}

bool multifd_send_drain(QEMUFile *f)
{
    MultiFDSendParams *p;
    int i;

    for (i = 0; !fake_dirty_breaks(R6); i++) {
        bool busy, quit;

        p = multifd_send_channel(i);
        if (!p) {
            break;
        }
        do {
            WITH_QEMU_LOCK_GUARD(&p->mutex) {
                busy = p->pending_job;
                quit = p->quit || !p->running;
            }
            if (quit || multifd_send_exiting() || qemu_file_get_error(f)) {
                return false;
            }
            if (busy) {
                g_usleep(50);
            }
        } while (busy);
    }
    return true;
}
