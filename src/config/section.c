/* SPDX-License-Identifier: Apache-2.0 */
/* A table of TOML into a struct, by the rows of its section. */
#include "base/assert.h"
#include "config/load_internal.h"

#define SECTION_KEYS_MAX 32

void config_no_memory(struct config_load *load)
{
    config_error(load, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE,
                 "out of memory while reading the configuration");
}

const char *config_shown(struct config_load *load, struct tvn_str text)
{
    TVN_AUTO_VALUE(tvn_strbuf) shown = {0};
    size_t length = text.len;
    if (length > 64) {
        length = 64;
        while (length > 0 && ((unsigned char)text.ptr[length] & 0xc0) == 0x80) {
            length--; /* not in the middle of a character */
        }
    }
    tvn_strbuf_add_escaped(&shown, tvn_str_slice(text, 0, length));
    if (length < text.len) {
        tvn_strbuf_add_text(&shown, "…");
    }
    const char *copy = tvn_arena_strndup(load->arena, tvn_strbuf_text(&shown), shown.len);
    return copy ? copy : "?";
}

const char *config_getenv(const struct config_load *load, struct tvn_str name)
{
    for (const char *const *entry = load->environment; *entry; entry++) {
        if (strncmp(*entry, name.ptr, name.len) == 0 && (*entry)[name.len] == '=') {
            return *entry + name.len + 1;
        }
    }
    return NULL;
}

static bool holds_string(enum tvn_config_type type)
{
    return type == TVN_CONFIG_TYPE_STRING || type == TVN_CONFIG_TYPE_NAME ||
           type == TVN_CONFIG_TYPE_PROJECT_NAME || type == TVN_CONFIG_TYPE_VERSION ||
           type == TVN_CONFIG_TYPE_WORD;
}

/* keys.c asserts that a row of these types names a field of type const char *. */
static bool string_is_null(const struct tvn_config_key *key, const void *out)
{
    const char *text = NULL;
    memcpy((void *)&text, (const char *)out + key->offset, sizeof(text));
    return text == NULL;
}

void config_set_defaults(struct config_load *load, enum tvn_config_section section, void *out)
{
    const struct tvn_config_key *key = NULL;
    for (size_t i = 0; (key = tvn_config_key_at(i)); i++) {
        if (key->section == section && key->default_text && !tvn_config_key_is_required(key)) {
            config_set_text(load, key, tvn_str_of(key->default_text), TVN_SPAN_NONE, out);
        }
    }
}

void config_fill_strings(enum tvn_config_section section, void *out)
{
    const struct tvn_config_key *key = NULL;
    for (size_t i = 0; (key = tvn_config_key_at(i)); i++) {
        if (key->section == section && holds_string(key->type) && string_is_null(key, out)) {
            const char *const empty[] = {""};
            memcpy((char *)out + key->offset, (const void *)empty, sizeof(empty));
        }
    }
}

const struct tvn_config_key *config_unknown_key(struct config_load *load,
                                                enum tvn_config_section section, const char *title,
                                                struct tvn_str name, struct tvn_span at)
{
    load->unknown_keys = true;
    config_error(load, TVN_E_UNKNOWN_FIELD, at, "unknown key '%s' in %s", config_shown(load, name),
                 title);
    const char *suggestion = config_suggest_key(section, name);
    if (!suggestion) {
        tvn_diag_help(load->sink, "known keys: %s", config_key_list(load, section));
        return NULL;
    }
    tvn_diag_label(load->sink, "did you mean '%s'?", suggestion);
    return config_find_key(section, tvn_str_of(suggestion));
}

const struct tvn_toml_table *config_table_of(struct config_load *load, const char *what,
                                             const struct tvn_toml_value *value)
{
    if (value->kind != TVN_TOML_TABLE) {
        config_wrong_type(load, what, "a table", value);
        return NULL;
    }
    return value->table;
}

