/*
 * SPDX-License-Identifier: MIT
 *
 * One TCP connection on which bytes flow one way for ever: either end, in the guest or outside.
 * Options: listen or connect (an address), port, mode (send, receive), bytes_per_second (0: no limit).
 * An operation is a kibibyte. Check: every byte is the one that has to be there, and the connection was
 * never lost.
 */
#include "connection.h"

#define BLOCK_BYTES 65536
#define WORDS (BLOCK_BYTES / sizeof(uint64_t))
#define POLL_MS 100

static bool ready(int fd, short events)
{
    struct pollfd one = {.fd = fd, .events = events};

    return poll(&one, 1, POLL_MS) > 0;
}

static uint64_t word_at(uint64_t number)
{
    return workload_mix(number + 1);
}

int main(int argc, char **argv)
{
    static uint64_t block[WORDS];
    unsigned char *bytes = (unsigned char *)block;
    const char *listen_at = workload_text(argc, argv, "listen", NULL);
    const char *connect_to = workload_text(argc, argv, "connect", NULL);
    uint16_t port = workload_number(argc, argv, "port", 5001);
    bool sends = strcmp(workload_text(argc, argv, "mode", "send"), "send") == 0;
    double rate = workload_number(argc, argv, "bytes_per_second", 0) / 1024.0;
    uint64_t moved = 0, wrong = 0, told = 0;
    size_t at = 0;
    bool lost = false;
    int fd;

    signal(SIGPIPE, SIG_IGN);
    if (!listen_at && !connect_to) {
        printf("stream: neither listen= nor connect= is given\n");
        return 2;
    }
    if (listen_at) {
        printf("{\"type\":\"running\"}\n");
        fflush(stdout);
    }
    fd = listen_at ? connection_from(listen_at, port) : connection_to(connect_to, port);
    workload_begin();
    while (!workload_stopped()) {
        uint64_t since_ns = workload_now_ns();
        ssize_t n;

        if (lost || !ready(fd, sends ? POLLOUT : POLLIN)) {
            if (lost) {
                nanosleep(&(struct timespec){.tv_nsec = WORKLOAD_REPORT_NS}, NULL);
            }
            workload_done(0, 0);
            continue;
        }
        if (sends && at == 0) {
            for (size_t i = 0; i < WORDS; i++) {
                block[i] = word_at(moved / sizeof(uint64_t) + i);
            }
        }
        n = sends ? send(fd, bytes + at, BLOCK_BYTES - at, MSG_DONTWAIT)
                  : recv(fd, bytes + at, BLOCK_BYTES - at, MSG_DONTWAIT);
        if (n == 0 && !sends) {
            /* The other end has finished in good order: that it did is no loss. */
            lost = true;
            continue;
        }
        if (n < 0) {
            if (errno != EAGAIN && errno != EINTR) {
                /* A sender hears that the receiver has finished only so. */
                wrong += sends && errno == EPIPE ? 0 : 1;
                lost = true;
            }
            continue;
        }
        at += n;
        moved += n;
        if (at == BLOCK_BYTES) {
            uint64_t first = moved / sizeof(uint64_t) - WORDS;
            for (size_t i = 0; !sends && i < WORDS; i++) {
                wrong += block[i] != word_at(first + i);
            }
            at = 0;
        }
        workload_done(moved / 1024 - told, since_ns);
        told = moved / 1024;
        workload_pace(rate);
    }
    shutdown(fd, SHUT_WR);
    return workload_check(moved / 1024, wrong, sends ? "kibibytes sent" : "kibibytes received");
}
