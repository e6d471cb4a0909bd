/*
 * SPDX-License-Identifier: MIT
 *
 * Reads and writes blocks of a disk at random, past the page cache: what is read goes straight into this
 * program's memory. Options: device, bytes, block_bytes (a multiple of 4096), reads_percent,
 * operations_per_second (0: as fast as it can), seed.
 * Check: every block has the values that its number of writes says, whenever it was read and in the end.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>

#include "workload.h"

#define ALIGNMENT 4096

static int disk;
static uint64_t block_bytes, words;
static uint32_t *writes;
static uint64_t *block_of_words;

static uint64_t value(uint64_t block, uint64_t word)
{
    return workload_mix((block << 20 | word) + writes[block] * 0x9e3779b97f4a7c15ull);
}

static bool transferred(ssize_t moved)
{
    if (moved == (ssize_t)block_bytes) {
        return true;
    }
    printf("disk: a block could not be read or written: %s\n",
           moved < 0 ? strerror(errno) : "it ends too soon");
    return false;
}

static bool write_block(uint64_t block)
{
    for (uint64_t word = 0; word < words; word++) {
        block_of_words[word] = value(block, word);
    }
    return transferred(pwrite(disk, block_of_words, block_bytes, block * block_bytes));
}

/* Adds 1 to wrong when it is not what it has to be. */
static bool read_block(uint64_t block, uint64_t *wrong)
{
    bool right = true;

    if (!transferred(pread(disk, block_of_words, block_bytes, block * block_bytes))) {
        return false;
    }
    for (uint64_t word = 0; word < words; word++) {
        right = right && block_of_words[word] == value(block, word);
    }
    *wrong += !right;
    return true;
}

int main(int argc, char **argv)
{
    const char *device = workload_text(argc, argv, "device", "/dev/vda");
    uint64_t bytes = workload_number(argc, argv, "bytes", 64 << 20);
    uint64_t reads_percent = workload_number(argc, argv, "reads_percent", 50);
    double rate = workload_number(argc, argv, "operations_per_second", 0);
    uint64_t random = workload_number(argc, argv, "seed", 1);
    uint64_t blocks, checked = 0, wrong = 0;
    bool works = true;

    block_bytes = workload_number(argc, argv, "block_bytes", 16384);
    blocks = block_bytes ? bytes / block_bytes : 0;
    words = block_bytes / sizeof(*block_of_words);
    writes = calloc(blocks ? blocks : 1, sizeof(*writes));
    block_of_words = aligned_alloc(ALIGNMENT, block_bytes);
    disk = open(device, O_RDWR | O_DIRECT | O_CLOEXEC);
    if (blocks == 0 || block_bytes % ALIGNMENT || !writes || !block_of_words || disk < 0) {
        printf("disk: %s can't be opened, or it has no such blocks: %s\n", device, strerror(errno));
        return 2;
    }
    for (uint64_t block = 0; block < blocks && works; block++) {
        works = write_block(block);
    }
    workload_begin();
    while (works && !workload_stopped()) {
        uint64_t block = workload_random(&random) % blocks;
        uint64_t since_ns = workload_now_ns();

        if (workload_random(&random) % 100 < reads_percent) {
            works = read_block(block, &wrong);
            checked++;
        } else {
            writes[block]++;
            works = write_block(block);
        }
        workload_done(1, since_ns);
        workload_pace(rate);
    }
    for (uint64_t block = 0; block < blocks && works; block++) {
        works = read_block(block, &wrong);
        checked++;
    }
    return works ? workload_check(checked, wrong, "blocks read") : 2;
}
