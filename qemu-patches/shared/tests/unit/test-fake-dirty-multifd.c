/*
 * The fake dirty filter in the multifd channels: threads that do what channels
 * do, a guest and a destination.
 *
 * The guest writes only while nobody copies its pages, so that the test can run
 * under ThreadSanitizer.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#include "qemu/osdep.h"
#include "qemu/bitmap.h"
#include "qemu/lockable.h"
#include "qemu/memalign.h"
#include "qemu/thread.h"
#include "qapi/error.h"
#include "exec/ramblock.h"
#include "io/channel.h"
#include "migration/fake-dirty.h"
#include "migration/multifd-fake-dirty.h"
#include "migration/qemu-file.h"
#include "sysemu/runstate.h"

#define PAGE 4096
#define PACKET 16
#define PAGES (64 * PACKET)
#define CHANNELS 4

/* A packet without pages is not to be announced with this size. */
#define STALE_SIZE 12345

/* As long as a channel that is slow to send takes. */
#define SLOW_SEND_US (50 * 1000)

static MultiFDSendParams params[CHANNELS];

/* --- What multifd-fake-dirty.c needs of multifd.c and qemu-file.c -------- */

MultiFDSendParams *multifd_send_channel(int i)
{
    return i < CHANNELS ? &params[i] : NULL;
}

bool multifd_send_exiting(void)
{
    return false;
}

/* Of the migration, which somebody may cancel. */
static int file_error;

int qemu_file_get_error(QEMUFile *f)
{
    return file_error;
}

bool runstate_is_running(void)
{
    return true;
}

/* --- A guest and its destination ----------------------------------------- */

static RAMBlock ram;
static uint8_t *destination;
static unsigned long marks[BITS_TO_LONGS(PAGES)];
static uint64_t passes;

/* A channel posts "copied" and sends a while later, while @slow. */
static bool slow;
static QemuSemaphore copied;

/* Packets that had no page left, and were not sent. */
static unsigned int emptied;

static uint64_t pages_sent(void)
{
    uint64_t packets;

    return fake_dirty_channels_sent(&packets);
}

static void send_packet(MultiFDSendParams *p)
{
    uint32_t i;

    if (qatomic_read(&slow)) {
        qemu_sem_post(&copied);
        g_usleep(SLOW_SEND_US);
    }
    if (p->normal_num) {
        p->next_packet_size = p->normal_num * PAGE;
    } else {
        g_assert_cmpuint(p->flags & MULTIFD_FLAG_SYNC, !=, 0);
        g_assert_cmpuint(p->next_packet_size, ==, 0);
    }
    for (i = 0; i < p->normal_num; i++) {
        memcpy(destination + p->normal[i], multifd_send_page_data(p, i), PAGE);
    }
}

/* What multifd_send_thread() does with a job. */
static void *channel(void *opaque)
{
    MultiFDSendParams *p = opaque;

    while (true) {
        qemu_sem_wait(&p->sem);
        WITH_QEMU_LOCK_GUARD(&p->mutex) {
            if (p->quit) {
                p->running = false;
                return NULL;
            }
            g_assert_cmpint(p->pending_job, ==, 1);
        }
        g_assert_cmpint(multifd_send_filter(p, &error_abort), ==, 0);
        WITH_QEMU_LOCK_GUARD(&p->mutex) {
            g_assert_true(p->staged);
            p->pages->num = 0;
            p->pages->block = NULL;
        }
        if (multifd_send_nothing(p)) {
            qatomic_inc(&emptied);
        } else {
            send_packet(p);
        }
        multifd_send_filtered(p);
        WITH_QEMU_LOCK_GUARD(&p->mutex) {
            p->pending_job--;
        }
    }
}

static void write_page(unsigned long page, uint8_t value)
{
    memset(ram.host + page * PAGE, value, PAGE);
}

static void begin(void)
{
    FakeDirtyOptions options = {
        .hash = "ph128", .page_size = PAGE, .multifd = true,
        .stage_pages = FAKE_DIRTY_STAGE_PAGES,
    };
    unsigned long page;
    int i;

    ram.host = qemu_memalign(PAGE, PAGES * PAGE);
    destination = qemu_memalign(PAGE, PAGES * PAGE);
    memset(destination, 0, PAGES * PAGE);
    for (page = 0; page < PAGES; page++) {
        write_page(page, 1 + page % 255);
    }
    slow = false;
    emptied = 0;
    passes = 0;
    qemu_sem_init(&copied, 0);
    g_assert_true(fake_dirty_start(&options, &error_abort));
    ram.fake_dirty = fake_dirty_block_new("ram", ram.host, PAGES, &error_abort);

    memset(params, 0, sizeof(params));
    for (i = 0; i < CHANNELS; i++) {
        MultiFDSendParams *p = &params[i];

        qemu_mutex_init(&p->mutex);
        qemu_sem_init(&p->sem, 0);
        p->pages = g_new0(MultiFDPages_t, 1);
        p->pages->allocated = PACKET;
        p->pages->offset = g_new0(ram_addr_t, PACKET);
        p->normal = g_new0(ram_addr_t, PACKET);
        p->next_packet_size = STALE_SIZE;
        p->running = true;
        qemu_thread_create(&p->thread, "channel", channel, p,
                           QEMU_THREAD_JOINABLE);
    }
}

static void quit(MultiFDSendParams *p)
{
    WITH_QEMU_LOCK_GUARD(&p->mutex) {
        p->quit = true;
    }
    qemu_sem_post(&p->sem);
    qemu_thread_join(&p->thread);
}

