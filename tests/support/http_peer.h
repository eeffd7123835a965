/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a client of HTTP may meet: a peer on 127.0.0.1 that reads a request and says what it is told
 * to, whatever that is. One connection after the other, on a thread of its own.
 */
#include "tvn_test.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HTTP_PEER_HEAD_MAX 4096

struct http_peer {
    const char *says;
    size_t repeat;     /* of the last byte */
    const char *until; /* the request is read until its first bytes have this; NULL: its head */
    bool holds;        /* the connection, until the client hangs up */
    /* set by start: */
    int listen_fd;
    pthread_t thread;
    char url[64];
    atomic_uint requests;
    char head[HTTP_PEER_HEAD_MAX]; /* of the last request; read it after the stop */
};

/* What is not read would be answered with a reset, so the body is read too. */
static inline void http_peer_read(struct http_peer *peer, int fd)
{
    size_t used = 0;
    const char *until = peer->until ? peer->until : "\r\n\r\n";
    memset(peer->head, 0, sizeof(peer->head));
    while (used < sizeof(peer->head) - 1 && !strstr(peer->head, until)) {
        ssize_t got = read(fd, peer->head + used, sizeof(peer->head) - 1 - used);
        if (got <= 0) {
            return;
        }
        used += (size_t)got;
    }
    const char *length = strstr(peer->head, "Content-Length: ");
    const char *end = strstr(peer->head, "\r\n\r\n");
    size_t left = length && end ? strtoul(length + 16, NULL, 10) : 0;
    size_t have = end ? used - (size_t)(end + 4 - peer->head) : 0;
    while (have < left) {
        char part[HTTP_PEER_HEAD_MAX];
        ssize_t got = read(fd, part, sizeof(part));
        if (got <= 0) {
            return;
        }
        have += (size_t)got;
    }
}

static inline void http_peer_answer(struct http_peer *peer, int fd)
{
    size_t length = strlen(peer->says);
    char part[4096];
    bool open = send(fd, peer->says, length, MSG_NOSIGNAL) == (ssize_t)length;
    memset(part, length > 0 ? peer->says[length - 1] : 0, sizeof(part));
    for (size_t sent = 0; open && sent < peer->repeat; sent += sizeof(part)) {
        open = send(fd, part, sizeof(part), MSG_NOSIGNAL) == (ssize_t)sizeof(part);
    }
    while (peer->holds && read(fd, part, sizeof(part)) > 0) {
    }
}

static inline void *http_peer_serve(void *argument)
{
    struct http_peer *peer = argument;
    for (int fd; (fd = accept(peer->listen_fd, NULL, NULL)) >= 0; close(fd)) {
        http_peer_read(peer, fd);
        atomic_fetch_add(&peer->requests, 1);
        http_peer_answer(peer, fd);
    }
    return NULL;
}

static inline void http_peer_start(struct http_peer *peer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    peer->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(peer->listen_fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(peer->listen_fd, 16), 0);
    assert_int_equal(getsockname(peer->listen_fd, (struct sockaddr *)&address, &length), 0);
    (void)snprintf(peer->url, sizeof(peer->url), "http://127.0.0.1:%u/x",
                   (unsigned)ntohs(address.sin_port));
    assert_int_equal(pthread_create(&peer->thread, NULL, http_peer_serve, peer), 0);
}

/* The client has hung up, or gets no answer. */
static inline void http_peer_stop(struct http_peer *peer)
{
    shutdown(peer->listen_fd, SHUT_RDWR); /* accept returns */
    pthread_join(peer->thread, NULL);
    close(peer->listen_fd);
}
