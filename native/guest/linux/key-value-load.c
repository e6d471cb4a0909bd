/*
 * SPDX-License-Identifier: MIT
 *
 * Load for memcached from outside the guest: gets and sets over several connections, one request at a time
 * on each. Options: host, port, connections, keys, value_bytes, gets_percent, operations_per_second (0: no
 * limit), seed, silence_seconds (that a connection may take for an answer in the end).
 * Checks: every answer is what was set last, every key has its value in the end, and no connection was lost or
 * fell silent.
 */
#include "connection.h"

#define MAX_CONNECTIONS 64
#define BUFFER_BYTES (1 << 20)
#define MAX_VALUE_BYTES (BUFFER_BYTES / 2)
#define POLL_MS 100

typedef struct Connection {
    int fd;
    bool busy, sets, lost, silent;
    uint64_t key, since_ns;
    size_t length;
    char *answer;
} Connection;

static Connection connections[MAX_CONNECTIONS];
static uint32_t *versions;
static uint64_t keys, value_bytes, connection_count, silence_ns, checked, wrong;
/* Else it sets all keys, before, or gets them all, in the end: that is no operation. */
static bool works;

/* What a key holds: letters, since they are easy to look at. */
static void fill_value(char *value, uint64_t key, uint32_t version)
{
    uint64_t state = key << 32 | version;

    for (size_t i = 0; i < value_bytes; i += 8) {
        uint64_t bits = workload_random(&state);
        for (size_t j = i; j < i + 8 && j < value_bytes; j++, bits >>= 8) {
            value[j] = 'a' + (bits & 15);
        }
    }
}

static void ask(Connection *c, uint64_t key, bool sets)
{
    static char request[MAX_VALUE_BYTES + 128];
    size_t length;

    if (sets) {
        versions[key]++;
        length = sprintf(request, "set key-%llu 0 0 %llu\r\n", (unsigned long long)key,
                         (unsigned long long)value_bytes);
        fill_value(request + length, key, versions[key]);
        memcpy(request + length + value_bytes, "\r\n", 2);
        length += value_bytes + 2;
    } else {
        length = sprintf(request, "get key-%llu\r\n", (unsigned long long)key);
    }
    c->since_ns = workload_now_ns();
    c->busy = true;
    c->sets = sets;
    c->key = key;
    c->length = 0;
    for (size_t sent = 0; sent < length;) {
        ssize_t n = send(c->fd, request + sent, length - sent, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR) {
            c->lost = true;
            return;
        }
        sent += n > 0 ? n : 0;
    }
}

/* Whether the answer is there to its end; counts it if it is wrong. */
static bool answered(Connection *c)
{
    static char value[MAX_VALUE_BYTES], header[128];
    size_t header_bytes;

    if (c->length < 2 || memcmp(c->answer + c->length - 2, "\r\n", 2) != 0) {
        return false;
    }
    if (c->sets) {
        wrong += c->length != 8 || memcmp(c->answer, "STORED\r\n", 8) != 0;
        return true;
    }
    header_bytes = sprintf(header, "VALUE key-%llu 0 %llu\r\n", (unsigned long long)c->key,
                           (unsigned long long)value_bytes);
    if (c->length < header_bytes + value_bytes + 7) {
        /* Shorter than a value: it says that there is none, or is not all there. */
        bool none = c->length == 5 && memcmp(c->answer, "END\r\n", 5) == 0;
        wrong += none;
        return none;
    }
    fill_value(value, c->key, versions[c->key]);
    wrong += memcmp(c->answer, header, header_bytes) != 0 ||
             memcmp(c->answer + header_bytes, value, value_bytes) != 0 ||
             memcmp(c->answer + header_bytes + value_bytes, "\r\nEND\r\n", 7) != 0;
    return true;
}

static void receive(Connection *c)
{
    ssize_t n = recv(c->fd, c->answer + c->length, BUFFER_BYTES - c->length, MSG_DONTWAIT);

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        c->lost = true;
        return;
    }
    c->length += n > 0 ? n : 0;
    if (n > 0 && answered(c)) {
        c->busy = false;
        checked++;
        if (works) {
            workload_done(1, c->since_ns);
        }
    }
}