static void end(void)
{
    int i;

    for (i = 0; i < CHANNELS; i++) {
        MultiFDSendParams *p = &params[i];

        if (p->running) {
            quit(p);
        }
        multifd_send_filter_cleanup(p);
        g_free(p->normal);
        g_free(p->pages->offset);
        g_free(p->pages);
        qemu_sem_destroy(&p->sem);
        qemu_mutex_destroy(&p->mutex);
    }
    fake_dirty_stop();
    qemu_sem_destroy(&copied);
    qemu_vfree(ram.host);
    qemu_vfree(destination);
}

/* What multifd_send_pages() does: the next packet of marked pages. */
static bool send_next(MultiFDSendParams *p)
{
    unsigned long page = find_first_bit(marks, PAGES);

    QEMU_LOCK_GUARD(&p->mutex);
    if (p->pending_job || page == PAGES) {
        return false;
    }
    p->pages->block = &ram;
    for (; page < PAGES && p->pages->num < PACKET;
         page = find_next_bit(marks, PAGES, page + 1)) {
        clear_bit(page, marks);
        p->pages->offset[p->pages->num++] = page * PAGE;
    }
    p->next_packet_size = STALE_SIZE;
    p->pending_job++;
    qemu_sem_post(&p->sem);
    return true;
}

/* Until all marked pages are with the channels. */
static void walk(void)
{
    int i;

    for (i = 0; find_first_bit(marks, PAGES) < PAGES; i = (i + 1) % CHANNELS) {
        send_next(&params[i]);
    }
}

static void sync_marks(void)
{
    fake_dirty_sync_begin();
    fake_dirty_sync_end(++passes);
}

/* A pass over all pages. */
static void pass_over_all(void)
{
    sync_marks();
    bitmap_fill(marks, PAGES);
    walk();
    g_assert_true(multifd_send_drain(NULL));
}

static void assert_equal_memory(void)
{
    /* Not by g_assert_cmpmem(), which would print it. */
    g_assert_true(!memcmp(destination, ram.host, PAGES * PAGE));
}

static void test_passes(void)
{
    FakeDirtyReport report;
    unsigned int pass;

    begin();
    pass_over_all();
    assert_equal_memory();
    g_assert_cmpuint(pages_sent(), ==, PAGES);
    for (pass = 2; pass < 20; pass++) {
        unsigned int changed = g_test_rand_int_range(1, PAGES / 2);
        unsigned long step = PAGES / changed;
        unsigned int i;

        for (i = 0; i < changed; i++) {
            ram.host[i * step * PAGE + pass]++;
        }
        pass_over_all();
        assert_equal_memory();
        g_assert_cmpuint(pages_sent(), ==, changed);
    }
    g_assert_true(fake_dirty_report(&report));
    g_assert_cmpuint(report.counts.first, ==, PAGES);
    g_assert_cmpuint(report.counts.checked, ==, 19 * PAGES);
    end();
}

/*
 * A packet that has been emptied is not sent, unless somebody waits for it;
 * then it has its own size, not that of another.
 */
static void test_emptied(void)
{
    begin();
    pass_over_all();
    g_assert_cmpuint(qatomic_read(&emptied), ==, 0);
    pass_over_all();
    g_assert_cmpuint(qatomic_read(&emptied), ==, PAGES / PACKET);
    params[0].flags |= MULTIFD_FLAG_SYNC;
    params[1].flags |= MULTIFD_FLAG_SYNC;
    pass_over_all();
    g_assert_cmpuint(qatomic_read(&emptied), >=, PAGES / PACKET);
    g_assert_cmpuint(qatomic_read(&emptied), <, 2 * PAGES / PACKET);
    end();
}

static void no_log(void *opaque, unsigned long page)
{
}

/*
 * R6: a channel has copied a page that is about to change at the destination,
 * and the guest takes the change back.  Who looks at the page meanwhile takes
 * it for unchanged, and the destination keeps the value in the middle.
 */
static void test_rescan_waits(void)
{
    begin();
    pass_over_all();

    sync_marks();
    write_page(3, 0xbb);
    set_bit(3, marks);
    qatomic_set(&slow, true);
    walk();
    qemu_sem_wait(&copied);
    qatomic_set(&slow, false);
    write_page(3, 1 + 3);
    sync_marks();
    set_bit(3, marks);

    g_assert_true(multifd_send_drain(NULL));
    fake_dirty_fill(ram.fake_dirty, marks, 0, PAGES, no_log, NULL);
    g_assert_true(test_bit(3, marks));
    fake_dirty_restart();
    walk();
    g_assert_true(multifd_send_drain(NULL));
    assert_equal_memory();
    end();
}

/* Nobody waits for a channel that is stuck when the migration is cancelled. */
static void test_cancelled(void)
{
    begin();
    pass_over_all();

    write_page(3, 0xbb);
    set_bit(3, marks);
    qatomic_set(&slow, true);
    walk();
    qemu_sem_wait(&copied);
    file_error = -EIO;
    g_assert_false(multifd_send_drain(NULL));
    file_error = 0;
    qatomic_set(&slow, false);
    g_assert_true(multifd_send_drain(NULL));
    end();
}

static void test_quit(void)
{
    begin();
    pass_over_all();
    quit(&params[2]);
    g_assert_false(multifd_send_drain(NULL));
    end();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fake-dirty/multifd/passes", test_passes);
    g_test_add_func("/fake-dirty/multifd/emptied", test_emptied);
    g_test_add_func("/fake-dirty/multifd/rescan-waits", test_rescan_waits);
    g_test_add_func("/fake-dirty/multifd/cancelled", test_cancelled);
    g_test_add_func("/fake-dirty/multifd/quit", test_quit);
    return g_test_run();
}
