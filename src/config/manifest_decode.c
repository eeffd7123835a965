/* SPDX-License-Identifier: Apache-2.0 */
/* The manifest's tables, top down: project, components, security, layered sections. Flows are in
 * flow_decode.c. */
#include "base/assert.h"
#include "config/load_internal.h"

static void decode_authors(struct config_load *load, const struct tvn_config_key *key,
                           const struct tvn_toml_entry *entry, void *out)
{
    struct tvn_manifest_project *project = out;
    if (entry->value.kind != TVN_TOML_ARRAY) {
        config_wrong_type(load, key->name, "a list of strings", &entry->value);
        return;
    }
    const struct tvn_toml_array *array = entry->value.array;
    const char **authors = TVN_ARENA_ARRAY(load->arena, const char *, array->count);
    if (!authors) {
        config_no_memory(load);
        return;
    }
    size_t count = 0;
    for (const struct tvn_toml_value *item = array->first; item; item = item->next) {
        authors[count] = config_string(load, key->name, item);
        count += authors[count] ? 1 : 0;
    }
    project->authors = authors;
    project->author_count = count;
}

static void decode_project(struct config_load *load, const struct tvn_toml_entry *entry)
{
    struct tvn_manifest_project *project = &load->manifest->project;
    const struct tvn_toml_table *table = config_table_of(load, "torvyn", &entry->value);
    if (!table) {
        return;
    }
    project->span = entry->value.span;
    const struct config_table from = {TVN_SECTION_TORVYN, "[torvyn]", table, entry->value.span,
                                      decode_authors};
    (void)config_decode(load, &from, project);
}

/* What is being collected while one [capabilities] is read. */
struct capability_list {
    struct tvn_manifest_capabilities *capabilities;
    struct tvn_manifest_capability *items;
};

static size_t count_keys(const struct tvn_toml_table *table, struct tvn_str name)
{
    const struct tvn_toml_entry *entry = tvn_toml_find(table, name);
    return entry && entry->value.kind == TVN_TOML_TABLE ? entry->value.table->count : 0;
}

static void add_capabilities(struct config_load *load, const struct tvn_toml_table *table,
                             bool required, struct capability_list *list)
{
    for (const struct tvn_toml_entry *entry = table->first; entry; entry = entry->next) {
        const char *name = config_shown(load, entry->key);
        if (entry->value.kind != TVN_TOML_BOOL) {
            config_wrong_type(load, name, "true or false", &entry->value);
            continue;
        }
        list->items[list->capabilities->count++] =
            (struct tvn_manifest_capability){.name = name,
                                             .required = required,
                                             .wanted = entry->value.boolean,
                                             .span = entry->key_span};
    }
}

static void decode_capability_part(struct config_load *load, const struct tvn_config_key *key,
                                   const struct tvn_toml_entry *entry, void *out)
{
    struct capability_list *list = out;
    const struct tvn_toml_table *table = config_table_of(load, key->name, &entry->value);
    if (!table) {
        return;
    }
    if (strcmp(key->name, "torvyn") == 0) {
        const struct config_table from = {TVN_SECTION_CAPABILITIES_TORVYN, "[capabilities.torvyn]",
                                          table, entry->value.span, NULL};
        (void)config_decode(load, &from, list->capabilities);
    } else {
        add_capabilities(load, table, strcmp(key->name, "required") == 0, list);
    }
}

static void decode_capabilities(struct config_load *load, const struct tvn_toml_entry *entry,
                                struct tvn_manifest_capabilities *out)
{
    const struct tvn_toml_table *table = config_table_of(load, "capabilities", &entry->value);
    if (!table) {
        return;
    }
    size_t count = count_keys(table, TVN_STR("required")) + count_keys(table, TVN_STR("optional"));
    struct capability_list list = {
        out, TVN_ARENA_ARRAY(load->arena, struct tvn_manifest_capability, count)};
    if (!list.items) {
        config_no_memory(load);
        return;
    }
    out->span = entry->value.span;
    const struct config_table from = {TVN_SECTION_CAPABILITIES, "[capabilities]", table,
                                      entry->value.span, decode_capability_part};
    (void)config_decode(load, &from, &list);
    out->items = list.items;
}

static void init_capabilities(struct config_load *load, struct tvn_manifest_capabilities *out)
{
    config_set_defaults(load, TVN_SECTION_CAPABILITIES_TORVYN, out);
    config_fill_strings(TVN_SECTION_CAPABILITIES_TORVYN, out);
}

static void decode_component_part(struct config_load *load, const struct tvn_config_key *key,
                                  const struct tvn_toml_entry *entry, void *out)
{
    struct tvn_manifest_component *component = out;
    tvn_assert(strcmp(key->name, "capabilities") == 0);
    decode_capabilities(load, entry, &component->capabilities);
}

