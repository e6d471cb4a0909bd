/*
 * The fake dirty filter: when a migration ends, over random histories of a
 * guest, its link and what others owe.
 *
 * Time is simulated.  A guest of many pages marks a working set at some rate;
 * of what it marks, some share has really changed.  Rate, working set, share
 * and the debts of others change now and then.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */
#include "qemu/osdep.h"
#include <math.h>
#include "migration/fake-dirty-end.h"
#include "migration/fake-dirty-sample.h"

#define SECOND 1e9

/* What a guest does for a while; pages, nanoseconds. */
typedef struct Guest {
    double working_set;
    double marks_per_ns;
    double changed;             /* share of what it marks */
    double others;              /* what others owe */
} Guest;

typedef struct World {
    double pages;
    double pages_per_ns;        /* of the link */
    double check_ns;            /* a page */
    double sync_ns;
    double limit_ns;            /* of the downtime */
} World;

/* What is marked: how many pages, and how many of them have changed. */
typedef struct Marks {
    double marked;
    double changed;
} Marks;

static double between(double low, double high)
{
    return g_test_rand_double_range(low, high);
}

/* Any order of magnitude is as likely as any other. */
static double magnitude(double low, double high)
{
    return low * pow(high / low, between(0, 1));
}

static World some_world(void)
{
    return (World) {
        .pages = magnitude(1e4, 1e7),
        .pages_per_ns = magnitude(0.000005, 0.001), /* 20 MB/s to 4 GB/s */
        .check_ns = magnitude(100, 1500),
        .sync_ns = magnitude(1e5, 1e7),
        .limit_ns = magnitude(3e7, 1e9),
    };
}

static Guest some_guest(const World *world)
{
    return (Guest) {
        .working_set = world->pages * magnitude(0.001, 1),
        .marks_per_ns = magnitude(0.000001, 0.01),
        .changed = g_test_rand_bit() ? between(0, 1) : magnitude(0.0001, 1),
        .others = g_test_rand_bit() ? 0 :
                  world->pages_per_ns * world->limit_ns * between(0, 1.2),
    };
}

/* How many of @set pages are marked after @ns if @marked were before. */
static double marked_after(double set, double marked, double per_ns, double ns)
{
    if (set < 1) {
        return marked;
    }
    return set - (set - MIN(marked, set)) * exp(-per_ns * ns / set);
}

static Marks guest_runs(const Guest *guest, Marks marks, double ns)
{
    double changing = guest->working_set * guest->changed;

    marks.changed = marked_after(changing, MIN(marks.changed, changing),
                                 guest->marks_per_ns * guest->changed, ns);
    marks.marked = marks.changed +
        marked_after(guest->working_set - changing,
                     MAX(marks.marked - marks.changed, 0),
                     guest->marks_per_ns * (1 - guest->changed), ns);
    return marks;
}

static double room_of(const World *world, const Guest *guest)
{
    return floor(MAX(world->pages_per_ns * world->limit_ns - guest->others, 0));
}

/*
 * Would R9 end here, if everybody knew without a sample whether it pays to
 * look, and looked as often as he likes?
 */
static bool could_end(const World *world, const Guest *guest, Marks marks,
                      double room)
{
    double new_marks = marks.marked, kept = 0, before = INFINITY;

    while (kept + new_marks > room) {
        Marks next = {};

        /* With some distance: the real one counts whole pages. */
        if (new_marks > before * 0.49 || kept > room * 0.98 || new_marks < 2) {
            return false;
        }
        kept += marks.changed;
        next = guest_runs(guest, next, new_marks * world->check_ns +
                                       world->sync_ns);
        before = new_marks;
        new_marks = next.marked;
        marks = next;
    }
    return true;
}

/* How many of the sample have changed. */
static uint64_t sampled_changed(uint64_t sampled, double share)
{
    uint64_t changed = 0, i;

    for (i = 0; i < sampled; i++) {
        changed += between(0, 1) < share;
    }
    return changed;
}

/*
 * What the filter does after the sync that found @marks; returns whether the
 * migration ends.  On return @marks are what is to be sent.
 */
