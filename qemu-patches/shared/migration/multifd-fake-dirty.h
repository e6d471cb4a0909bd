/*
 * The fake dirty filter in multifd.c.  The same for every QEMU; included by
 * multifd.c alone, behind the state of the channels.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */

void *multifd_send_page(MultiFDSendParams *p, uint32_t i)
{
    return p->staged ? (void *)p->copies[i] :
                       p->pages->block->host + p->normal[i];
}

#ifdef CONFIG_FAKEDIRTY

/*
 * The pages of the packet are copied and classified, and the unchanged leave
 * it.  Called by a channel without its mutex: while a job is pending the pages
 * belong to the channel.  It touches no bitmap and counts no dirty page.
 */
static int multifd_send_filter(MultiFDSendParams *p, Error **errp)
{
    MultiFDPages_t *pages = p->pages;

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
                                              p->normal, pages->num,
                                              p->copies);
    p->staged = true;
    return 0;
}

/* The packet has been sent. */
static void multifd_send_filtered(MultiFDSendParams *p)
{
    if (p->staged) {
        fake_dirty_channel_commit(p->fake_dirty);
        p->staged = false;
    }
}

static void multifd_send_filter_cleanup(MultiFDSendParams *p)
{
    fake_dirty_stage_free(p->fake_dirty);
    p->fake_dirty = NULL;
    g_free(p->copies);
    p->copies = NULL;
}

/*
 * Wait until no channel is at work (R6).  Returns false when one has quit, or
 * the migration has failed or is cancelled.
 */
bool multifd_send_drain(void)
{
    QEMUFile *f = migrate_get_current()->to_dst_file;
    int i;

    for (i = 0; i < migrate_multifd_channels() && !fake_dirty_breaks(R6); i++) {
        MultiFDSendParams *p = &multifd_send_state->params[i];
        bool busy, quit;

        do {
            WITH_QEMU_LOCK_GUARD(&p->mutex) {
                busy = p->pending_job;
                quit = p->quit || !p->running;
            }
            if (quit || qatomic_read(&multifd_send_state->exiting) ||
                qemu_file_get_error(f)) {
                return false;
            }
            if (busy) {
                g_usleep(50);
            }
        } while (busy);
    }
    return true;
}

#else

static int multifd_send_filter(MultiFDSendParams *p, Error **errp)
{
    return 0;
}

static void multifd_send_filtered(MultiFDSendParams *p)
{
}

static void multifd_send_filter_cleanup(MultiFDSendParams *p)
{
}

#endif