static void decode_component(struct config_load *load, const struct tvn_toml_value *value,
                             bool only, struct tvn_manifest_component *out)
{
    out->span = value->span;
    out->path = only ? "." : NULL;
    config_set_defaults(load, TVN_SECTION_COMPONENT, out);
    init_capabilities(load, &out->capabilities);
    const struct config_table from = {TVN_SECTION_COMPONENT, only ? "[component]" : "[[component]]",
                                      value->table, value->span, decode_component_part};
    (void)config_decode(load, &from, out);
    config_fill_strings(TVN_SECTION_COMPONENT, out);
}

static void check_component_name(struct config_load *load,
                                 const struct tvn_manifest_component *components, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (components[index].name[0] != '\0' &&
            strcmp(components[i].name, components[index].name) == 0) {
            config_error(load, TVN_E_CONSTRAINT_VIOLATION, components[index].name_span,
                         "there are two components named '%s'", components[index].name);
            tvn_diag_related(load->sink, components[i].name_span, "the first one");
            return;
        }
    }
}

static void decode_components(struct config_load *load, const struct tvn_toml_entry *entry)
{
    const struct tvn_toml_value *value = &entry->value;
    bool only = value->kind == TVN_TOML_TABLE;
    if (!only && value->kind != TVN_TOML_ARRAY) {
        config_wrong_type(load, "component", "a table or an array of tables", value);
        return;
    }
    size_t count = only ? 1 : value->array->count;
    if (count > TVN_MANIFEST_COMPONENTS_MAX) {
        config_error(load, TVN_E_CONSTRAINT_VIOLATION, value->span, "more than %d components",
                     TVN_MANIFEST_COMPONENTS_MAX);
        return;
    }
    struct tvn_manifest_component *components =
        TVN_ARENA_ARRAY(load->arena, struct tvn_manifest_component, count);
    if (!components) {
        config_no_memory(load);
        return;
    }
    size_t done = 0;
    for (const struct tvn_toml_value *item = only ? value : value->array->first; item;
         item = only ? NULL : item->next) {
        if (config_table_of(load, "component", item)) {
            decode_component(load, item, only, &components[done]);
            check_component_name(load, components, done);
            done++;
        }
    }
    load->manifest->components = components;
    load->manifest->component_count = done;
}

/* [capabilities] at the top belongs to the only component. */
static void place_capabilities(struct config_load *load)
{
    struct tvn_manifest *manifest = load->manifest;
    if (manifest->capabilities.span.file == 0 || manifest->component_count == 0) {
        return;
    }
    if (manifest->component_count > 1) {
        config_error(load, TVN_E_CONSTRAINT_VIOLATION, manifest->capabilities.span,
                     "[capabilities] at the top needs a manifest with one component, this one has "
                     "%zu",
                     manifest->component_count);
        tvn_diag_help(load->sink, "write [component.capabilities.required] after the "
                                  "[[component]] that it is about");
        return;
    }
    struct tvn_manifest_component only = manifest->components[0];
    if (only.capabilities.span.file != 0) {
        config_error(load, TVN_E_CONSTRAINT_VIOLATION, manifest->capabilities.span,
                     "the capabilities of '%s' are given twice", only.name);
        tvn_diag_related(load->sink, only.capabilities.span, "here they are given, too");
        return;
    }
    struct tvn_manifest_component *copy = TVN_ARENA_NEW(load->arena, struct tvn_manifest_component);
    if (!copy) {
        config_no_memory(load);
        return;
    }
    only.capabilities = manifest->capabilities;
    *copy = only;
    manifest->components = copy;
}

static void decode_grant_list(struct config_load *load, const struct tvn_config_key *key,
                              const struct tvn_toml_entry *entry, void *out)
{
    struct tvn_manifest_grants *grants = out;
    if (entry->value.kind != TVN_TOML_ARRAY) {
        config_wrong_type(load, key->name, "a list of strings", &entry->value);
        return;
    }
    const struct tvn_toml_array *array = entry->value.array;
    struct tvn_manifest_grant_item *items =
        TVN_ARENA_ARRAY(load->arena, struct tvn_manifest_grant_item, array->count);
    if (!items) {
        config_no_memory(load);
        return;
    }
    size_t count = 0;
    for (const struct tvn_toml_value *item = array->first; item; item = item->next) {
        const char *text = config_string(load, key->name, item);
        if (text) {
            items[count++] = (struct tvn_manifest_grant_item){text, item->span};
        }
    }
    grants->capabilities = items;
    grants->capability_count = count;
}

/* Names of grants may hold a slash, so only what a C string cannot hold is refused. */
static bool check_no_nul(struct config_load *load, const struct tvn_toml_entry *entry)
{
    if (entry->key.len == 0 || !memchr(entry->key.ptr, '\0', entry->key.len)) {
        return true;
    }
    config_error(load, TVN_E_CONSTRAINT_VIOLATION, entry->key_span,
                 "a name must not contain the character U+0000");
    return false;
}