static bool decide(const World *world, const Guest *guest, Marks *marks,
                   double room, double *now_ns)
{
    Marks fresh = *marks, kept = {};
    uint64_t sampled = MIN(marks->marked / FAKE_DIRTY_SAMPLE_GROUPS,
                           FAKE_DIRTY_SAMPLE_PAGES);
    FakeDirtyProspect prospect = {
        .marks = marks->marked, .room = room, .sampled = sampled,
        .check_ns = world->check_ns,
    };

    if (marks->marked <= room) {
        fake_dirty_end_finish();
        return true;
    }
    prospect.unchanged = sampled -
        sampled_changed(sampled, marks->changed / marks->marked);
    if (!fake_dirty_end_rested(*now_ns) ||
        !fake_dirty_end_begin(&prospect, *now_ns)) {
        return false;
    }
    while (kept.marked + fresh.marked > room) {
        double rescan_ns;

        if (!fake_dirty_end_round(kept.marked + fresh.marked, room, *now_ns)) {
            break;
        }
        rescan_ns = fresh.marked * world->check_ns;
        *now_ns += rescan_ns;
        kept.marked += fresh.changed;
        kept.changed += fresh.changed;
        if (!fake_dirty_end_rescanned(fresh.changed, room,
                                      kept.marked <= room, *now_ns)) {
            fresh = guest_runs(guest, (Marks) {}, rescan_ns);
            break;
        }
        fresh = guest_runs(guest, (Marks) {}, rescan_ns + world->sync_ns);
        *now_ns += world->sync_ns;
    }
    marks->marked = kept.marked + fresh.marked;
    marks->changed = kept.changed + fresh.changed;
    if (marks->marked <= room) {
        fake_dirty_end_finish();
        return true;
    }
    g_assert_false(fake_dirty_end_looking());
    return false;
}

#define PASSES 40

/* One migration; adds to the counters what it has shown. */
static void migrate(unsigned int *ended, unsigned int *looked)
{
    World world = some_world();
    Guest guest = some_guest(&world);
    Marks marks = { world.pages, world.pages };
    double now_ns = 0, look_ns = 0, rest_until_ns = 0;
    unsigned int possible = 0, pass;

    fake_dirty_end_start();
    for (pass = 0; pass < PASSES; pass++) {
        double pass_ns = marks.marked * world.check_ns +
                         marks.changed / world.pages_per_ns;
        double begin_ns, room;
        bool can, ends, rested;

        now_ns += pass_ns + world.sync_ns;
        marks = guest_runs(&guest, (Marks) {}, pass_ns + world.sync_ns);
        room = room_of(&world, &guest);
        can = could_end(&world, &guest, marks, room) &&
              marks.marked * world.check_ns < 0.4 * FAKE_DIRTY_LOOK_NS_MAX;
        begin_ns = now_ns;
        rested = begin_ns >= rest_until_ns;
        ends = decide(&world, &guest, &marks, room, &now_ns);
        if (ends) {
            /* Never beyond the limit. */
            g_assert_cmpfloat(marks.marked + guest.others, <=,
                              world.pages_per_ns * world.limit_ns + 1);
            (*ended)++;
            *looked += now_ns > begin_ns;
            return;
        }
        if (now_ns > begin_ns) {
            /* In vain: looks take their share of the time, and no more. */
            look_ns += now_ns - begin_ns;
            rest_until_ns = now_ns +
                            (now_ns - begin_ns) * FAKE_DIRTY_LOOK_REST;
            g_assert_cmpfloat(now_ns - begin_ns, <=,
                              2.0 * FAKE_DIRTY_LOOK_NS_MAX + world.sync_ns);
        }
        /* Whenever it could end, it does so within one more pass. */
        possible = can && rested ? possible + 1 : 0;
        g_assert_cmpuint(possible, <, 2);
        if (g_test_rand_int_range(0, 4) == 0) {
            guest = some_guest(&world);
        }
    }
    /* The last look may just have ended. */
    g_assert_cmpfloat(look_ns, <=, now_ns / (1 + FAKE_DIRTY_LOOK_REST) +
                                   2.0 * FAKE_DIRTY_LOOK_NS_MAX);
}

