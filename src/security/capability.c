/* SPDX-License-Identifier: Apache-2.0 */
/* The taxonomy as a table, grants as text, and which grant covers what. */
#include "security/capability.h"

#include "base/assert.h"
#include "base/num.h"
#include "base/suggest.h"
#include "security/capability_internal.h"

#include <strings.h>

enum scope_kind { SCOPE_NONE, SCOPE_PATH, SCOPE_NETWORK, SCOPE_NAME };

/* The first row of a capability has the names that are printed; further rows are other ways to
 * grant it. */
static const struct capability_name {
    enum tvn_capability capability;
    enum scope_kind scope;
    const char *key;      /* manifest key; NULL in further rows */
    const char *grant;    /* without a scope */
    const char *protocol; /* put before the scope of a network grant; NULL: all protocols */
} names[] = {
    {TVN_CAP_FILESYSTEM_READ, SCOPE_PATH, "wasi-filesystem-read", "wasi:filesystem/read", NULL},
    {TVN_CAP_FILESYSTEM_WRITE, SCOPE_PATH, "wasi-filesystem-write", "wasi:filesystem/write", NULL},
    {TVN_CAP_CLOCKS, SCOPE_NONE, "wasi-clocks", "wasi:clocks", NULL},
    {TVN_CAP_CLOCKS, SCOPE_NONE, NULL, "wasi:clocks/wall-clock", NULL},
    {TVN_CAP_CLOCKS, SCOPE_NONE, NULL, "wasi:clocks/monotonic-clock", NULL},
    {TVN_CAP_RANDOM, SCOPE_NONE, "wasi-random", "wasi:random", NULL},
    {TVN_CAP_RANDOM, SCOPE_NONE, NULL, "wasi:random/random", NULL},
    {TVN_CAP_RANDOM, SCOPE_NONE, NULL, "wasi:random/insecure", NULL},
    {TVN_CAP_RANDOM, SCOPE_NONE, NULL, "wasi:random/insecure-seed", NULL},
    {TVN_CAP_NETWORK_EGRESS, SCOPE_NONE, "wasi-network-egress", "wasi:network/egress", NULL},
    {TVN_CAP_NETWORK_EGRESS, SCOPE_NETWORK, NULL, "wasi:sockets/tcp-connect", "tcp"},
    {TVN_CAP_NETWORK_EGRESS, SCOPE_NETWORK, NULL, "wasi:sockets/udp", "udp"},
    {TVN_CAP_NETWORK_EGRESS, SCOPE_NETWORK, NULL, "wasi:http/outgoing", "http"},
    {TVN_CAP_NETWORK_INGRESS, SCOPE_NONE, "wasi-network-ingress", "wasi:network/ingress", NULL},
    {TVN_CAP_NETWORK_INGRESS, SCOPE_NETWORK, NULL, "wasi:sockets/tcp-listen", "tcp"},
    {TVN_CAP_ENVIRONMENT, SCOPE_NAME, "wasi-environment", "wasi:cli/environment", NULL},
    {TVN_CAP_STDIN, SCOPE_NONE, "wasi-stdin", "wasi:cli/stdin", NULL},
    {TVN_CAP_STDOUT, SCOPE_NONE, "wasi-stdout", "wasi:cli/stdout", NULL},
    {TVN_CAP_STDERR, SCOPE_NONE, "wasi-stderr", "wasi:cli/stderr", NULL},
    {TVN_CAP_TORVYN_ALLOC, SCOPE_NONE, "torvyn-allocate", "torvyn:resources/allocate", NULL},
    {TVN_CAP_TORVYN_POOL, SCOPE_NAME, "torvyn-pool", "torvyn:resources/pool", NULL},
    {TVN_CAP_TORVYN_BACKPRESSURE, SCOPE_NONE, "torvyn-backpressure", "torvyn:flow/backpressure",
     NULL},
    {TVN_CAP_TORVYN_METADATA, SCOPE_NONE, "torvyn-metadata", "torvyn:flow/metadata", NULL},
    {TVN_CAP_TORVYN_DIAGNOSTICS, SCOPE_NONE, "torvyn-diagnostics", "torvyn:runtime/diagnostics",
     NULL},
    {TVN_CAP_TORVYN_METRICS, SCOPE_NONE, "torvyn-metrics", "torvyn:runtime/metrics", NULL},
};

