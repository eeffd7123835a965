/* SPDX-License-Identifier: Apache-2.0 */
/* What a world's imports ask for, and which of it is more than a role needs. */
#include "base/assert.h"
#include "security/capability.h"

#define BIT(capability) (1u << TVN_CAP_##capability)
#define FILESYSTEM      (BIT(FILESYSTEM_READ) | BIT(FILESYSTEM_WRITE))
#define NETWORK         (BIT(NETWORK_EGRESS) | BIT(NETWORK_INGRESS))

/* The first row that matches counts. wasi:io, wasi:cli/exit and the like need nothing. */
static const struct import_row {
    const char *interface; /* one that ends with '/' stands for the whole package */
    uint32_t capabilities;
} rows[] = {
    {"wasi:filesystem/", FILESYSTEM},
    {"wasi:clocks/", BIT(CLOCKS)},
    {"wasi:random/", BIT(RANDOM)},
    {"wasi:sockets/udp", BIT(NETWORK_EGRESS)},
    {"wasi:sockets/udp-create-socket", BIT(NETWORK_EGRESS)},
    {"wasi:sockets/ip-name-lookup", BIT(NETWORK_EGRESS)},
    {"wasi:sockets/", NETWORK},
    {"wasi:http/outgoing-handler", BIT(NETWORK_EGRESS)},
    {"wasi:http/", NETWORK},
    {"wasi:cli/environment", BIT(ENVIRONMENT)},
    {"wasi:cli/stdin", BIT(STDIN)},
    {"wasi:cli/terminal-stdin", BIT(STDIN)},
    {"wasi:cli/stdout", BIT(STDOUT)},
    {"wasi:cli/terminal-stdout", BIT(STDOUT)},
    {"wasi:cli/stderr", BIT(STDERR)},
    {"wasi:cli/terminal-stderr", BIT(STDERR)},
    {"torvyn:streaming/buffer-allocator", BIT(TORVYN_ALLOC)},
    {"torvyn:resources/buffer-ops", BIT(TORVYN_ALLOC)},
    {"torvyn:runtime/metrics", BIT(TORVYN_METRICS)},
};

uint32_t tvn_capability_of_import(struct tvn_str interface)
{
    size_t at = tvn_str_find(interface, '@');
    struct tvn_str plain = at == SIZE_MAX ? interface : tvn_str_slice(interface, 0, at);
    for (size_t i = 0; i < TVN_ARRAY_LEN(rows); i++) {
        struct tvn_str row = tvn_str_of(rows[i].interface);
        bool package = tvn_str_ends_with(row, TVN_STR("/"));
        if (package ? tvn_str_starts_with(plain, row) : tvn_str_equal(plain, row)) {
            return rows[i].capabilities;
        }
    }
    return 0;
}

bool tvn_capability_has_imports(enum tvn_capability capability)
{
    tvn_assert((unsigned)capability < TVN_CAP_COUNT);
    for (size_t i = 0; i < TVN_ARRAY_LEN(rows); i++) {
        if (rows[i].capabilities & (1u << capability)) {
            return true;
        }
    }
    return false;
}

bool tvn_capability_is_intrinsic(enum tvn_capability capability)
{
    tvn_assert((unsigned)capability < TVN_CAP_COUNT);
    const uint32_t intrinsic =
        BIT(TORVYN_ALLOC) | BIT(TORVYN_POOL) | BIT(TORVYN_BACKPRESSURE) | BIT(TORVYN_METADATA);
    return (intrinsic & (1u << capability)) != 0;
}

/*
 * Sources bring data in and sinks take it out; what stands between them works on what it is given.
 * Looking something up (a file, a service) is common there, other ways in or out are not; filters
 * and routers only decide.
 */
bool tvn_capability_is_excessive(enum tvn_capability capability, enum tvn_role role)
{
    tvn_assert((unsigned)capability < TVN_CAP_COUNT);
    static const uint32_t excessive[] = {
        [TVN_ROLE_SOURCE] = BIT(FILESYSTEM_WRITE),
        [TVN_ROLE_PROCESSOR] = BIT(FILESYSTEM_WRITE) | BIT(NETWORK_INGRESS) | BIT(STDIN),
        [TVN_ROLE_FILTER] = BIT(FILESYSTEM_WRITE) | NETWORK | BIT(STDIN),
        [TVN_ROLE_ROUTER] = BIT(FILESYSTEM_WRITE) | NETWORK | BIT(STDIN),
        [TVN_ROLE_AGGREGATOR] = BIT(NETWORK_INGRESS) | BIT(STDIN),
        [TVN_ROLE_SINK] = BIT(FILESYSTEM_READ) | BIT(NETWORK_INGRESS) | BIT(STDIN),
    };
    tvn_assert((unsigned)role < TVN_ARRAY_LEN(excessive));
    return (excessive[role] & (1u << capability)) != 0;
}
