/*
 * For the unit tests of the fake dirty filter: a small guest, a destination
 * that receives what is sent, and marks that are set as a dirty bitmap sync
 * would set them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#ifndef TEST_FAKE_DIRTY_GUEST_H
#define TEST_FAKE_DIRTY_GUEST_H

#include "qemu/bitmap.h"
#include "qemu/memalign.h"
#include "qapi/error.h"
#include "migration/fake-dirty.h"

#define PAGE 4096
#define PAGES 200       /* more than three stages */

static uint8_t *guest, *destination;
static unsigned long marks[BITS_TO_LONGS(PAGES)];
static unsigned int cleared[PAGES];
static FakeDirtyBlock *block;

static inline void begin_options(const FakeDirtyOptions *options)
{
    unsigned int i;

    guest = qemu_memalign(PAGE, PAGES * PAGE);
    destination = qemu_memalign(PAGE, PAGES * PAGE);
    memset(destination, 0, PAGES * PAGE);
    for (i = 0; i < PAGES; i++) {
        memset(guest + i * PAGE, i, PAGE);      /* page 0 is a zero page */
    }
    bitmap_fill(marks, PAGES);
    memset(cleared, 0, sizeof(cleared));
    g_assert_true(fake_dirty_start(options, &error_abort));
    block = fake_dirty_block_new("ram", guest, PAGES, &error_abort);
    fake_dirty_sync_begin();
    fake_dirty_merge();
    fake_dirty_sync_end(1);
}

static inline void begin_with(const char *hash, bool verify, bool multifd)
{
    FakeDirtyOptions options = {
        .hash = hash, .page_size = PAGE, .verify = verify, .multifd = multifd,
        .stage_pages = FAKE_DIRTY_STAGE_PAGES,
    };

    begin_options(&options);
}

static inline void begin(void)
{
    begin_with("ph128", false, false);
}

static inline void end(void)
{
    fake_dirty_stop();
    g_assert_false(fake_dirty_active());
    qemu_vfree(guest);
    qemu_vfree(destination);
}

static inline void clear_log(void *opaque, unsigned long page)
{
    g_assert_true(opaque == &cleared);
    cleared[page]++;
}

static inline FakeDirtyFill fill(unsigned long page)
{
    return fake_dirty_fill(block, marks, page, PAGES, clear_log, &cleared);
}

/* Walk the marked pages as migration does; returns how many were sent. */
static inline unsigned int walk(void)
{
    unsigned int sent = 0;
    unsigned long page;

    for (page = find_first_bit(marks, PAGES); page < PAGES;
         page = find_next_bit(marks, PAGES, page)) {
        uint8_t *copy = fake_dirty_page(block, page);

        if (!copy) {
            fill(page);
            if (!test_bit(page, marks)) {
                continue;
            }
            copy = fake_dirty_page(block, page);
        }
        g_assert_nonnull(copy);
        g_assert_cmpuint(cleared[page], >, 0);
        clear_bit(page, marks);
        memcpy(destination + page * PAGE, copy, PAGE);
        fake_dirty_sent(block, page);
        sent++;
    }
    return sent;
}

static inline void sync_all(uint64_t pass)
{
    fake_dirty_sync_begin();
    fake_dirty_merge();
    bitmap_fill(marks, PAGES);
    memset(cleared, 0, sizeof(cleared));
    fake_dirty_sync_end(pass);
}

/* A pass in which nothing has changed. */
static inline void skip_all(void)
{
    walk();
    sync_all(2);
    g_assert_cmpuint(walk(), ==, 0);
}

static inline void assert_equal_memory(void)
{
    g_assert_cmpmem(destination, PAGES * PAGE, guest, PAGES * PAGE);
}

static inline FakeDirtyReport *report(void)
{
    static FakeDirtyReport report;

    g_assert_true(fake_dirty_report(&report));
    return &report;
}

/* The packet of a multifd channel that has all these pages. */
static inline void list_offsets(ram_addr_t *offsets, unsigned int count)
{
    unsigned int i;

    for (i = 0; i < count; i++) {
        offsets[i] = i * PAGE;
    }
}

#endif
