/*
 * SPDX-License-Identifier: MIT
 *
 * Writes to a set of pages, for ever. Options: bytes, words (written in each page by a visit),
 * pages_per_second (0: as fast as it can), order (random, sequential), seed, and pattern:
 *   random   new values at each visit
 *   same     the values that are there already: every mark is fake
 *   flip     one of two values in turn: back where it was at every second visit
 *   idle     nothing, once they are filled
 * Check: every word has the value that its page's number of visits says.
 */
#include <sys/mman.h>

#include "workload.h"

#define PAGE_WORDS 512
#define BATCH 16

enum { RANDOM, SAME, FLIP, IDLE, PATTERNS };
static const char *const names[PATTERNS] = {"random", "same", "flip", "idle"};

static uint64_t value(int pattern, uint64_t page, uint64_t word, uint32_t visits)
{
    uint64_t version = pattern == RANDOM ? visits : pattern == FLIP ? visits & 1 : 0;

    return workload_mix((page << 20 | word) + version * 0x9e3779b97f4a7c15ull);
}

int main(int argc, char **argv)
{
    uint64_t bytes = workload_number(argc, argv, "bytes", 64 << 20);
    uint64_t words = workload_number(argc, argv, "words", 8);
    double rate = workload_number(argc, argv, "pages_per_second", 0);
    bool sequential = strcmp(workload_text(argc, argv, "order", "random"), "sequential") == 0;
    uint64_t random = workload_number(argc, argv, "seed", 1);
    const char *wanted = workload_text(argc, argv, "pattern", "random");
    uint64_t pages = bytes / (PAGE_WORDS * sizeof(uint64_t)), next = 0, wrong = 0, stride;
    uint64_t *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint32_t *visits = calloc(pages, sizeof(*visits));
    int pattern = 0;

    while (pattern < PATTERNS && strcmp(names[pattern], wanted) != 0) {
        pattern++;
    }
    if (pattern == PATTERNS || memory == MAP_FAILED || !visits || pages == 0 || words == 0 ||
        words > PAGE_WORDS) {
        printf("working-set: no such pattern, or not enough memory\n");
        return 2;
    }
    stride = PAGE_WORDS / words;
    for (uint64_t page = 0; page < pages; page++) {
        for (uint64_t word = 0; word < PAGE_WORDS; word++) {
            memory[page * PAGE_WORDS + word] = value(pattern, page, word, 0);
        }
    }
    workload_begin();
    uint64_t since_ns = workload_now_ns();
    while (!workload_stopped()) {
        if (pattern == IDLE) {
            nanosleep(&(struct timespec){.tv_nsec = WORKLOAD_REPORT_NS}, NULL);
            workload_done(0, 0);
            continue;
        }
        for (int i = 0; i < BATCH; i++) {
            uint64_t page = sequential ? next++ % pages : workload_random(&random) % pages;
            volatile uint64_t *at = memory + page * PAGE_WORDS;

            visits[page]++;
            for (uint64_t word = 0; word < words * stride; word += stride) {
                at[word] = value(pattern, page, word, visits[page]);
            }
        }
        workload_done(BATCH, since_ns);
        workload_pace(rate);
        since_ns = workload_now_ns();
    }
    for (uint64_t page = 0; page < pages; page++) {
        for (uint64_t word = 0; word < PAGE_WORDS; word++) {
            bool written = word % stride == 0 && word < words * stride;
            uint32_t seen = written ? visits[page] : 0;
            wrong += memory[page * PAGE_WORDS + word] != value(pattern, page, word, seen);
        }
    }
    return workload_check(pages * PAGE_WORDS, wrong, "words");
}
