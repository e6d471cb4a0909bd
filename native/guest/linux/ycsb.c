/*
 * SPDX-License-Identifier: MIT
 *
 * The core workloads of YCSB against an ordered key-value store in memory (a skip list): records of ten
 * fields of 100 bytes. Options: workload (a to f), records, distribution (zipfian, uniform, latest; else
 * the workload's own), operations_per_second (0: no limit), seed.
 *   a  half reads, half updates          d  95 % reads of what is new, 5 % inserts
 *   b  95 % reads, 5 % updates           e  95 % scans of up to 100 records, 5 % inserts
 *   c  reads                             f  half reads, half read-modify-writes
 * An insert beyond twice the records becomes an update. Check: every record is found by its key, in order,
 * and every field has the value that was written last.
 */
#include <math.h>

#include "workload.h"

#define FIELDS 10
#define FIELD_BYTES 100
#define LEVELS 20
#define ZIPF_CONSTANT 0.99
#define LONGEST_SCAN 100

enum { READ, UPDATE, INSERT, SCAN, MODIFY, KINDS };
enum { ZIPFIAN, UNIFORM, LATEST };

static const struct {
    unsigned percent[KINDS];
    int distribution;
} mixes[] = {
    {{50, 50, 0, 0, 0}, ZIPFIAN}, {{95, 5, 0, 0, 0}, ZIPFIAN}, {{100, 0, 0, 0, 0}, ZIPFIAN},
    {{95, 0, 5, 0, 0}, LATEST},   {{0, 0, 5, 95, 0}, ZIPFIAN}, {{50, 0, 0, 0, 50}, ZIPFIAN},
};

typedef struct Record {
    uint64_t key;
    uint64_t number;
    uint32_t versions[FIELDS];
    char fields[FIELDS][FIELD_BYTES];
    unsigned levels;
    struct Record *next[];
} Record;

static Record *head;
static uint64_t records, random_state, wrong;
static double zeta;

/* Keys are hashed, so that what is inserted one after the other lies far apart; different numbers have
 * different keys, since every step of the mixture can be undone. */
static uint64_t key_of(uint64_t number)
{
    return workload_mix(number + 1);
}

static uint64_t below(uint64_t limit)
{
    return workload_random(&random_state) % limit;
}

static void fill_field(char *to, uint64_t number, unsigned field, uint32_t version)
{
    uint64_t state = (number * FIELDS + field) << 32 | version;

    for (size_t i = 0; i < FIELD_BYTES; i += sizeof(uint64_t)) {
        uint64_t bits = workload_random(&state);
        size_t left = FIELD_BYTES - i;
        memcpy(to + i, &bits, left < sizeof(bits) ? left : sizeof(bits));
    }
}

static bool field_is_right(const Record *record, unsigned field)
{
    char expected[FIELD_BYTES];

    fill_field(expected, record->number, field, record->versions[field]);
    return memcmp(expected, record->fields[field], FIELD_BYTES) == 0;
}

/* The first record whose key is not smaller; `before` gets its predecessors on each level. */
static Record *find(uint64_t key, Record **before)
{
    Record *at = head;

    for (int level = LEVELS - 1; level >= 0; level--) {
        while (at->next[level] && at->next[level]->key < key) {
            at = at->next[level];
        }
        if (before) {
            before[level] = at;
        }
    }
    return at->next[0];
}

static Record *new_record(uint64_t number, unsigned levels)
{
    Record *record = calloc(1, sizeof(*record) + levels * sizeof(Record *));

    if (!record) {
        printf("ycsb: not enough memory\n");
        exit(2);
    }
    record->number = number;
    record->key = key_of(number);
    record->levels = levels;
    return record;
}

static void insert(void)
{
    Record *before[LEVELS], *record;
    unsigned levels = 1 + __builtin_ctzll(workload_random(&random_state) | 1ull << (LEVELS - 1));

    record = new_record(records, levels);
    for (unsigned field = 0; field < FIELDS; field++) {
        fill_field(record->fields[field], records, field, 0);
    }
    find(record->key, before);
    for (unsigned level = 0; level < levels; level++) {
        record->next[level] = before[level]->next[level];
        before[level]->next[level] = record;
    }
    records++;
    zeta += 1 / pow(records, ZIPF_CONSTANT);
}