/* Number of a row within its section. */
static size_t row_index(const struct tvn_config_key *key)
{
    size_t index = 0;
    const struct tvn_config_key *row = NULL;
    for (size_t i = 0; (row = tvn_config_key_at(i)) && row != key; i++) {
        index += row->section == key->section ? 1 : 0;
    }
    tvn_assert(index < SECTION_KEYS_MAX);
    return index;
}

static void check_required(struct config_load *load, const struct config_table *from,
                           const struct tvn_toml_entry *const *seen, void *out)
{
    const struct tvn_config_key *key = NULL;
    for (size_t i = 0; (key = tvn_config_key_at(i)); i++) {
        if (key->section != from->section || !tvn_config_key_is_required(key) ||
            seen[row_index(key)] || (holds_string(key->type) && !string_is_null(key, out))) {
            continue;
        }
        config_error(load, TVN_E_CONSTRAINT_VIOLATION, from->at, "%s has no '%s'", from->title,
                     key->name);
        tvn_diag_help(load->sink, "add '%s': %s", key->name, key->doc);
    }
}

bool config_decode(struct config_load *load, const struct config_table *from, void *out)
{
    const struct tvn_toml_entry *seen[SECTION_KEYS_MAX] = {0};
    bool all_known = true;
    for (const struct tvn_toml_entry *entry = from->table->first; entry; entry = entry->next) {
        const struct tvn_config_key *key = config_find_key(from->section, entry->key);
        if (!key) {
            all_known = false;
            key = config_unknown_key(load, from->section, from->title, entry->key, entry->key_span);
            if (key && !seen[row_index(key)]) {
                seen[row_index(key)] = entry;
            }
            continue;
        }
        const struct tvn_toml_entry *first = seen[row_index(key)];
        seen[row_index(key)] = entry;
        if (first && config_find_key(from->section, first->key) == key) {
            /* Only through an alias: the reader refuses the same key twice. */
            config_error(load, TVN_E_CONSTRAINT_VIOLATION, entry->key_span,
                         "'%s' is given twice under different names", key->name);
            tvn_diag_related(load->sink, first->key_span, "first given here");
        } else if (key->type == TVN_CONFIG_TYPE_PART) {
            tvn_assert(from->part);
            from->part(load, key, entry, out);
        } else {
            config_set_value(load, key, &entry->value, out);
        }
    }
    check_required(load, from, seen, out);
    return all_known;
}

void *config_layered_struct(struct tvn_config *config, enum tvn_config_section section)
{
    tvn_assert(tvn_config_section_is_layered(section));
    return section == TVN_SECTION_RUNTIME         ? (void *)&config->runtime
           : section == TVN_SECTION_BACKPRESSURE  ? (void *)&config->backpressure
           : section == TVN_SECTION_POOLS         ? (void *)&config->pools
           : section == TVN_SECTION_OBSERVABILITY ? (void *)&config->observability
           : section == TVN_SECTION_SECURITY      ? (void *)&config->security
                                                  : (void *)&config->registry;
}

void config_decode_layered_part(struct config_load *load, const struct tvn_config_key *key,
                                const struct tvn_toml_entry *entry, void *out)
{
    (void)out;
    struct config_table from = {.at = entry->value.span};
    if (strcmp(key->name, "backpressure") == 0) {
        from.section = TVN_SECTION_BACKPRESSURE;
        from.title = "[runtime.backpressure]";
    } else if (strcmp(key->name, "pools") == 0) {
        from.section = TVN_SECTION_POOLS;
        from.title = "[runtime.pools]";
    } else if (strcmp(key->name, "tracing") == 0) {
        from.section = TVN_SECTION_OBSERVABILITY;
        from.title = "[observability.tracing]";
    } else {
        return; /* security.grants: read with the manifest */
    }
    from.table = config_table_of(load, key->name, &entry->value);
    if (from.table) {
        (void)config_decode(load, &from,
                            config_layered_struct(&load->manifest->config, from.section));
    }
}
