/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The capability taxonomy and what becomes of it: manifest keys ("wasi-filesystem-read") say what a
 * component needs, grants ("wasi:filesystem/read:/data/in") what the operator allows, and both name
 * an enum tvn_capability.
 *
 * Threads: pure functions. Memory: results live in the caller's arena. Limits:
 * TVN_SECURITY_SCOPE_MAX bytes a scope.
 */
#include "base/arena.h"
#include "base/diag.h"
#include "base/str.h"
#include "config/manifest.h"
#include "types/invoker.h"
#include "types/sandbox.h"

#define TVN_SECURITY_SCOPE_MAX 4096

/*
 * Scopes, as a grant and as a request have them:
 *   filesystem: an absolute path ("/data/in" covers "/data/in/x", not "/data/input");
 *   network: "tcp:HOST:PORT" ("udp:…", "http:…"); a grant may leave parts out at the end, write
 *   "*" or "*.example.com" for the host, "*" or "8000-8099" for the port;
 *   environment, pool: a name.
 */

/* "wasi-filesystem-read": the key in [capabilities.required]. */
const char *tvn_capability_key(enum tvn_capability capability);
/* "wasi:filesystem/read": the grant without a scope. */
const char *tvn_capability_grant_name(enum tvn_capability capability);
TVN_NODISCARD bool tvn_capability_from_key(struct tvn_str key, enum tvn_capability *out_capability);

/*
 * COLD PATH. Parses one grant; `at` is its place in a manifest. E0702 with a suggestion for an
 * unknown capability, a scope where none is possible, or a malformed one.
 */
TVN_NODISCARD enum tvn_status tvn_grant_parse(struct tvn_arena *arena, struct tvn_str text,
                                              struct tvn_span at, struct tvn_diag_sink *sink,
                                              struct tvn_grant *out_grant);
/* True if `grant` allows what `scope` asks for (NULL: anything of that kind, so only a grant
 * without scope does). */
bool tvn_grant_covers(const struct tvn_grant *grant, enum tvn_capability capability,
                      const char *scope);
/* "wasi:filesystem/read:/data/in"; the form that tvn_grant_parse accepts. */
void tvn_grant_print(const struct tvn_grant *grant, struct tvn_strbuf *out);

/*
 * What a world's text asks for: the capabilities that importing an interface makes use of, as bits
 * 1 << TVN_CAP_…; a component that declares one of them may import it. 0: none is needed.
 * `interface` is "wasi:clocks/wall-clock", with or without version.
 */
uint32_t tvn_capability_of_import(struct tvn_str interface);
/* True if some interface leads to it, so that a world shows whether a component needs it. */
bool tvn_capability_has_imports(enum tvn_capability capability);
/* What a component cannot take part in a stream without: always granted, never declared. */
bool tvn_capability_is_intrinsic(enum tvn_capability capability);
/* True if a component that plays this role only hardly needs the capability: least privilege. */
bool tvn_capability_is_excessive(enum tvn_capability capability, enum tvn_role role);

/* One node of one flow, and whose capabilities it brings along. A component that runs without a
 * flow has neither. */
struct tvn_security_subject {
    const struct tvn_manifest *manifest;
    const struct tvn_manifest_flow *flow; /* NULL as the next */
    const struct tvn_manifest_node *node;
    /* What node->component names; NULL: not declared in the manifest. */
    const struct tvn_manifest_component *component;
};

/*
 * COLD PATH. Everything the manifest says about capabilities, without looking at components:
 * unknown keys in [capabilities] (E0701), malformed grants (E0702), grants for names that no
 * component or node has (E0702), and names that are both a component and another component's node
 * (E0702).
 */
TVN_NODISCARD enum tvn_status tvn_security_check_manifest(const struct tvn_manifest *manifest,
                                                          struct tvn_diag_sink *sink);

/*
 * COLD PATH. What a node may do: its grants (default: stdout and stderr; what a stream component
 * cannot do without is always among them), its limits, and E0202 for every required capability that
 * is not granted. E0702 when two tables of grants match, or when the component needs more memory
 * than its limit. Writes *out_sandbox on success; grants live in `arena`, strings in the manifest.
 */
TVN_NODISCARD enum tvn_status tvn_security_resolve(struct tvn_arena *arena,
                                                   const struct tvn_security_subject *subject,
                                                   struct tvn_diag_sink *sink,
                                                   struct tvn_sandbox *out_sandbox);
