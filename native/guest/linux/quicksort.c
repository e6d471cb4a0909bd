/*
 * SPDX-License-Identifier: MIT
 *
 * Fills arrays of 1,024 bytes with random integers and sorts them, one after the other through a pool,
 * for ever. Options: bytes (of the pool), seed.
 * Check: every array that was sorted is sorted, and holds the numbers that were put in.
 */
#include "workload.h"

#define NUMBERS 256

static void quicksort(int32_t *from, int32_t *to)
{
    while (from < to) {
        int32_t pivot = from[(to - from) / 2], *i = from - 1, *j = to + 1;

        for (;;) {
            do {
                i++;
            } while (*i < pivot);
            do {
                j--;
            } while (*j > pivot);
            if (i >= j) {
                break;
            }
            int32_t kept = *i;
            *i = *j;
            *j = kept;
        }
        /* The shorter part by a call, the longer by going on. */
        if (j - from < to - j) {
            quicksort(from, j);
            from = j + 1;
        } else {
            quicksort(j + 1, to);
            to = j;
        }
    }
}

int main(int argc, char **argv)
{
    uint64_t bytes = workload_number(argc, argv, "bytes", 64 << 20);
    uint64_t random = workload_number(argc, argv, "seed", 1);
    uint64_t arrays = bytes / (NUMBERS * sizeof(int32_t)), next = 0, wrong = 0;
    int32_t *pool = calloc(arrays, NUMBERS * sizeof(int32_t));
    int64_t *sums = calloc(arrays, sizeof(*sums));

    if (!pool || !sums || arrays == 0) {
        printf("quicksort: not enough memory\n");
        return 2;
    }
    workload_begin();
    while (!workload_stopped()) {
        uint64_t since_ns = workload_now_ns();
        int32_t *array = pool + next * NUMBERS;
        int64_t sum = 0;

        for (int i = 0; i < NUMBERS; i++) {
            array[i] = workload_random(&random);
            sum += array[i];
        }
        quicksort(array, array + NUMBERS - 1);
        sums[next] = sum;
        next = (next + 1) % arrays;
        workload_done(1, since_ns);
    }
    for (uint64_t at = 0; at < arrays; at++) {
        int32_t *array = pool + at * NUMBERS;
        int64_t sum = array[0];
        bool sorted = true;

        for (int i = 1; i < NUMBERS; i++) {
            sum += array[i];
            sorted = sorted && array[i - 1] <= array[i];
        }
        wrong += !sorted || sum != sums[at];
    }
    return workload_check(arrays, wrong, "arrays");
}
