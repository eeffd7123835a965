/* SPDX-License-Identifier: Apache-2.0 */
/* Manifest → what one node may do. A grant that cannot be attributed to exactly one thing is an
 * error, never a guess. */
#include "base/assert.h"
#include "base/suggest.h"
#include "security/capability.h"
#include "security/capability_internal.h"

#include <inttypes.h>

#define SUGGESTIONS_MAX 256

/* What a component cannot take part in a stream without; no operator has to grant it. */
static const struct tvn_grant intrinsic[] = {
    {TVN_CAP_TORVYN_ALLOC, NULL},
    {TVN_CAP_TORVYN_POOL, "default"},
    {TVN_CAP_TORVYN_BACKPRESSURE, NULL},
    {TVN_CAP_TORVYN_METADATA, NULL},
};
static const struct tvn_grant by_default[] = {{TVN_CAP_STDOUT, NULL}, {TVN_CAP_STDERR, NULL}};

static enum tvn_status no_memory(struct tvn_diag_sink *sink)
{
    return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                          "out of memory while resolving capabilities");
}

static void keep_first(enum tvn_status *result, enum tvn_status status)
{
    *result = *result == TVN_OK ? status : *result;
}

static enum tvn_status check_capability_keys(const struct tvn_manifest_capabilities *capabilities,
                                             struct tvn_diag_sink *sink)
{
    enum tvn_status result = TVN_OK;
    for (size_t i = 0; i < capabilities->count; i++) {
        const struct tvn_manifest_capability *item = &capabilities->items[i];
        enum tvn_capability capability;
        if (tvn_capability_from_key(tvn_str_of(item->name), &capability)) {
            continue;
        }
        keep_first(&result, tvn_diag_error(sink, TVN_E_UNKNOWN_FIELD, item->span,
                                           "unknown capability '%s'", item->name));
        const char *suggestion = tvn_capability_suggest_key(tvn_str_of(item->name));
        if (suggestion) {
            tvn_diag_label(sink, "did you mean '%s'?", suggestion);
        }
    }
    return result;
}

/* Whom a grants key could mean. */
struct holders {
    bool component;
    const struct tvn_manifest_node *node; /* of that name, whose component has another name */
    bool flow_and_node;
    bool any_node;
};

static bool is_flow_and_node(const struct tvn_manifest *manifest, const char *name)
{
    const char *slash = strchr(name, '/');
    for (size_t i = 0; slash && i < manifest->flow_count; i++) {
        const struct tvn_manifest_flow *flow = &manifest->flows[i];
        if (strlen(flow->name) == (size_t)(slash - name) &&
            strncmp(flow->name, name, (size_t)(slash - name)) == 0 &&
            tvn_manifest_find_node(flow, slash + 1)) {
            return true;
        }
    }
    return false;
}

static struct holders find_holders(const struct tvn_manifest *manifest, const char *name)
{
    struct holders holders = {.component = tvn_manifest_find_component(manifest, name) != NULL,
                              .flow_and_node = is_flow_and_node(manifest, name)};
    for (size_t i = 0; i < manifest->flow_count; i++) {
        const struct tvn_manifest_node *node = tvn_manifest_find_node(&manifest->flows[i], name);
        holders.any_node |= node != NULL;
        if (node && strcmp(node->component, name) != 0 && !holders.node) {
            holders.node = node;
        }
    }
    return holders;
}

static const char *suggest_holder(const struct tvn_manifest *manifest, const char *name)
{
    const char *names[SUGGESTIONS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < manifest->component_count && count < SUGGESTIONS_MAX; i++) {
        names[count++] = manifest->components[i].name;
    }
    for (size_t i = 0; i < manifest->flow_count; i++) {
        const struct tvn_manifest_flow *flow = &manifest->flows[i];
        for (size_t j = 0; j < flow->node_count && count < SUGGESTIONS_MAX; j++) {
            names[count++] = flow->nodes[j].name;
        }
    }
    return tvn_suggest(tvn_str_of(name), names, count);
}

static enum tvn_status check_holder(const struct tvn_manifest *manifest,
                                    const struct tvn_manifest_grants *grants,
                                    struct tvn_diag_sink *sink)
{
    struct holders holders = find_holders(manifest, grants->component);
    if (holders.component && holders.node) {
        enum tvn_status status = tvn_diag_error(
            sink, TVN_E_CONSTRAINT_VIOLATION, grants->span,
            "'%s' is a component and also a node of another component", grants->component);
        tvn_diag_related(sink, holders.node->span, "the node");
        tvn_diag_help(sink, "name the node as \"FLOW/%s\", or rename it", grants->component);
        return status;
    }
    bool project =
        manifest->component_count == 0 && strcmp(manifest->project.name, grants->component) == 0;
    if (holders.component || holders.any_node || holders.flow_and_node || project) {
        return TVN_OK;
    }
    enum tvn_status status = tvn_diag_error(sink, TVN_E_CONSTRAINT_VIOLATION, grants->span,
                                            "no component and no node has this name");
    const char *suggestion = suggest_holder(manifest, grants->component);
    if (suggestion) {
        tvn_diag_label(sink, "did you mean '%s'?", suggestion);
    }
    tvn_diag_help(sink, "name a [[component]], a node, or \"FLOW/NODE\"");
    return status;
}