static void test_histories(void)
{
    unsigned int ended = 0, looked = 0, i;

    for (i = 0; i < 20000; i++) {
        migrate(&ended, &looked);
    }
    /* So that it is known what the histories were good for. */
    g_test_message("%u ended, %u of them after a look", ended, looked);
    g_assert_cmpuint(looked, >, 500);
    g_assert_cmpuint(ended, <, 20000);
}

/* 2 GiB that are all fake, marked at 0.64 GB/s, checked at 20 GB/s; R9. */
static void test_all_fake(void)
{
    World world = {
        .pages = 524288, .pages_per_ns = 117e6 / 4096 / SECOND,
        .check_ns = 200, .sync_ns = 1e6, .limit_ns = 0.3 * SECOND,
    };
    Guest guest = {
        .working_set = 524288, .marks_per_ns = 640e6 / 4096 / SECOND,
    };
    Marks marks = { 524288, 0 };
    double now_ns = 0;

    fake_dirty_end_start();
    g_assert_true(decide(&world, &guest, &marks, room_of(&world, &guest),
                         &now_ns));
    g_assert_cmpfloat(now_ns, <, 0.15 * SECOND);
}

/* 45 % fake, 1.5 times the limit as marked and 0.83 really. */
static void test_less_than_half(void)
{
    World world = {
        .pages = 1e6, .pages_per_ns = 117e6 / 4096 / SECOND,
        .check_ns = 200, .sync_ns = 1e6, .limit_ns = 0.3 * SECOND,
    };
    Guest guest = { .working_set = 12854, .marks_per_ns = 0.00001,
                    .changed = 0.55 };
    Marks marks = { 12854, 7070 };
    double now_ns = 0;

    fake_dirty_end_start();
    g_assert_true(decide(&world, &guest, &marks, room_of(&world, &guest),
                         &now_ns));
}

/* A guest that marks faster than it can be looked at doesn't end, and rests. */
static void test_outrun(void)
{
    World world = {
        .pages = 1e6, .pages_per_ns = 117e6 / 4096 / SECOND,
        .check_ns = 1000, .sync_ns = 1e6, .limit_ns = 0.3 * SECOND,
    };
    Guest guest = { .working_set = 1e5, .marks_per_ns = 0.002 };
    Marks marks = { 1e5, 0 };
    double now_ns = 0, begin_ns;

    fake_dirty_end_start();
    g_assert_false(decide(&world, &guest, &marks, room_of(&world, &guest),
                          &now_ns));
    g_assert_true(fake_dirty_end_outrun());
    g_assert_false(fake_dirty_end_rested(now_ns));
    begin_ns = now_ns;
    g_assert_false(decide(&world, &guest, &marks, room_of(&world, &guest),
                          &now_ns));
    g_assert_cmpfloat(now_ns, ==, begin_ns);
    g_assert_true(fake_dirty_end_rested(now_ns * 5));
}

/* Which pages are in the sample is fixed, and nothing regular avoids it. */
static void test_sample(void)
{
    unsigned long page, count = 0, step;
    const unsigned long pages = 100 * FAKE_DIRTY_STRETCH_PAGES;

    for (page = 0; page < pages; page++) {
        count += fake_dirty_in_sample(page);
    }
    g_assert_cmpuint(count, ==, pages / FAKE_DIRTY_SAMPLE_GROUPS);
    for (step = 2; step <= FAKE_DIRTY_STRETCH_PAGES; step *= 2) {
        for (count = 0, page = 0; page < pages; page += step) {
            count += fake_dirty_in_sample(page);
        }
        g_assert_cmpuint(count, >,
                         pages / step / FAKE_DIRTY_SAMPLE_GROUPS / 4);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fake-dirty-end/histories", test_histories);
    g_test_add_func("/fake-dirty-end/all-fake", test_all_fake);
    g_test_add_func("/fake-dirty-end/less-than-half", test_less_than_half);
    g_test_add_func("/fake-dirty-end/outrun", test_outrun);
    g_test_add_func("/fake-dirty-end/sample", test_sample);
    return g_test_run();
}