/* The row that prints this capability; with a protocol, the one of its grants. */
static const struct capability_name *find_name(enum tvn_capability capability,
                                               struct tvn_str protocol)
{
    const struct capability_name *first = NULL;
    for (size_t i = 0; i < TVN_ARRAY_LEN(names); i++) {
        if (names[i].capability != capability) {
            continue;
        }
        first = first ? first : &names[i];
        if (protocol.len > 0 && names[i].protocol && tvn_str_is(protocol, names[i].protocol)) {
            return &names[i];
        }
    }
    tvn_assert(first);
    return first;
}

const char *tvn_capability_key(enum tvn_capability capability)
{
    return find_name(capability, TVN_STR(""))->key;
}

const char *tvn_capability_grant_name(enum tvn_capability capability)
{
    return find_name(capability, TVN_STR(""))->grant;
}

bool tvn_capability_from_key(struct tvn_str key, enum tvn_capability *out_capability)
{
    for (size_t i = 0; i < TVN_ARRAY_LEN(names); i++) {
        if (names[i].key && tvn_str_is(key, names[i].key)) {
            *out_capability = names[i].capability;
            return true;
        }
    }
    return false;
}

const char *tvn_capability_suggest_key(struct tvn_str key)
{
    const char *keys[TVN_ARRAY_LEN(names)];
    size_t count = 0;
    for (size_t i = 0; i < TVN_ARRAY_LEN(names); i++) {
        if (names[i].key) {
            keys[count++] = names[i].key;
        }
    }
    return tvn_suggest(key, keys, count);
}

static void help_lists_grants(struct tvn_diag_sink *sink)
{
    TVN_AUTO_VALUE(tvn_strbuf) list = {0};
    for (size_t i = 0; i < TVN_ARRAY_LEN(names); i++) {
        if (names[i].key) {
            tvn_strbuf_printf(&list, "%s%s", list.len > 0 ? ", " : "", names[i].grant);
        }
    }
    if (!list.failed) {
        tvn_diag_help(sink, "grants: %s", tvn_strbuf_text(&list));
    }
}

static const char *suggest_grant(struct tvn_str name)
{
    const char *grants[TVN_ARRAY_LEN(names)];
    for (size_t i = 0; i < TVN_ARRAY_LEN(names); i++) {
        /* A manifest key where a grant belongs. */
        if (names[i].key && tvn_str_is(name, names[i].key)) {
            return names[i].grant;
        }
        grants[i] = names[i].grant;
    }
    return tvn_suggest(name, grants, TVN_ARRAY_LEN(names));
}

static enum tvn_status bad_grant(struct tvn_diag_sink *sink, struct tvn_str text,
                                 struct tvn_span at, const char *why)
{
    TVN_AUTO_VALUE(tvn_strbuf) shown = {.max = 256};
    tvn_strbuf_add_escaped(&shown, text);
    return tvn_diag_error(sink, TVN_E_CONSTRAINT_VIOLATION, at, "the grant '%s' %s",
                          tvn_strbuf_text(&shown), why);
}

/* The name is everything up to the second colon, or all of it: "wasi:filesystem/read:/data/in". */
static size_t name_length(struct tvn_str text)
{
    size_t first = tvn_str_find(text, ':');
    if (first == SIZE_MAX) {
        return text.len;
    }
    size_t second = tvn_str_find(tvn_str_slice(text, first + 1, text.len), ':');
    return second == SIZE_MAX ? text.len : first + 1 + second;
}

/* Copies an absolute path without empty parts; NULL when it is not absolute or has "." or ".." in
 * it. */
static const char *clean_path(struct tvn_arena *arena, struct tvn_str path)
{
    char *out =
        path.len > 0 && path.ptr[0] == '/' ? tvn_arena_strndup(arena, path.ptr, path.len) : NULL;
    size_t length = 0;
    for (size_t i = 0; out && i < path.len;) {
        size_t end = i;
        while (end < path.len && path.ptr[end] != '/') {
            end++;
        }
        struct tvn_str part = tvn_str_slice(path, i, end);
        if (tvn_str_is(part, ".") || tvn_str_is(part, "..")) {
            return NULL;
        }
        if (part.len > 0) {
            out[length++] = '/';
            memmove(out + length, part.ptr, part.len);
            length += part.len;
        }
        i = end + 1;
    }
    if (out) {
        length = length > 0 ? length : 1; /* "/" itself */
        out[length] = '\0';
    }
    return out;
}

