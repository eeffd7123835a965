/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration by its keys, for whatever shows or documents it. */
#include "base/assert.h"
#include "config/load_internal.h"

#include <stdio.h>

const char *tvn_config_layer_name(enum tvn_config_layer layer)
{
    static const char *const names[] = {"default", "user", "project", "environment", "flag"};
    tvn_assert((unsigned)layer < TVN_ARRAY_LEN(names));
    return names[layer];
}

const char *tvn_config_type_name(enum tvn_config_type type)
{
    static const char *const names[] = {
        [TVN_CONFIG_TYPE_STRING] = "string",
        [TVN_CONFIG_TYPE_NAME] = "name",
        [TVN_CONFIG_TYPE_PROJECT_NAME] = "name",
        [TVN_CONFIG_TYPE_VERSION] = "version",
        [TVN_CONFIG_TYPE_WORD] = "word",
        [TVN_CONFIG_TYPE_CHOICE] = "word",
        [TVN_CONFIG_TYPE_BOOLEAN] = "boolean",
        [TVN_CONFIG_TYPE_INTEGER] = "integer",
        [TVN_CONFIG_TYPE_RATIO] = "number",
        [TVN_CONFIG_TYPE_SIZE] = "size",
        [TVN_CONFIG_TYPE_DURATION_US] = "duration (µs)",
        [TVN_CONFIG_TYPE_DURATION_MS] = "duration (ms)",
        [TVN_CONFIG_TYPE_DURATION_S] = "duration (s)",
        [TVN_CONFIG_TYPE_ALIAS] = "alias",
        [TVN_CONFIG_TYPE_PART] = "table or list",
    };
    tvn_assert((unsigned)type < TVN_ARRAY_LEN(names));
    return names[type];
}

struct tvn_str tvn_config_variable_name(const struct tvn_config_key *key,
                                        char out[TVN_CONFIG_VARIABLE_MAX])
{
    int length = snprintf(out, TVN_CONFIG_VARIABLE_MAX, "TORVYN_%s.%s",
                          tvn_config_section_path(key->section), key->name);
    tvn_assert(length > 0 && length < TVN_CONFIG_VARIABLE_MAX);
    for (char *c = out; *c; c++) {
        if (*c == '.') {
            *c = '_';
        } else if (*c >= 'a' && *c <= 'z') {
            *c = (char)(*c - 'a' + 'A');
        }
    }
    return (struct tvn_str){out, (size_t)length};
}

/* The word of a choice: the enumerators are in the order of the words. */
static struct tvn_str choice_at(const char *choices, unsigned index)
{
    struct tvn_str rest = tvn_str_of(choices);
    for (;;) {
        size_t bar = tvn_str_find(rest, '|');
        struct tvn_str word = tvn_str_slice(rest, 0, bar == SIZE_MAX ? rest.len : bar);
        if (index-- == 0) {
            return word;
        }
        tvn_assert(bar != SIZE_MAX);
        rest = tvn_str_slice(rest, bar + 1, rest.len);
    }
}

static void integer_of(const struct tvn_config_key *key, const void *field,
                       struct tvn_config_value *out_value)
{
    memcpy(&out_value->integer, field, sizeof(out_value->integer));
    bool none = !key->default_text && out_value->integer == 0;
    out_value->kind = none ? TVN_CONFIG_VALUE_NONE : TVN_CONFIG_VALUE_INTEGER;
}

void tvn_config_value_of(const struct tvn_config *config, const struct tvn_config_key *key,
                         struct tvn_config_value *out_value)
{
    tvn_assert(config && key && out_value);
    struct tvn_config copy = *config; /* config_layered_struct hands out what can be written */
    const char *field = (const char *)config_layered_struct(&copy, key->section) + key->offset;
    *out_value = (struct tvn_config_value){0};
    switch (key->type) {
    case TVN_CONFIG_TYPE_STRING:
    case TVN_CONFIG_TYPE_NAME:
    case TVN_CONFIG_TYPE_PROJECT_NAME:
    case TVN_CONFIG_TYPE_VERSION:
    case TVN_CONFIG_TYPE_WORD: {
        const char *text = NULL;
        memcpy((void *)&text, field, sizeof(text));
        out_value->text = tvn_str_of(text ? text : "");
        out_value->kind = out_value->text.len > 0 ? TVN_CONFIG_VALUE_TEXT : TVN_CONFIG_VALUE_NONE;
        return;
    }
    case TVN_CONFIG_TYPE_CHOICE: {
        unsigned index = 0;
        memcpy(&index, field, sizeof(index));
        out_value->kind = TVN_CONFIG_VALUE_TEXT;
        out_value->text = choice_at(key->choices, index);
        return;
    }
    case TVN_CONFIG_TYPE_BOOLEAN:
        memcpy(&out_value->boolean, field, sizeof(out_value->boolean));
        out_value->kind = TVN_CONFIG_VALUE_BOOLEAN;
        return;
    case TVN_CONFIG_TYPE_RATIO:
        memcpy(&out_value->real, field, sizeof(out_value->real));
        out_value->kind = TVN_CONFIG_VALUE_REAL;
        return;
    case TVN_CONFIG_TYPE_INTEGER:
    case TVN_CONFIG_TYPE_SIZE:
    case TVN_CONFIG_TYPE_DURATION_US:
    case TVN_CONFIG_TYPE_DURATION_MS:
    case TVN_CONFIG_TYPE_DURATION_S:
        integer_of(key, field, out_value);
        return;
    case TVN_CONFIG_TYPE_ALIAS:
    case TVN_CONFIG_TYPE_PART:
        break;
    }
    tvn_unreachable();
}

void tvn_config_print_size(uint64_t bytes, struct tvn_strbuf *out)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    while (bytes > 0 && bytes % 1024 == 0 && unit + 1 < TVN_ARRAY_LEN(units)) {
        bytes /= 1024;
        unit++;
    }
    tvn_strbuf_printf(out, "%llu%s", (unsigned long long)bytes, units[unit]);
}
