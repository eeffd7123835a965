/* SPDX-License-Identifier: Apache-2.0 */
/* The layers around the manifest: the user's file below it, environment and --config above it. */
#include "base/assert.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/suggest.h"
#include "config/load_internal.h"

#include <errno.h>
#include <stdio.h>

#define SEGMENTS_MAX 5
#define NAMES_MAX    512 /* that are looked at for a suggestion */

static bool is_scalar(const struct tvn_config_key *key)
{
    return key->type != TVN_CONFIG_TYPE_PART && key->type != TVN_CONFIG_TYPE_ALIAS;
}

/* The layered key whose environment name this is. */
static const struct tvn_config_key *find_by_environment(struct tvn_str name)
{
    char candidate[TVN_CONFIG_VARIABLE_MAX];
    const struct tvn_config_key *key = NULL;
    for (size_t i = 0; (key = tvn_config_key_at(i)); i++) {
        if (!tvn_config_section_is_layered(key->section) || key->type == TVN_CONFIG_TYPE_PART) {
            continue;
        }
        if (tvn_str_equal(name, tvn_config_variable_name(key, candidate))) {
            return config_find_key(key->section, tvn_str_of(key->name));
        }
    }
    return NULL;
}

/* Makes "NAME=value" a source (`equals` may be its length); false (reported) when memory is
 * exhausted. */
static bool add_pair_source(struct config_load *load, const char *source, struct tvn_str pair,
                            size_t equals, struct config_override *out)
{
    uint32_t file = pair.len <= UINT32_MAX ? tvn_diag_add_source(load->sink, source, pair) : 0;
    struct tvn_str copy = tvn_arena_str(load->arena, pair);
    if (file == 0 || !copy.ptr) {
        config_no_memory(load);
        return false;
    }
    out->key = tvn_str_slice(copy, 0, equals);
    size_t value = tvn_min(equals + 1, copy.len);
    out->value = tvn_str_slice(copy, value, copy.len);
    out->key_span = (struct tvn_span){file, 0, (uint32_t)equals};
    out->value_span = (struct tvn_span){file, (uint32_t)value, (uint32_t)(copy.len - value)};
    return true;
}

static void warn_unknown_variable(struct config_load *load, const struct config_override *variable)
{
    /* Other programs may own such a name (container platforms make TORVYN_…_HOST), so it is no
     * error. */
    tvn_diag_warning(load->sink, TVN_E_UNKNOWN_FIELD, variable->key_span,
                     "no configuration key belongs to the environment variable '%s'",
                     config_shown(load, variable->key));
    char name[TVN_CONFIG_VARIABLE_MAX];
    const char *names[NAMES_MAX];
    size_t count = 0;
    const struct tvn_config_key *key = NULL;
    for (size_t i = 0; (key = tvn_config_key_at(i)) && count < NAMES_MAX; i++) {
        if (tvn_config_section_is_layered(key->section) && is_scalar(key)) {
            struct tvn_str view = tvn_config_variable_name(key, name);
            names[count] = tvn_arena_strndup(load->arena, view.ptr, view.len);
            count += names[count] ? 1 : 0;
        }
    }
    const char *suggestion = tvn_suggest(variable->key, names, count);
    if (suggestion) {
        tvn_diag_label(load->sink, "did you mean '%s'?", suggestion);
    }
}

/* TORVYN_RUNTIME_…: such names are meant for us, others (TORVYN_LOG, TORVYN_HOME) are not
 * configuration keys. */
static bool names_layered_section(struct tvn_str name)
{
    static const char *const starts[] = {"TORVYN_RUNTIME_", "TORVYN_OBSERVABILITY_",
                                         "TORVYN_SECURITY_", "TORVYN_REGISTRY_"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(starts); i++) {
        if (tvn_str_starts_with(name, tvn_str_of(starts[i]))) {
            return true;
        }
    }
    return false;
}