/* "8080", "8000-8099" or "*" */
static bool port_range(struct tvn_str text, uint64_t *out_low, uint64_t *out_high)
{
    if (tvn_str_is(text, "*")) {
        *out_low = 0;
        *out_high = UINT16_MAX;
        return true;
    }
    size_t dash = tvn_str_find(text, '-');
    struct tvn_str low = tvn_str_slice(text, 0, dash == SIZE_MAX ? text.len : dash);
    struct tvn_str high = dash == SIZE_MAX ? low : tvn_str_slice(text, dash + 1, text.len);
    return tvn_parse_u64(low.ptr, low.len, out_low) &&
           tvn_parse_u64(high.ptr, high.len, out_high) && *out_low <= *out_high &&
           *out_high <= UINT16_MAX;
}

/* HOST or HOST:PORT, where an IPv6 address stands in brackets. */
static void split_host(struct tvn_str text, struct tvn_str *out_host, struct tvn_str *out_port)
{
    size_t colon = tvn_str_find_last(text, ':');
    bool bracket_after =
        colon != SIZE_MAX && tvn_str_find(tvn_str_slice(text, colon, text.len), ']') != SIZE_MAX;
    size_t end = colon == SIZE_MAX || bracket_after ? text.len : colon;
    *out_host = tvn_str_slice(text, 0, end);
    *out_port = tvn_str_slice(text, end < text.len ? end + 1 : end, text.len);
}

static bool network_scope_valid(struct tvn_str scope)
{
    struct tvn_str host;
    struct tvn_str port;
    uint64_t low;
    uint64_t high;
    split_host(scope, &host, &port);
    return host.len > 0 && (host.len == scope.len || port_range(port, &low, &high));
}

static enum tvn_status parse_scope(struct tvn_arena *arena, const struct capability_name *name,
                                   struct tvn_str text, struct tvn_str scope, struct tvn_span at,
                                   struct tvn_diag_sink *sink, const char **out_scope)
{
    if (scope.len == 0 || scope.len > TVN_SECURITY_SCOPE_MAX) {
        return bad_grant(sink, text, at, "has an empty or too long scope");
    }
    const char *result = NULL;
    switch (name->scope) {
    case SCOPE_NONE:
        return bad_grant(sink, text, at, "takes no scope");
    case SCOPE_PATH:
        result = clean_path(arena, scope);
        if (!result) {
            return bad_grant(sink, text, at, "needs an absolute path without '.' and '..'");
        }
        break;
    case SCOPE_NETWORK:
        if (!network_scope_valid(scope)) {
            return bad_grant(sink, text, at, "needs HOST or HOST:PORT");
        }
        result = tvn_arena_printf(arena, "%s:%.*s", name->protocol, TVN_STR_ARG(scope));
        break;
    case SCOPE_NAME:
        result = tvn_arena_strndup(arena, scope.ptr, scope.len);
        break;
    }
    if (!result) {
        return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                              "out of memory while reading grants");
    }
    *out_scope = result;
    return TVN_OK;
}

enum tvn_status tvn_grant_parse(struct tvn_arena *arena, struct tvn_str text, struct tvn_span at,
                                struct tvn_diag_sink *sink, struct tvn_grant *out_grant)
{
    tvn_assert(arena);
    tvn_assert(sink);
    tvn_assert(out_grant);
    size_t length = name_length(text);
    struct tvn_str prefix = tvn_str_slice(text, 0, length);
    const struct capability_name *name = NULL;
    for (size_t i = 0; i < TVN_ARRAY_LEN(names) && !name; i++) {
        name = tvn_str_is(prefix, names[i].grant) ? &names[i] : NULL;
    }
    if (!name) {
        enum tvn_status status = bad_grant(sink, text, at, "names no known capability");
        const char *suggestion = suggest_grant(prefix);
        if (suggestion) {
            tvn_diag_label(sink, "did you mean \"%s\"?", suggestion);
        } else {
            help_lists_grants(sink);
        }
        return status;
    }
    const char *scope = name->protocol;
    if (length < text.len) {
        TVN_TRY(parse_scope(arena, name, text, tvn_str_slice(text, length + 1, text.len), at, sink,
                            &scope));
    }
    *out_grant = (struct tvn_grant){.capability = name->capability, .scope = scope};
    return TVN_OK;
}

