/* SPDX-License-Identifier: Apache-2.0 */
/* What the grants say about addresses and names. */
#include "base/mem.h"
#include "base/num.h"
#include "security/capability.h"
#include "wasi/context_internal.h"
#include "wasi/network_internal.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct known_name {
    struct tvn_wasi_address address;
    char name[TVN_WASI_NAME_BYTES];
};
struct tvn_wasi_names {
    uint32_t count;
    uint32_t next; /* where the next one goes */
    struct known_name items[TVN_WASI_NAMES_MAX];
};

struct scope {
    char text[TVN_WASI_SCOPE_BYTES];
};

static const char *protocol_name(enum tvn_wasi_protocol protocol)
{
    return protocol == TVN_WASI_TCP ? "tcp" : "udp";
}

static struct scope scope_of_address(enum tvn_wasi_protocol protocol,
                                     const union tvn_socket_address *address, unsigned port)
{
    struct scope scope;
    char host[INET6_ADDRSTRLEN];
    bool is_v6 = address->any.sa_family == AF_INET6;
    const void *in = is_v6 ? (const void *)&address->v6.sin6_addr : &address->v4.sin_addr;
    tvn_assert(inet_ntop(address->any.sa_family, in, host, sizeof(host)));
    snprintf(scope.text, sizeof(scope.text), is_v6 ? "%s:[%s]:%u" : "%s:%s:%u",
             protocol_name(protocol), host, port);
    return scope;
}

static struct scope scope_of_name(const char *protocol, const char *name, unsigned port)
{
    struct scope scope;
    snprintf(scope.text, sizeof(scope.text), "%s:%s:%u", protocol, name, port);
    return scope;
}

static bool is_covered(const struct tvn_wasi *wasi, enum tvn_capability capability,
                       const char *scope)
{
    const struct tvn_sandbox *sandbox = wasi->sandbox;
    for (size_t i = 0; i < sandbox->grant_count; i++) {
        if (tvn_grant_covers(&sandbox->grants[i], capability, scope)) {
            return true;
        }
    }
    return false;
}

static bool ask(const struct tvn_wasi *wasi, enum tvn_capability capability, const char *scope)
{
    return wasi->ops->check(wasi->context, capability, scope);
}

bool tvn_wasi_may_make_socket(const struct tvn_wasi *wasi)
{
    return tvn_sandbox_has(wasi->sandbox, TVN_CAP_NETWORK_EGRESS) ||
           tvn_sandbox_has(wasi->sandbox, TVN_CAP_NETWORK_INGRESS) ||
           ask(wasi, TVN_CAP_NETWORK_EGRESS, NULL);
}

/* ---- addresses by name ---- */

static struct tvn_wasi_address plain_address(const union tvn_socket_address *address)
{
    struct tvn_wasi_address plain = {.is_v6 = address->any.sa_family == AF_INET6};
    if (plain.is_v6) {
        memcpy(plain.bytes, &address->v6.sin6_addr, 16);
    } else {
        memcpy(plain.bytes, &address->v4.sin_addr, 4);
    }
    return plain;
}

static bool is_loopback(const struct tvn_wasi_address *address)
{
    static const uint8_t one[16] = {[15] = 1};
    return address->is_v6 ? memcmp(address->bytes, one, sizeof(one)) == 0
                          : address->bytes[0] == 127;
}

/* Addresses that mean something only here, or everybody. */
static bool is_local(const struct tvn_wasi_address *address)
{
    static const uint8_t none[16];
    const uint8_t *bytes = address->bytes;
    if (address->is_v6) {
        return memcmp(bytes, none, 16) == 0 || bytes[0] == 0xff ||
               (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80);
    }
    return bytes[0] == 0 || bytes[0] >= 224 || (bytes[0] == 169 && bytes[1] == 254);
}

static bool name_may_mean(const char *name, const struct tvn_wasi_address *address)
{
    return is_loopback(address) ? strcmp(name, "localhost") == 0 : !is_local(address);
}

/* The scope by which a grant to a name covers the address; false when there is none. */
static bool find_by_name(const struct tvn_wasi *wasi, enum tvn_wasi_protocol protocol,
                         const union tvn_socket_address *address, struct scope *out_scope)
{
    struct tvn_wasi_address plain = plain_address(address);
    for (uint32_t i = 0; wasi->names && i < wasi->names->count; i++) {
        const struct known_name *known = &wasi->names->items[i];
        if (known->address.is_v6 != plain.is_v6 ||
            memcmp(known->address.bytes, plain.bytes, sizeof(plain.bytes)) != 0 ||
            !name_may_mean(known->name, &plain)) {
            continue;
        }
        *out_scope =
            scope_of_name(protocol_name(protocol), known->name, tvn_wasi_address_port(address));
        if (is_covered(wasi, TVN_CAP_NETWORK_EGRESS, out_scope->text)) {
            return true;
        }
    }
    return false;
}

/* The scope to ask with; true when a grant covers it. */
static bool scope_to_reach(const struct tvn_wasi *wasi, enum tvn_wasi_protocol protocol,
                           const union tvn_socket_address *address, struct scope *out_scope)
{
    *out_scope = scope_of_address(protocol, address, tvn_wasi_address_port(address));
    struct scope by_name;
    if (is_covered(wasi, TVN_CAP_NETWORK_EGRESS, out_scope->text)) {
        return true;
    }
    if (find_by_name(wasi, protocol, address, &by_name)) {
        *out_scope = by_name;
        return true;
    }
    return false;
}