enum tvn_status tvn_security_check_manifest(const struct tvn_manifest *manifest,
                                            struct tvn_diag_sink *sink)
{
    tvn_assert(manifest);
    tvn_assert(sink);
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    if (!arena) {
        return no_memory(sink);
    }
    enum tvn_status result = TVN_OK;
    if (manifest->component_count == 0) { /* else they are the component's, too */
        keep_first(&result, check_capability_keys(&manifest->capabilities, sink));
    }
    for (size_t i = 0; i < manifest->component_count; i++) {
        keep_first(&result, check_capability_keys(&manifest->components[i].capabilities, sink));
    }
    for (size_t i = 0; i < manifest->grant_count; i++) {
        const struct tvn_manifest_grants *grants = &manifest->grants[i];
        keep_first(&result, check_holder(manifest, grants, sink));
        for (size_t j = 0; j < grants->capability_count; j++) {
            struct tvn_grant grant;
            keep_first(&result, tvn_grant_parse(arena, tvn_str_of(grants->capabilities[j].text),
                                                grants->capabilities[j].span, sink, &grant));
        }
    }
    return result;
}

static const char *subject_name(const struct tvn_security_subject *subject)
{
    return subject->node        ? subject->node->name
           : subject->component ? subject->component->name
                                : subject->manifest->project.name;
}

static const struct tvn_manifest_grants *find_grants(const struct tvn_manifest *manifest,
                                                     const char *name)
{
    for (size_t i = 0; i < manifest->grant_count; i++) {
        if (strcmp(manifest->grants[i].component, name) == 0) {
            return &manifest->grants[i];
        }
    }
    return NULL;
}

/* The table for this node; *out_grants NULL when there is none. */
static enum tvn_status select_grants(struct tvn_arena *arena,
                                     const struct tvn_security_subject *subject,
                                     struct tvn_diag_sink *sink,
                                     const struct tvn_manifest_grants **out_grants)
{
    *out_grants = NULL;
    if (subject->flow && subject->node) {
        const char *full =
            tvn_arena_printf(arena, "%s/%s", subject->flow->name, subject->node->name);
        if (!full) {
            return no_memory(sink);
        }
        *out_grants = find_grants(subject->manifest, full);
        if (*out_grants) {
            return TVN_OK;
        }
    }
    const struct tvn_manifest_grants *of_component =
        subject->component ? find_grants(subject->manifest, subject->component->name) : NULL;
    const struct tvn_manifest_grants *of_node =
        find_grants(subject->manifest, subject_name(subject));
    if (of_component && of_node && of_component != of_node) {
        enum tvn_status status =
            tvn_diag_error(sink, TVN_E_CONSTRAINT_VIOLATION, of_node->span,
                           "two tables of grants match node '%s'", subject_name(subject));
        tvn_diag_related(sink, of_component->span, "its component's");
        if (subject->flow) {
            tvn_diag_help(sink, "name this one \"%s/%s\": it replaces the component's for the node",
                          subject->flow->name, subject_name(subject));
        }
        return status;
    }
    *out_grants = of_component ? of_component : of_node;
    return TVN_OK;
}

static enum tvn_status make_grants(struct tvn_arena *arena,
                                   const struct tvn_manifest_grants *explicit_grants,
                                   struct tvn_diag_sink *sink, struct tvn_sandbox *out)
{
    size_t count = explicit_grants ? explicit_grants->capability_count : TVN_ARRAY_LEN(by_default);
    struct tvn_grant *grants =
        TVN_ARENA_ARRAY(arena, struct tvn_grant, count + TVN_ARRAY_LEN(intrinsic));
    if (!grants) {
        return no_memory(sink);
    }
    if (!explicit_grants) {
        memcpy(grants, by_default, sizeof(by_default));
    }
    for (size_t i = 0; explicit_grants && i < count; i++) {
        TVN_TRY(tvn_grant_parse(arena, tvn_str_of(explicit_grants->capabilities[i].text),
                                explicit_grants->capabilities[i].span, sink, &grants[i]));
    }
    memcpy(grants + count, intrinsic, sizeof(intrinsic));
    out->grants = grants;
    out->grant_count = count + TVN_ARRAY_LEN(intrinsic);
    return TVN_OK;
}

static bool is_missing(const struct tvn_manifest_capability *item,
                       const struct tvn_sandbox *sandbox)
{
    enum tvn_capability capability;
    return item->required && item->wanted &&
           tvn_capability_from_key(tvn_str_of(item->name), &capability) &&
           !tvn_sandbox_has(sandbox, capability);
}