void config_apply_environment(struct config_load *load)
{
    for (const char *const *entry = load->environment; *entry; entry++) {
        struct tvn_str pair = tvn_str_of(*entry);
        size_t equals = tvn_str_find(pair, '=');
        if (equals == SIZE_MAX || !names_layered_section(pair)) {
            continue;
        }
        struct config_override variable = {0};
        if (!add_pair_source(load, "environment", pair, equals, &variable)) {
            return;
        }
        const struct tvn_config_key *key = find_by_environment(variable.key);
        if (key) {
            config_set_text(load, key, variable.value, variable.value_span,
                            config_layered_struct(&load->manifest->config, key->section));
        } else {
            warn_unknown_variable(load, &variable);
        }
    }
}

/* The user's configuration file; heap string, NULL when there is no place for one. */
static char *user_file(const struct config_load *load)
{
    const char *home = config_getenv(load, TVN_STR("TORVYN_HOME"));
    if (home && home[0] != '\0') {
        return tvn_path_join(home, "config.toml");
    }
    const char *xdg = config_getenv(load, TVN_STR("XDG_CONFIG_HOME"));
    if (xdg && xdg[0] == '/') { /* the standard says: ignore relative ones */
        return tvn_path_join(xdg, "torvyn/config.toml");
    }
    home = config_getenv(load, TVN_STR("HOME"));
    return home && home[0] != '\0' ? tvn_path_join(home, ".config/torvyn/config.toml") : NULL;
}

void config_apply_user_file(struct config_load *load, const char *path)
{
    TVN_AUTO_FREE char *found = path ? NULL : user_file(load);
    path = path ? path : found;
    if (!path || path[0] == '\0') {
        return;
    }
    TVN_AUTO_VALUE(tvn_file_bytes) bytes = {0};
    enum tvn_status status = tvn_file_read(path, TVN_TOML_SIZE_MAX, &bytes);
    if (status == TVN_NOT_FOUND) {
        return;
    }
    if (status != TVN_OK) {
        config_read_failed(load, path, status);
        return;
    }
    struct tvn_str text = {(const char *)bytes.ptr, bytes.len};
    uint32_t file = tvn_diag_add_source(load->sink, path, text);
    if (file == 0) {
        config_no_memory(load);
        return;
    }
    const struct tvn_toml_table *root = NULL;
    status = tvn_toml_parse(load->arena, file, text, load->sink, &root);
    if (status != TVN_OK) {
        config_failed(load, status);
        return;
    }
    config_decode_user(load, root);
}

void config_read_failed(struct config_load *load, const char *path, enum tvn_status status)
{
    int error = errno;
    const char *shown = config_shown(load, tvn_str_of(path));
    if (status == TVN_FULL) {
        config_error(load, TVN_E_MANIFEST_PARSE_ERROR, TVN_SPAN_NONE,
                     "'%s' has more than the maximum of %zu bytes", shown, TVN_TOML_SIZE_MAX);
        tvn_diag_help(load->sink, "split the project into several");
    } else if (status == TVN_E_OUT_OF_MEMORY) {
        config_no_memory(load);
    } else {
        config_error(load, TVN_E_IO_ERROR, TVN_SPAN_NONE, "cannot read '%s': %s", shown,
                     strerrordesc_np(error) ? strerrordesc_np(error) : "unknown error");
    }
}

static void unknown_override(struct config_load *load, const struct config_override *override,
                             struct tvn_span at, const char *what, const char *const *names,
                             size_t count)
{
    config_error(load, TVN_E_UNKNOWN_FIELD, at, "%s", what);
    struct tvn_str word = tvn_str_slice(override->key, at.offset, at.offset + at.length);
    const char *suggestion = tvn_suggest(word, names, count);
    if (suggestion) {
        tvn_diag_label(load->sink, "did you mean '%s'?", suggestion);
    }
}

