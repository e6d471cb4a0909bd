/*
 * SPDX-License-Identifier: MIT
 *
 * TCP connections of the workloads that use the network, between the guest and a program outside.
 */
#ifndef FAKEDIRTY_GUEST_CONNECTION_H
#define FAKEDIRTY_GUEST_CONNECTION_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "workload.h"

#define CONNECTION_TRIES 300
#define CONNECTION_TRY_NS 100000000

static inline struct sockaddr_in connection_address(const char *host, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};

    if (inet_pton(AF_INET, host, &address.sin_addr) != 1) {
        printf("%s is no address\n", host);
        exit(2);
    }
    return address;
}

/* Whoever is to answer may not be there yet. */
static inline int connection_to(const char *host, uint16_t port)
{
    struct sockaddr_in address = connection_address(host, port);
    int one = 1;

    for (int i = 0; i < CONNECTION_TRIES; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
            return fd;
        }
        close(fd);
        nanosleep(&(struct timespec){.tv_nsec = CONNECTION_TRY_NS}, NULL);
    }
    printf("nobody answers at %s, port %u: %s\n", host, port, strerror(errno));
    exit(2);
}

/* The first connection that somebody makes. */
static inline int connection_from(const char *host, uint16_t port)
{
    struct sockaddr_in address = connection_address(host, port);
    int one = 1, fd, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 1) ||
        (fd = accept(listener, NULL, NULL)) < 0) {
        printf("listening on %s, port %u: %s\n", host, port, strerror(errno));
        exit(2);
    }
    close(listener);
    return fd;
}

#endif
