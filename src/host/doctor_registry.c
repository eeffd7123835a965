/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the registry of [registry] default takes a connection. Nothing is sent to it. */
#include "base/file.h"
#include "base/mem.h"
#include "host/doctor_internal.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#define REGISTRY       "Registry"
#define CONNECT_MS     3000 /* for each address */
#define ADDRESSES_MAX  4
#define HOST_BYTES_MAX 253
#define HELP           "correct [registry] default, or look at the network"

/* "oci://host:port/path" */
struct place {
    char host[HOST_BYTES_MAX + 1];
    char port[6];
};

static bool is_port(struct tvn_str text)
{
    uint32_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.len > 5 || text.ptr[i] < '0' || text.ptr[i] > '9') {
            return false;
        }
        value = value * 10 + (uint32_t)(text.ptr[i] - '0');
    }
    return value >= 1 && value <= 65535;
}

static bool copy(struct tvn_str text, char *out, size_t size)
{
    if (text.len == 0 || text.len >= size || memchr(text.ptr, '\0', text.len)) {
        return false;
    }
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
    return true;
}

static bool parse(struct tvn_str url, struct place *out_place)
{
    static const struct {
        struct tvn_str scheme;
        struct tvn_str port;
    } schemes[] = {
        {{"https://", 8}, {"443", 3}}, {{"http://", 7}, {"80", 2}}, {{"oci://", 6}, {"443", 3}}};
    struct tvn_str port = TVN_STR("443");
    for (size_t i = 0; i < TVN_ARRAY_LEN(schemes); i++) {
        if (tvn_str_starts_with(url, schemes[i].scheme)) {
            url = tvn_str_slice(url, schemes[i].scheme.len, url.len);
            port = schemes[i].port;
            break;
        }
    }
    size_t slash = tvn_str_find(url, '/');
    struct tvn_str host = slash == SIZE_MAX ? url : tvn_str_slice(url, 0, slash);
    size_t bracket = tvn_str_find_last(host, ']');
    size_t colon = tvn_str_find_last(host, ':');
    if (colon != SIZE_MAX && (bracket == SIZE_MAX || colon > bracket)) {
        port = tvn_str_slice(host, colon + 1, host.len);
        host = tvn_str_slice(host, 0, colon);
    }
    if (bracket != SIZE_MAX && host.ptr[0] == '[') {
        host = tvn_str_slice(host, 1, bracket);
    }
    return is_port(port) && copy(host, out_place->host, sizeof(out_place->host)) &&
           copy(port, out_place->port, sizeof(out_place->port));
}

/* 0, or what errno would say. */
static int connect_to(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return errno;
    }
    int error = connect(fd, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
        struct pollfd ready = {.fd = fd, .events = POLLOUT};
        socklen_t size = sizeof(error);
        int count = poll(&ready, 1, CONNECT_MS);
        if (count <= 0) {
            error = count == 0 ? ETIMEDOUT : errno;
        } else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
            error = errno;
        }
    }
    tvn_fd_close(&fd);
    return error;
}

/* NULL: it takes connections; else why not. Looking the name up takes as long as the system's
 * resolver gives itself. */
static const char *why_not(const struct place *place)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *addresses = NULL;
    int found = getaddrinfo(place->host, place->port, &hints, &addresses);
    if (found != 0) {
        return gai_strerror(found);
    }
    int error = ENOENT;
    unsigned tried = 0;
    for (const struct addrinfo *at = addresses; at && tried < ADDRESSES_MAX; at = at->ai_next) {
        error = connect_to(at);
        tried++;
        if (error == 0) {
            break;
        }
    }
    freeaddrinfo(addresses);
    return error == 0 ? NULL : strerror(error); // NOLINT(concurrency-mt-unsafe)
}

void doctor_registry(struct doctor *doctor)
{
    const char *url = doctor->manifest ? doctor->manifest->config.registry.default_url : "";
    struct place place;
    if (url[0] == '\0') {
        doctor_add(doctor, REGISTRY, TVN_DOCTOR_OPTIONAL, NULL, "none configured");
        return;
    }
    if (!parse(tvn_str_of(url), &place)) {
        doctor_add(doctor, REGISTRY, TVN_DOCTOR_FAULT, HELP, "'%s' names no host", url);
        return;
    }
    const char *why = why_not(&place);
    if (why) {
        doctor_add(doctor, REGISTRY, TVN_DOCTOR_FAULT, HELP, "%s cannot be reached: %s", url, why);
    } else {
        doctor_add(doctor, REGISTRY, TVN_DOCTOR_GOOD, NULL, "%s takes connections", url);
    }
}