/* Sets section.key, where the key's name starts at `start`. */
static void set_key(struct config_load *load, const struct config_override *override,
                    enum tvn_config_section section, size_t start, void *out)
{
    struct tvn_str name = tvn_str_slice(override->key, start, override->key.len);
    struct tvn_span at = {override->key_span.file, (uint32_t)start, (uint32_t)name.len};
    const struct tvn_config_key *key = config_find_key(section, name);
    if (!key) {
        TVN_AUTO_VALUE(tvn_strbuf) title = {0};
        tvn_strbuf_printf(&title, "[%s]", tvn_config_section_path(section));
        (void)config_unknown_key(load, section, tvn_strbuf_text(&title), name, at);
    } else if (!is_scalar(key)) {
        config_error(load, TVN_E_UNKNOWN_FIELD, at, "'%s' is not a single value", key->name);
    } else {
        config_set_text(load, key, override->value, override->value_span, out);
    }
}

/* runtime.…, observability.…, security.…, registry.…: the section is what stands before the last
 * dot. */
static void set_layered(struct config_load *load, const struct config_override *override)
{
    size_t dot = tvn_str_find_last(override->key, '.');
    struct tvn_str path = tvn_str_slice(override->key, 0, dot);
    const char *paths[TVN_SECTION_COUNT];
    size_t count = 0;
    for (unsigned i = 0; i < TVN_SECTION_COUNT; i++) {
        enum tvn_config_section section = (enum tvn_config_section)i;
        if (!tvn_config_section_is_layered(section)) {
            continue;
        }
        const char *name = tvn_config_section_path(section);
        paths[count++] = name;
        if (tvn_str_is(path, name) ||
            (section == TVN_SECTION_OBSERVABILITY && tvn_str_is(path, "observability.tracing"))) {
            set_key(load, override, section, dot + 1,
                    config_layered_struct(&load->manifest->config, section));
            return;
        }
    }
    struct tvn_span at = {override->key_span.file, 0, (uint32_t)dot};
    unknown_override(load, override, at, "there is no such section", paths, count);
}

static struct tvn_span segment_span(const struct config_override *override, struct tvn_str segment)
{
    return (struct tvn_span){override->key_span.file, (uint32_t)(segment.ptr - override->key.ptr),
                             (uint32_t)segment.len};
}

static struct tvn_manifest_flow *
find_flow(struct config_load *load, const struct config_override *override, struct tvn_str name)
{
    const char *names[NAMES_MAX];
    for (size_t i = 0; i < load->manifest->flow_count; i++) {
        if (tvn_str_is(name, load->flows[i].name)) {
            return &load->flows[i];
        }
        names[tvn_min(i, (size_t)NAMES_MAX - 1)] = load->flows[i].name;
    }
    unknown_override(load, override, segment_span(override, name), "there is no such flow", names,
                     tvn_min(load->manifest->flow_count, (size_t)NAMES_MAX));
    return NULL;
}

static struct tvn_manifest_node *find_node(struct config_load *load,
                                           const struct config_override *override,
                                           const struct tvn_manifest_flow *flow,
                                           struct tvn_str name)
{
    const char *names[NAMES_MAX];
    for (size_t i = 0; i < flow->node_count; i++) {
        if (tvn_str_is(name, flow->nodes[i].name)) {
            /* The arrays are ours until loading ends. */
            return (struct tvn_manifest_node *)(uintptr_t)&flow->nodes[i];
        }
        names[tvn_min(i, (size_t)NAMES_MAX - 1)] = flow->nodes[i].name;
    }
    unknown_override(load, override, segment_span(override, name), "there is no such node", names,
                     tvn_min(flow->node_count, (size_t)NAMES_MAX));
    return NULL;
}