void tvn_grant_print(const struct tvn_grant *grant, struct tvn_strbuf *out)
{
    tvn_assert(grant);
    struct tvn_str scope = tvn_str_of(grant->scope ? grant->scope : "");
    size_t colon = tvn_str_find(scope, ':');
    struct tvn_str protocol = tvn_str_slice(scope, 0, colon == SIZE_MAX ? scope.len : colon);
    const struct capability_name *name = find_name(grant->capability, protocol);
    tvn_strbuf_add_text(out, name->grant);
    if (name->protocol) {
        scope = tvn_str_slice(scope, protocol.len, scope.len); /* keeps its colon */
        tvn_strbuf_add_str(out, scope);
    } else if (scope.len > 0) {
        tvn_strbuf_add_char(out, ':');
        tvn_strbuf_add_str(out, scope);
    }
}

static bool path_covers(struct tvn_str granted, struct tvn_str asked)
{
    /* Fails closed: whoever asks must have resolved the path. */
    for (size_t i = 0; i < asked.len; i++) {
        struct tvn_str rest = tvn_str_slice(asked, i, asked.len);
        if (tvn_str_starts_with(rest, TVN_STR("/../")) || tvn_str_is(rest, "/..") ||
            tvn_str_starts_with(rest, TVN_STR("/./")) || tvn_str_is(rest, "/.")) {
            return false;
        }
    }
    if (tvn_str_is(granted, "/")) {
        return asked.len > 0 && asked.ptr[0] == '/';
    }
    return tvn_str_starts_with(asked, granted) &&
           (asked.len == granted.len || asked.ptr[granted.len] == '/');
}

static bool host_covers(struct tvn_str granted, struct tvn_str asked)
{
    if (tvn_str_is(granted, "*")) {
        return true;
    }
    if (tvn_str_starts_with(granted, TVN_STR("*."))) {
        struct tvn_str suffix = tvn_str_slice(granted, 1, granted.len); /* ".example.com" */
        return asked.len > suffix.len &&
               strncasecmp(asked.ptr + asked.len - suffix.len, suffix.ptr, suffix.len) == 0;
    }
    return asked.len == granted.len && strncasecmp(asked.ptr, granted.ptr, asked.len) == 0;
}

/* Both are "PROTOCOL[:HOST[:PORT]]". */
static bool network_covers(struct tvn_str granted, struct tvn_str asked)
{
    size_t granted_colon = tvn_str_find(granted, ':');
    size_t asked_colon = tvn_str_find(asked, ':');
    struct tvn_str protocol =
        tvn_str_slice(granted, 0, granted_colon == SIZE_MAX ? granted.len : granted_colon);
    if (!tvn_str_equal(
            protocol, tvn_str_slice(asked, 0, asked_colon == SIZE_MAX ? asked.len : asked_colon))) {
        return false;
    }
    if (granted_colon == SIZE_MAX) {
        return true;
    }
    if (asked_colon == SIZE_MAX) {
        return false;
    }
    struct tvn_str granted_host;
    struct tvn_str granted_port;
    struct tvn_str asked_host;
    struct tvn_str asked_port;
    split_host(tvn_str_slice(granted, granted_colon + 1, granted.len), &granted_host,
               &granted_port);
    split_host(tvn_str_slice(asked, asked_colon + 1, asked.len), &asked_host, &asked_port);
    if (!host_covers(granted_host, asked_host)) {
        return false;
    }
    uint64_t low;
    uint64_t high;
    uint64_t port;
    return granted_port.len == 0 ||
           (port_range(granted_port, &low, &high) &&
            tvn_parse_u64(asked_port.ptr, asked_port.len, &port) && port >= low && port <= high);
}

bool tvn_grant_covers(const struct tvn_grant *grant, enum tvn_capability capability,
                      const char *scope)
{
    tvn_assert(grant);
    if (grant->capability != capability) {
        return false;
    }
    if (!grant->scope || !scope) {
        return !grant->scope;
    }
    struct tvn_str granted = tvn_str_of(grant->scope);
    struct tvn_str asked = tvn_str_of(scope);
    if (capability == TVN_CAP_FILESYSTEM_READ || capability == TVN_CAP_FILESYSTEM_WRITE) {
        return path_covers(granted, asked);
    }
    if (capability == TVN_CAP_NETWORK_EGRESS || capability == TVN_CAP_NETWORK_INGRESS) {
        return network_covers(granted, asked);
    }
    return tvn_str_equal(granted, asked);
}
