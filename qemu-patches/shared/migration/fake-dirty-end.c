/*
 * The fake dirty filter, end: whether it pays to look at marked pages before
 * the end of a migration is decided (R9).
 *
 * The rules are in fake-dirty-end.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#include "qemu/osdep.h"
#include "migration/fake-dirty-end.h"

static struct {
    bool looking;
    uint64_t kept;              /* pages that this look found changed */
    uint64_t new_marks;         /* in the round before, if there was one */
    int64_t begin_ns;
    int64_t rest_until_ns;      /* there is no look before */
    bool outrun;
} look;

void fake_dirty_end_start(void)
{
    memset(&look, 0, sizeof(look));
}

bool fake_dirty_end_begin(const FakeDirtyProspect *prospect, int64_t now_ns)
{
    double changed = prospect->marks;

    if (prospect->sampled) {
        changed -= changed * prospect->unchanged / prospect->sampled;
    } else if (prospect->marks <= FAKE_DIRTY_LOOK_AT_ONCE_PAGES) {
        changed = 0;
    }
    /* The rescan stops as soon as it has kept too much. */
    if (!prospect->room || changed / 2 > prospect->room ||
        prospect->marks * prospect->check_ns > FAKE_DIRTY_LOOK_NS_MAX) {
        look.outrun = false;
        return false;
    }
    look.looking = true;
    look.kept = 0;
    look.new_marks = UINT64_MAX;
    look.begin_ns = now_ns;
    return true;
}

bool fake_dirty_end_rested(int64_t now_ns)
{
    return now_ns >= look.rest_until_ns;
}

bool fake_dirty_end_looking(void)
{
    return look.looking;
}

bool fake_dirty_end_in_time(int64_t now_ns)
{
    return now_ns - look.begin_ns <= FAKE_DIRTY_LOOK_NS_MAX;
}

static bool give_up(int64_t now_ns, bool outrun)
{
    look.looking = false;
    look.outrun = outrun;
    look.rest_until_ns = now_ns + (now_ns - look.begin_ns) *
                         FAKE_DIRTY_LOOK_REST;
    return false;
}

bool fake_dirty_end_round(uint64_t marks, uint64_t room, int64_t now_ns)
{
    /* Others may have cleared the mark of a page that was kept. */
    uint64_t new_marks = marks - MIN(look.kept, marks);

    if (!new_marks || look.kept > room) {
        return give_up(now_ns, false);
    }
    if (new_marks > look.new_marks / 2 || !fake_dirty_end_in_time(now_ns)) {
        return give_up(now_ns, true);
    }
    look.new_marks = new_marks;
    return true;
}

bool fake_dirty_end_rescanned(uint64_t kept, uint64_t room, bool complete,
                              int64_t now_ns)
{
    look.kept += kept;
    if (look.kept > room || !complete) {
        return give_up(now_ns, false);
    }
    return true;
}

void fake_dirty_end_finish(void)
{
    if (look.looking) {
        look.looking = false;
        look.outrun = false;
    }
}

bool fake_dirty_end_outrun(void)
{
    return look.outrun;
}