static void decode_grants(struct config_load *load, const struct tvn_toml_entry *grants_entry)
{
    const struct tvn_toml_table *table =
        config_table_of(load, "security.grants", &grants_entry->value);
    struct tvn_manifest_grants *grants =
        table ? TVN_ARENA_ARRAY(load->arena, struct tvn_manifest_grants, table->count) : NULL;
    if (!grants) {
        if (table) {
            config_no_memory(load);
        }
        return;
    }
    size_t count = 0;
    for (const struct tvn_toml_entry *entry = table->first; entry; entry = entry->next) {
        const struct tvn_toml_table *one =
            config_table_of(load, config_shown(load, entry->key), &entry->value);
        if (!one || !check_no_nul(load, entry)) {
            continue;
        }
        struct tvn_manifest_grants *out = &grants[count++];
        out->component = entry->key.ptr;
        out->span = entry->key_span;
        const struct config_table from = {TVN_SECTION_GRANTS, "[security.grants.…]", one,
                                          entry->value.span, decode_grant_list};
        (void)config_decode(load, &from, out);
    }
    load->manifest->grants = grants;
    load->manifest->grant_count = count;
}

static void decode_security_part(struct config_load *load, const struct tvn_config_key *key,
                                 const struct tvn_toml_entry *entry, void *out)
{
    (void)key;
    (void)out;
    decode_grants(load, entry);
}

static void refuse_user_grants(struct config_load *load, const struct tvn_config_key *key,
                               const struct tvn_toml_entry *entry, void *out)
{
    (void)out;
    config_error(load, TVN_E_UNKNOWN_FIELD, entry->key_span,
                 "'%s' belong into a project's manifest, not into the user's configuration",
                 key->name);
}

static void decode_layered(struct config_load *load, const struct tvn_toml_entry *entry,
                           bool with_grants)
{
    enum tvn_config_section section = TVN_SECTION_REGISTRY;
    const char *title = "[registry]";
    config_part part = NULL;
    if (tvn_str_is(entry->key, "runtime")) {
        section = TVN_SECTION_RUNTIME;
        title = "[runtime]";
        part = config_decode_layered_part;
    } else if (tvn_str_is(entry->key, "observability")) {
        section = TVN_SECTION_OBSERVABILITY;
        title = "[observability]";
        part = config_decode_layered_part;
    } else if (tvn_str_is(entry->key, "security")) {
        section = TVN_SECTION_SECURITY;
        title = "[security]";
        part = with_grants ? decode_security_part : refuse_user_grants;
    }
    const struct tvn_toml_table *table =
        config_table_of(load, config_shown(load, entry->key), &entry->value);
    if (table) {
        const struct config_table from = {section, title, table, entry->value.span, part};
        (void)config_decode(load, &from, config_layered_struct(&load->manifest->config, section));
    }
}

static void decode_root_part(struct config_load *load, const struct tvn_config_key *key,
                             const struct tvn_toml_entry *entry, void *out)
{
    (void)out;
    if (strcmp(key->name, "torvyn") == 0) {
        decode_project(load, entry);
    } else if (strcmp(key->name, "component") == 0) {
        decode_components(load, entry);
    } else if (strcmp(key->name, "capabilities") == 0) {
        decode_capabilities(load, entry, &load->manifest->capabilities);
    } else if (strcmp(key->name, "flow") == 0) {
        config_decode_flows(load, entry);
    } else {
        decode_layered(load, entry, true);
    }
}

void config_decode_manifest(struct config_load *load, const struct tvn_toml_table *root)
{
    struct tvn_manifest *manifest = load->manifest;
    init_capabilities(load, &manifest->capabilities);
    config_set_defaults(load, TVN_SECTION_TORVYN, &manifest->project);
    const struct config_table from = {TVN_SECTION_ROOT, "the manifest", root, TVN_SPAN_NONE,
                                      decode_root_part};
    (void)config_decode(load, &from, manifest);
    config_fill_strings(TVN_SECTION_TORVYN, &manifest->project);
    place_capabilities(load);
    if (!tvn_toml_find(root, TVN_STR("torvyn")) && !tvn_toml_find(root, TVN_STR("flow")) &&
        !tvn_toml_find(root, TVN_STR("component")) && load->status == TVN_OK) {
        const struct tvn_span start = {.file = manifest->file};
        config_error(load, TVN_E_CONSTRAINT_VIOLATION, start,
                     "the manifest has neither [torvyn] nor a component nor a flow");
        tvn_diag_help(load->sink, "write [flow.main] with nodes and edges, or let 'torvyn init' "
                                  "write a project");
    }
}

static void decode_user_part(struct config_load *load, const struct tvn_config_key *key,
                             const struct tvn_toml_entry *entry, void *out)
{
    (void)out;
    bool layered = strcmp(key->name, "runtime") == 0 || strcmp(key->name, "observability") == 0 ||
                   strcmp(key->name, "security") == 0 || strcmp(key->name, "registry") == 0;
    if (layered) {
        decode_layered(load, entry, false);
    } else {
        config_error(load, TVN_E_UNKNOWN_FIELD, entry->key_span,
                     "[%s] belongs into a project's manifest, not into the user's configuration",
                     key->name);
    }
}

void config_decode_user(struct config_load *load, const struct tvn_toml_table *root)
{
    const struct config_table from = {TVN_SECTION_ROOT, "the user's configuration", root,
                                      TVN_SPAN_NONE, decode_user_part};
    (void)config_decode(load, &from, load->manifest);
}
