/*
 * SPDX-License-Identifier: MIT
 *
 * What the lab's own workloads have in common: options, the end on SIGTERM, and what they say of
 * themselves: throughput and latency a few times a second, and the result of their check at the end.
 */
#ifndef FAKEDIRTY_GUEST_WORKLOAD_H
#define FAKEDIRTY_GUEST_WORKLOAD_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WORKLOAD_REPORT_NS 100000000ull
#define WORKLOAD_PROGRESS_NS 1000000000ull
/* Latencies are counted in classes, eight for each power of two. */
#define WORKLOAD_CLASSES (8 * 64)

typedef struct Workload {
    volatile sig_atomic_t stop;
    uint64_t operations;
    uint64_t began_ns;
    uint64_t told_ns;
    uint64_t longest_ns;
    /* Since when, and from which number of operations on, the rate is kept to. */
    uint64_t paced_ns;
    uint64_t paced_operations;
    uint32_t classes[WORKLOAD_CLASSES];
} Workload;

static Workload workload_state;

static inline uint64_t workload_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static void workload_on_stop(int signal)
{
    (void)signal;
    workload_state.stop = 1;
}

/* The value of "name=value" among the arguments, or `otherwise`. */
static inline const char *workload_text(int argc, char **argv, const char *name,
                                        const char *otherwise)
{
    size_t length = strlen(name);

    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], name, length) == 0 && argv[i][length] == '=') {
            return argv[i] + length + 1;
        }
    }
    return otherwise;
}

static inline uint64_t workload_number(int argc, char **argv, const char *name, uint64_t otherwise)
{
    const char *text = workload_text(argc, argv, name, NULL);

    return text ? strtoull(text, NULL, 10) : otherwise;
}

static inline bool workload_stopped(void)
{
    return workload_state.stop;
}

/* Memory is filled and the work begins. */
static inline void workload_begin(void)
{
    struct sigaction action = {.sa_handler = workload_on_stop};

    sigaction(SIGTERM, &action, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    workload_state.began_ns = workload_state.told_ns = workload_now_ns();
    printf("{\"type\":\"running\"}\n");
}

static inline unsigned workload_class(uint64_t ns)
{
    unsigned power;

    if (ns < 8) {
        return ns;
    }
    power = 63 - __builtin_clzll(ns);
    return 8 * (power - 2) + ((ns >> (power - 3)) & 7);
}

/* The upper end of a class. */
static inline double workload_class_us(unsigned class)
{
    if (class < 8) {
        return (class + 1) / 1000.0;
    }
    return (double)((class % 8) + 9) * (double)(1ull << (class / 8 - 1)) / 1000.0;
}

static inline double workload_quantile_us(uint64_t counted, double share)
{
    uint64_t wanted = counted * share, seen = 0;

    for (unsigned i = 0; i < WORKLOAD_CLASSES; i++) {
        seen += workload_state.classes[i];
        if (seen > wanted) {
            return workload_class_us(i);
        }
    }
    return 0;
}

static inline void workload_report(uint64_t now_ns)
{
    Workload *w = &workload_state;
    uint64_t counted = 0;

    for (unsigned i = 0; i < WORKLOAD_CLASSES; i++) {
        counted += w->classes[i];
    }
    printf("{\"type\":\"report\",\"atMs\":%.3f,\"operations\":%llu,\"p50Us\":%.3f,\"p99Us\":%.3f,"
           "\"maxUs\":%.3f}\n",
           (now_ns - w->began_ns) / 1e6, (unsigned long long)w->operations,
           workload_quantile_us(counted, 0.5), workload_quantile_us(counted, 0.99),
           w->longest_ns / 1e3);
    memset(w->classes, 0, sizeof(w->classes));
    w->longest_ns = 0;
    w->told_ns = now_ns;
}

/*
 * How far it is with what is no operation, since it prepares the work or checks it: whoever hears nothing of it for
 * long takes it for dead.
 */
static inline void workload_progress(uint64_t done, uint64_t of, const char *what)
{
    Workload *w = &workload_state;
    uint64_t now_ns = workload_now_ns();

    if (now_ns - w->told_ns >= WORKLOAD_PROGRESS_NS) {
        printf("{\"type\":\"progress\",\"text\":\"%llu of %llu %s\"}\n", (unsigned long long)done,
               (unsigned long long)of, what);
        fflush(stdout);
        w->told_ns = now_ns;
    }
}

/*
 * `count` operations took from since_ns until now; 0: time has passed. What is done before the work begins, to
 * prepare it, is not told.
 */
static inline void workload_done(uint64_t count, uint64_t since_ns)
{
    Workload *w = &workload_state;
    uint64_t now_ns = workload_now_ns();
    uint64_t each_ns = (now_ns - since_ns) / (count ? count : 1);

    if (count > 0) {
        w->operations += count;
        w->classes[workload_class(each_ns)]++;
        w->longest_ns = each_ns > w->longest_ns ? each_ns : w->longest_ns;
    }
    if (w->began_ns > 0 && now_ns - w->told_ns >= WORKLOAD_REPORT_NS) {
        workload_report(now_ns);
    }
}

/*
 * Waits as long as the operations so far should have taken at that rate; 0: no limit. What was missed while
 * the guest stood still is not made up for: that would be another load than the one asked for.
 */
static inline void workload_pace(double per_second)
{
    Workload *w = &workload_state;

    while (per_second > 0 && !w->stop) {
        uint64_t now_ns = workload_now_ns();
        uint64_t count = w->operations - w->paced_operations;
        uint64_t due_ns = w->paced_ns + (uint64_t)(count / per_second * 1e9);
        uint64_t wait_ns;

        if (now_ns > due_ns + WORKLOAD_REPORT_NS) {
            w->paced_ns = now_ns;
            w->paced_operations = w->operations;
        }
        if (now_ns >= due_ns) {
            return;
        }
        wait_ns = due_ns - now_ns;
        if (wait_ns > WORKLOAD_REPORT_NS) {
            wait_ns = WORKLOAD_REPORT_NS;
        }
        nanosleep(&(struct timespec){.tv_nsec = wait_ns}, NULL);
        now_ns = workload_now_ns();
        if (now_ns - w->told_ns >= WORKLOAD_REPORT_NS) {
            workload_report(now_ns);
        }
    }
}

/* Says how the check came out; answers the exit status. */
static inline int workload_check(uint64_t checked, uint64_t wrong, const char *what)
{
    printf("{\"type\":\"check\",\"what\":\"%s\",\"checked\":%llu,\"wrong\":%llu}\n", what,
           (unsigned long long)checked, (unsigned long long)wrong);
    return wrong ? 1 : 0;
}

/* A good mixture of the bits of a number. */
static inline uint64_t workload_mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9ull;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

/* The next of a sequence of random numbers. */
static inline uint64_t workload_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15ull;
    return workload_mix(*state);
}

#endif