/* The table as it should be: what is granted now, and all that is missing. */
static void suggest_table(const struct tvn_manifest_capabilities *capabilities,
                          const struct tvn_sandbox *sandbox, const char *table,
                          struct tvn_diag_sink *sink)
{
    TVN_AUTO_VALUE(tvn_strbuf) text = {.max = 8192};
    bool quoted = strchr(table, '/') != NULL;
    tvn_strbuf_printf(&text, "write in the manifest:\n[security.grants.%s%s%s]\ncapabilities = [",
                      quoted ? "\"" : "", table, quoted ? "\"" : "");
    size_t listed = sandbox->grant_count - TVN_ARRAY_LEN(intrinsic);
    for (size_t i = 0; i < listed; i++) {
        tvn_strbuf_add_text(&text, i > 0 ? ", \"" : "\"");
        tvn_grant_print(&sandbox->grants[i], &text);
        tvn_strbuf_add_char(&text, '"');
    }
    for (size_t i = 0; i < capabilities->count; i++) {
        enum tvn_capability capability;
        if (is_missing(&capabilities->items[i], sandbox) &&
            tvn_capability_from_key(tvn_str_of(capabilities->items[i].name), &capability)) {
            tvn_strbuf_printf(&text, "%s\"%s\"", listed++ > 0 ? ", " : "",
                              tvn_capability_grant_name(capability));
        }
    }
    tvn_strbuf_add_text(&text, "]");
    tvn_diag_help(sink, "%s", tvn_strbuf_text(&text));
}

static enum tvn_status check_required(const struct tvn_security_subject *subject,
                                      const struct tvn_manifest_capabilities *capabilities,
                                      const struct tvn_manifest_grants *explicit_grants,
                                      const struct tvn_sandbox *sandbox, struct tvn_diag_sink *sink)
{
    enum tvn_status result = TVN_OK;
    for (size_t i = 0; i < capabilities->count; i++) {
        const struct tvn_manifest_capability *item = &capabilities->items[i];
        if (!is_missing(item, sandbox)) {
            continue;
        }
        const char *owner = subject->component ? subject->component->name : subject_name(subject);
        keep_first(&result, tvn_diag_error(sink, TVN_E_CAPABILITY_NOT_GRANTED, item->span,
                                           "component '%s' requires '%s', which is not granted",
                                           owner, item->name));
        if (explicit_grants) {
            tvn_diag_related(sink, explicit_grants->span, "its grants");
        }
        suggest_table(capabilities, sandbox, explicit_grants ? explicit_grants->component : owner,
                      sink);
    }
    return result;
}

static enum tvn_status check_memory(const struct tvn_manifest_capabilities *capabilities,
                                    const struct tvn_sandbox *sandbox, struct tvn_diag_sink *sink)
{
    if (capabilities->max_memory <= sandbox->max_memory_bytes) {
        return TVN_OK;
    }
    enum tvn_status status =
        tvn_diag_error(sink, TVN_E_CONSTRAINT_VIOLATION, capabilities->max_memory_span,
                       "node '%s' needs %" PRIu64 " bytes of memory, its limit is %" PRIu64,
                       sandbox->component, capabilities->max_memory, sandbox->max_memory_bytes);
    tvn_diag_help(sink, "raise [runtime] max_memory_per_component, or max_memory of the node");
    return status;
}

static void set_limits(const struct tvn_security_subject *subject, struct tvn_sandbox *out)
{
    const struct tvn_config_runtime *runtime = &subject->manifest->config.runtime;
    const struct tvn_manifest_node *node = subject->node;
    out->component = subject_name(subject);
    out->max_memory_bytes = node ? node->max_memory : runtime->max_memory_per_component;
    out->fuel_per_invocation = node ? node->fuel_per_invocation : runtime->fuel_per_invocation;
    out->invocation_timeout_ms =
        node ? node->invocation_timeout_ms : runtime->invocation_timeout_ms;
    out->init_timeout_ms = runtime->component_init_timeout_ms;
    out->teardown_timeout_ms = runtime->component_teardown_timeout_ms;
}

enum tvn_status tvn_security_resolve(struct tvn_arena *arena,
                                     const struct tvn_security_subject *subject,
                                     struct tvn_diag_sink *sink, struct tvn_sandbox *out_sandbox)
{
    tvn_assert(arena);
    tvn_assert(subject && subject->manifest);
    tvn_assert(sink);
    tvn_assert(out_sandbox);
    const struct tvn_manifest_capabilities *capabilities =
        subject->component ? &subject->component->capabilities : &subject->manifest->capabilities;
    const struct tvn_manifest_grants *explicit_grants = NULL;
    struct tvn_sandbox sandbox = {.max_buffer_bytes = capabilities->max_buffer_size,
                                  .declared_memory_bytes = capabilities->max_memory};
    set_limits(subject, &sandbox);
    TVN_TRY(select_grants(arena, subject, sink, &explicit_grants));
    TVN_TRY(make_grants(arena, explicit_grants, sink, &sandbox));
    enum tvn_status result = check_required(subject, capabilities, explicit_grants, &sandbox, sink);
    keep_first(&result, check_memory(capabilities, &sandbox, sink));
    if (result == TVN_OK) {
        *out_sandbox = sandbox;
    }
    return result;
}