/* flow.X.key, flow.X.backpressure.key, flow.X.nodes.N.key */
static void set_flow_key(struct config_load *load, const struct config_override *override)
{
    struct tvn_str segments[SEGMENTS_MAX];
    size_t count = 0;
    struct tvn_str rest = override->key;
    while (count < SEGMENTS_MAX) {
        size_t dot = count + 1 < SEGMENTS_MAX ? tvn_str_find(rest, '.') : SIZE_MAX;
        size_t end = dot == SIZE_MAX ? rest.len : dot;
        segments[count++] = tvn_str_slice(rest, 0, end);
        if (dot == SIZE_MAX) {
            break;
        }
        rest = tvn_str_slice(rest, dot + 1, rest.len);
    }
    struct tvn_manifest_flow *flow = count >= 3 ? find_flow(load, override, segments[1]) : NULL;
    size_t last = (size_t)(segments[count - 1].ptr - override->key.ptr);
    if (count == 3 && flow) {
        set_key(load, override, TVN_SECTION_FLOW, last, flow);
    } else if (count == 4 && flow && tvn_str_is(segments[2], "backpressure")) {
        set_key(load, override, TVN_SECTION_FLOW_BACKPRESSURE, last, &flow->backpressure);
    } else if (count == 5 && flow && tvn_str_is(segments[2], "nodes")) {
        struct tvn_manifest_node *node = find_node(load, override, flow, segments[3]);
        if (node) {
            set_key(load, override, TVN_SECTION_NODE, last, node);
        }
    } else if (count < 3 || flow) {
        config_error(load, TVN_E_UNKNOWN_FIELD, override->key_span,
                     "expected flow.X.KEY, flow.X.backpressure.KEY or flow.X.nodes.N.KEY");
    }
}

static void unknown_target(struct config_load *load, const struct config_override *override,
                           struct tvn_str first)
{
    static const char *const sections[] = {"runtime", "observability", "security", "registry",
                                           "flow"};
    const char *names[NAMES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < TVN_ARRAY_LEN(sections); i++) {
        names[count++] = sections[i];
    }
    const char *implicit = config_implicit_node(load);
    if (implicit) {
        names[count++] = implicit;
    }
    for (size_t i = 0; i < load->manifest->flow_count; i++) {
        const struct tvn_manifest_flow *flow = &load->flows[i];
        for (size_t j = 0; j < flow->node_count && count < NAMES_MAX; j++) {
            names[count++] = flow->nodes[j].name;
        }
    }
    unknown_override(load, override, segment_span(override, first),
                     "neither a configuration section nor a node has this name", names, count);
}

static void apply_override(struct config_load *load, const struct config_override *override)
{
    size_t dot = tvn_str_find(override->key, '.');
    struct tvn_str first =
        tvn_str_slice(override->key, 0, dot == SIZE_MAX ? override->key.len : dot);
    if (dot == SIZE_MAX || dot == 0 || dot + 1 == override->key.len) {
        config_error(load, TVN_E_UNKNOWN_FIELD, override->key_span,
                     "expected a dotted key such as runtime.worker_threads or NODE.key");
    } else if (tvn_str_is(first, "runtime") || tvn_str_is(first, "observability") ||
               tvn_str_is(first, "security") || tvn_str_is(first, "registry")) {
        set_layered(load, override);
    } else if (tvn_str_is(first, "flow")) {
        set_flow_key(load, override);
    } else if (!config_merge_into_nodes(load, override)) {
        unknown_target(load, override, first);
    }
}

void config_apply_overrides(struct config_load *load, const char *const *overrides, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct tvn_str pair = tvn_str_of(overrides[i]);
        size_t equals = tvn_str_find(pair, '=');
        struct config_override override = {0};
        if (!add_pair_source(load, "--config", pair, tvn_min(equals, pair.len), &override)) {
            return;
        }
        if (equals == SIZE_MAX) {
            config_error(load, TVN_E_CONSTRAINT_VIOLATION, override.key_span, "expected KEY=VALUE");
        } else {
            apply_override(load, &override);
        }
    }
}