bool tvn_wasi_may_reach(const struct tvn_wasi *wasi, enum tvn_wasi_protocol protocol,
                        const union tvn_socket_address *address)
{
    struct scope scope;
    bool covered = scope_to_reach(wasi, protocol, address, &scope);
    return ask(wasi, TVN_CAP_NETWORK_EGRESS, scope.text) && covered;
}

bool tvn_wasi_would_reach(const struct tvn_wasi *wasi, enum tvn_wasi_protocol protocol,
                          const union tvn_socket_address *address)
{
    struct scope scope;
    return scope_to_reach(wasi, protocol, address, &scope);
}

/* ---- being reached ---- */

/* Is there a grant for this protocol at all? */
static bool has_protocol(const struct tvn_wasi *wasi, enum tvn_capability capability,
                         const char *protocol)
{
    size_t length = strlen(protocol);
    for (size_t i = 0; i < wasi->sandbox->grant_count; i++) {
        const struct tvn_grant *grant = &wasi->sandbox->grants[i];
        if (grant->capability == capability &&
            (!grant->scope || (strncmp(grant->scope, protocol, length) == 0 &&
                               (grant->scope[length] == ':' || grant->scope[length] == '\0')))) {
            return true;
        }
    }
    return false;
}

bool tvn_wasi_may_bind(const struct tvn_wasi *wasi, enum tvn_wasi_protocol protocol,
                       const union tvn_socket_address *address)
{
    enum tvn_capability capability =
        protocol == TVN_WASI_TCP ? TVN_CAP_NETWORK_INGRESS : TVN_CAP_NETWORK_EGRESS;
    unsigned port = tvn_wasi_address_port(address);
    if (port == 0 && (has_protocol(wasi, TVN_CAP_NETWORK_EGRESS, protocol_name(protocol)) ||
                      has_protocol(wasi, capability, protocol_name(protocol)))) {
        return true; /* what is done with the socket is asked then */
    }
    struct scope scope = scope_of_address(protocol, address, port);
    return ask(wasi, capability, scope.text) && is_covered(wasi, capability, scope.text);
}

bool tvn_wasi_may_listen(const struct tvn_wasi *wasi, const union tvn_socket_address *asked,
                         const union tvn_socket_address *used)
{
    struct scope scope = scope_of_address(TVN_WASI_TCP, asked, tvn_wasi_address_port(asked));
    if (!is_covered(wasi, TVN_CAP_NETWORK_INGRESS, scope.text)) {
        scope = scope_of_address(TVN_WASI_TCP, used, tvn_wasi_address_port(used));
    }
    return ask(wasi, TVN_CAP_NETWORK_INGRESS, scope.text) &&
           is_covered(wasi, TVN_CAP_NETWORK_INGRESS, scope.text);
}

/* ---- names ---- */

/* A port that the grant allows; whether it covers the name is asked with it. */
static unsigned port_of_grant(const char *scope)
{
    const char *colon = strrchr(scope, ':');
    unsigned long port = colon ? strtoul(colon + 1, NULL, 10) : 0;
    return port > 0 && port <= UINT16_MAX ? (unsigned)port : 1;
}

bool tvn_wasi_may_resolve(const struct tvn_wasi *wasi, const char *name)
{
    for (size_t i = 0; i < wasi->sandbox->grant_count; i++) {
        const struct tvn_grant *grant = &wasi->sandbox->grants[i];
        if (grant->capability != TVN_CAP_NETWORK_EGRESS) {
            continue;
        }
        if (!grant->scope) {
            return ask(wasi, TVN_CAP_NETWORK_EGRESS, name);
        }
        size_t length = strcspn(grant->scope, ":");
        char protocol[8];
        snprintf(protocol, sizeof(protocol), "%.*s", (int)tvn_min(length, sizeof(protocol) - 1),
                 grant->scope);
        struct scope scope = scope_of_name(protocol, name, port_of_grant(grant->scope));
        if (tvn_grant_covers(grant, TVN_CAP_NETWORK_EGRESS, scope.text)) {
            return ask(wasi, TVN_CAP_NETWORK_EGRESS, scope.text);
        }
    }
    (void)ask(wasi, TVN_CAP_NETWORK_EGRESS, name); /* counts the denial */
    return false;
}

bool tvn_wasi_names_remember(struct tvn_wasi *wasi, const char *name,
                             const struct tvn_wasi_address *address)
{
    if (!wasi->names) {
        wasi->names = tvn_calloc(1, sizeof(*wasi->names));
        if (!wasi->names) {
            return false;
        }
    }
    struct tvn_wasi_names *names = wasi->names;
    for (uint32_t i = 0; i < names->count; i++) {
        if (memcmp(&names->items[i].address, address, sizeof(*address)) == 0 &&
            strcmp(names->items[i].name, name) == 0) {
            return true;
        }
    }
    struct known_name *known = &names->items[names->next];
    known->address = *address;
    snprintf(known->name, sizeof(known->name), "%s", name);
    names->next = (names->next + 1) % TVN_WASI_NAMES_MAX;
    names->count = tvn_min(names->count + 1, (uint32_t)TVN_WASI_NAMES_MAX);
    return true;
}

void tvn_wasi_names_destroy(struct tvn_wasi_names *names)
{
    tvn_free(names);
}