/* Waits for answers; false when there was none. */
static bool wait_for_answers(void)
{
    struct pollfd fds[MAX_CONNECTIONS];
    int found;

    for (uint64_t i = 0; i < connection_count; i++) {
        bool waits = connections[i].busy && !connections[i].lost;
        fds[i] = (struct pollfd){.fd = waits ? connections[i].fd : -1, .events = POLLIN};
    }
    found = poll(fds, connection_count, POLL_MS);
    for (uint64_t i = 0; i < connection_count && found > 0; i++) {
        if (fds[i].revents) {
            receive(&connections[i]);
        }
    }
    return found > 0;
}

/* Sets or gets every key once; each connection has keys of its own, so that answers are certain. */
static void all_keys(bool sets)
{
    uint64_t next[MAX_CONNECTIONS], heard_ns = workload_now_ns(), left = connection_count;
    uint64_t asked = 0;

    for (uint64_t i = 0; i < connection_count; i++) {
        next[i] = i;
    }
    while (left > 0) {
        left = 0;
        for (uint64_t i = 0; i < connection_count; i++) {
            Connection *c = &connections[i];
            if (!c->lost && !c->busy && next[i] < keys) {
                ask(c, next[i], sets);
                next[i] += connection_count;
                asked++;
            }
            left += !c->lost && c->busy;
        }
        if (left > 0 && wait_for_answers()) {
            heard_ns = workload_now_ns();
            workload_progress(asked, keys, sets ? "keys set" : "keys checked");
        } else if (workload_now_ns() - heard_ns > silence_ns) {
            for (uint64_t i = 0; i < connection_count; i++) {
                connections[i].silent |= connections[i].busy;
            }
            return;
        }
    }
}

int main(int argc, char **argv)
{
    const char *host = workload_text(argc, argv, "host", "127.0.0.1");
    uint16_t port = workload_number(argc, argv, "port", 11211);
    uint64_t gets_percent = workload_number(argc, argv, "gets_percent", 90);
    double rate = workload_number(argc, argv, "operations_per_second", 0);
    uint64_t random = workload_number(argc, argv, "seed", 1), broken = 0;
    int status;

    keys = workload_number(argc, argv, "keys", 10000);
    value_bytes = workload_number(argc, argv, "value_bytes", 1024);
    connection_count = workload_number(argc, argv, "connections", 4);
    silence_ns = workload_number(argc, argv, "silence_seconds", 60) * 1000000000;
    if (connection_count == 0 || connection_count > MAX_CONNECTIONS || keys < connection_count ||
        value_bytes == 0 || value_bytes > MAX_VALUE_BYTES) {
        printf("key-value-load: 1 to %d connections, at least as many keys, 1 to %d bytes\n",
               MAX_CONNECTIONS, MAX_VALUE_BYTES);
        return 2;
    }
    versions = calloc(keys, sizeof(*versions));
    for (uint64_t i = 0; i < connection_count; i++) {
        connections[i].fd = connection_to(host, port);
        connections[i].answer = malloc(BUFFER_BYTES);
    }
    all_keys(true);
    works = true;
    workload_begin();
    while (!workload_stopped()) {
        bool any = false;

        for (uint64_t i = 0; i < connection_count; i++) {
            Connection *c = &connections[i];
            uint64_t own = (keys - i + connection_count - 1) / connection_count;
            if (!c->busy && !c->lost) {
                uint64_t key = i + connection_count * (workload_random(&random) % own);
                ask(c, key, workload_random(&random) % 100 >= gets_percent);
            }
            any = any || c->busy;
        }
        if (!any) {
            break;
        }
        if (!wait_for_answers()) {
            workload_done(0, 0);
        }
        workload_pace(rate);
    }
    works = false;
    all_keys(false);
    for (uint64_t i = 0; i < connection_count; i++) {
        broken += connections[i].lost || connections[i].silent;
    }
    status = workload_check(checked, wrong, "answers");
    return workload_check(connection_count, broken, "connections") | status;
}