/* As in "Quickly generating billion-record synthetic databases" (Gray et al. 1994), like YCSB itself. */
static uint64_t zipfian(void)
{
    double zeta_2 = 1 + pow(0.5, ZIPF_CONSTANT), alpha = 1 / (1 - ZIPF_CONSTANT);
    double eta = (1 - pow(2.0 / records, 1 - ZIPF_CONSTANT)) / (1 - zeta_2 / zeta);
    double u = (workload_random(&random_state) >> 11) * 0x1p-53;

    if (u * zeta < 1) {
        return 0;
    }
    if (u * zeta < zeta_2) {
        return 1;
    }
    uint64_t rank = records * pow(eta * u - eta + 1, alpha);
    return rank < records ? rank : records - 1;
}

static uint64_t choose(int distribution)
{
    if (distribution == UNIFORM) {
        return below(records);
    }
    if (distribution == LATEST) {
        return records - 1 - zipfian();
    }
    /* The popular ones are spread over all. */
    return workload_mix(zipfian() + 0x51ull) % records;
}

static Record *record_at(uint64_t number)
{
    Record *record = find(key_of(number), NULL);

    if (!record || record->number != number) {
        wrong++;
        return NULL;
    }
    return record;
}

static void read_record(const Record *record)
{
    wrong += !field_is_right(record, below(FIELDS));
}

static void update(Record *record)
{
    unsigned field = below(FIELDS);

    record->versions[field]++;
    fill_field(record->fields[field], record->number, field, record->versions[field]);
}

static void operate(int kind, int distribution, uint64_t most)
{
    if (kind == INSERT && records < most) {
        insert();
        return;
    }
    Record *record = record_at(choose(distribution));
    if (!record) {
        return;
    }
    if (kind == SCAN) {
        for (uint64_t left = 1 + below(LONGEST_SCAN); record && left > 0; left--) {
            read_record(record);
            record = record->next[0];
        }
        return;
    }
    if (kind == READ || kind == MODIFY) {
        read_record(record);
    }
    if (kind != READ) {
        update(record);
    }
}

int main(int argc, char **argv)
{
    unsigned letter = workload_text(argc, argv, "workload", "a")[0] - 'a';
    const char *wanted = workload_text(argc, argv, "distribution", "");
    uint64_t first_records = workload_number(argc, argv, "records", 50000);
    double rate = workload_number(argc, argv, "operations_per_second", 0);
    int distribution;
    uint64_t found = 0;

    if (letter >= sizeof(mixes) / sizeof(mixes[0]) || first_records < 3) {
        printf("ycsb: workload is one of a to f, and there are 3 records at least\n");
        return 2;
    }
    distribution = strcmp(wanted, "zipfian") == 0   ? ZIPFIAN
                   : strcmp(wanted, "uniform") == 0 ? UNIFORM
                   : strcmp(wanted, "latest") == 0  ? LATEST
                                                    : mixes[letter].distribution;
    random_state = workload_number(argc, argv, "seed", 1);
    head = new_record(0, LEVELS);
    head->key = 0;
    while (records < first_records) {
        insert();
    }
    workload_begin();
    while (!workload_stopped()) {
        uint64_t since_ns = workload_now_ns();
        unsigned dice = below(100);
        int kind = 0;

        while (dice >= mixes[letter].percent[kind]) {
            dice -= mixes[letter].percent[kind++];
        }
        operate(kind, distribution, 2 * first_records);
        workload_done(1, since_ns);
        workload_pace(rate);
    }
    for (Record *at = head->next[0]; at; at = at->next[0]) {
        found++;
        wrong += at->next[0] && at->next[0]->key <= at->key;
        for (unsigned field = 0; field < FIELDS; field++) {
            wrong += !field_is_right(at, field);
        }
    }
    for (uint64_t number = 0; number < records; number++) {
        record_at(number);
    }
    return workload_check(found, wrong + (found != records), "records");
}
