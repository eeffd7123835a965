/* SPDX-License-Identifier: Apache-2.0 */
/* --config NODE.key=value: a value merged into the JSON object that is a node's `config` string. */
#include "base/assert.h"
#include "config/load_internal.h"
#include "format/json.h"

#define PATH_PARTS_MAX 16

static void not_json(struct config_load *load, const struct tvn_manifest_node *node,
                     const struct config_override *override, const char *why)
{
    config_error(load, TVN_E_CONSTRAINT_VIOLATION, override->key_span,
                 "the configuration of node '%s' is not a JSON object: %s", node->name, why);
    if (node->config_span.file != 0) {
        tvn_diag_related(load->sink, node->config_span, "its configuration");
    }
    tvn_diag_help(load->sink, "replace the whole string with flow.X.nodes.%s.config=…", node->name);
}

/* The node's configuration as an object; NULL after an error. */
static struct tvn_json *parse_config(struct config_load *load, const struct tvn_manifest_node *node,
                                     const struct config_override *override)
{
    struct tvn_json *object = NULL;
    struct tvn_json_error error = {0};
    enum tvn_status status = TVN_OK;
    if (node->config[0] == '\0') {
        object = tvn_json_create_object();
        status = object ? TVN_OK : TVN_E_OUT_OF_MEMORY;
    } else {
        status = tvn_json_parse(tvn_str_of(node->config), &object, &error);
    }
    if (status == TVN_E_OUT_OF_MEMORY) {
        config_no_memory(load);
    } else if (status != TVN_OK) {
        not_json(load, node, override, config_shown(load, tvn_str_of(error.text)));
    } else if (tvn_json_kind(object) != TVN_JSON_OBJECT) {
        tvn_json_unref(object);
        object = NULL;
        not_json(load, node, override, "it is another value");
    }
    return object;
}

/* JSON if it is JSON, else the text itself. NULL when memory is exhausted. */
static struct tvn_json *parse_new_value(struct tvn_str text)
{
    struct tvn_json *value = NULL;
    struct tvn_json_error error;
    enum tvn_status status = tvn_json_parse(text, &value, &error);
    if (status == TVN_E_CONSTRAINT_VIOLATION) {
        return tvn_json_create_string(text);
    }
    return status == TVN_OK ? value : NULL;
}

/* Walks to the object that holds the last part, making objects on the way. NULL: memory, or
 * *out_taken is not one. */
static struct tvn_json *enter_parts(struct config_load *load, struct tvn_json *object,
                                    struct tvn_str path, const char **out_last)
{
    for (;;) {
        size_t dot = tvn_str_find(path, '.');
        const char *part =
            tvn_arena_strndup(load->arena, path.ptr, dot == SIZE_MAX ? path.len : dot);
        if (!part) {
            return NULL;
        }
        *out_last = part;
        if (dot == SIZE_MAX) {
            return object;
        }
        struct tvn_json *inner = tvn_json_get(object, part);
        if (!inner || tvn_json_kind(inner) != TVN_JSON_OBJECT) {
            TVN_AUTO(tvn_json) made = tvn_json_create_object();
            if (tvn_json_set(object, part, made) != TVN_OK) {
                return NULL;
            }
            inner = TVN_TAKE(made);
        }
        object = inner;
        path = tvn_str_slice(path, dot + 1, path.len);
    }
}

static bool path_is_valid(struct config_load *load, const struct config_override *override,
                          struct tvn_str path)
{
    size_t parts = 1;
    bool empty = path.len == 0 || path.ptr[0] == '.' || path.ptr[path.len - 1] == '.';
    for (size_t i = 0; i < path.len; i++) {
        if (path.ptr[i] == '.') {
            parts++;
            empty = empty || (i + 1 < path.len && path.ptr[i + 1] == '.');
        }
    }
    if (empty || parts > PATH_PARTS_MAX) {
        config_error(load, TVN_E_CONSTRAINT_VIOLATION, override->key_span,
                     "expected NODE.key or NODE.key.key, at most %d parts", PATH_PARTS_MAX);
        return false;
    }
    return true;
}

static void merge(struct config_load *load, struct tvn_manifest_node *node,
                  const struct config_override *override, struct tvn_str path)
{
    TVN_AUTO(tvn_json) object = parse_config(load, node, override);
    if (!object) {
        return;
    }
    TVN_AUTO(tvn_json) value = parse_new_value(override->value);
    const char *last = NULL;
    struct tvn_json *holder = value ? enter_parts(load, object, path, &last) : NULL;
    if (!holder || tvn_json_set(holder, last, value) != TVN_OK) {
        config_no_memory(load);
        return;
    }
    (void)TVN_TAKE(value);
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_json_print(object, &text);
    const char *config =
        text.failed ? NULL : tvn_arena_strndup(load->arena, tvn_strbuf_text(&text), text.len);
    if (!config) {
        config_no_memory(load);
        return;
    }
    node->config = config;
    node->config_span = override->value_span;
}

const char *config_implicit_node(const struct config_load *load)
{
    const struct tvn_manifest *manifest = load->manifest;
    return manifest->flow_count == 0 && manifest->component_count == 1
               ? manifest->components[0].name
               : NULL;
}

/* There is no flow's node to change: the linker makes one, with this configuration. */
static void merge_into_implicit(struct config_load *load, const struct config_override *override,
                                struct tvn_str path)
{
    struct tvn_manifest_node *node = &load->implicit;
    node->name = config_implicit_node(load);
    node->config = load->manifest->implicit_config;
    if (path_is_valid(load, override, path)) {
        merge(load, node, override, path);
        load->manifest->implicit_config = node->config;
    }
}

bool config_merge_into_nodes(struct config_load *load, const struct config_override *override)
{
    size_t dot = tvn_str_find(override->key, '.');
    tvn_assert(dot != SIZE_MAX);
    struct tvn_str name = tvn_str_slice(override->key, 0, dot);
    struct tvn_str path = tvn_str_slice(override->key, dot + 1, override->key.len);
    const char *implicit = config_implicit_node(load);
    bool found = implicit && tvn_str_is(name, implicit);
    if (found) {
        merge_into_implicit(load, override, path);
    }
    for (size_t i = 0; i < load->manifest->flow_count; i++) {
        struct tvn_manifest_flow *flow = &load->flows[i];
        for (size_t j = 0; j < flow->node_count; j++) {
            if (!tvn_str_is(name, flow->nodes[j].name)) {
                continue;
            }
            if (!found && !path_is_valid(load, override, path)) {
                return true;
            }
            found = true;
            /* The arrays are ours until loading ends. */
            merge(load, (struct tvn_manifest_node *)(uintptr_t)&flow->nodes[j], override, path);
        }
    }
    return found;
}
