/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as TOML: an error or a tree whose every place lies within the text. */
#include "base/assert.h"
#include "format/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_value(const struct tvn_toml_value *value, size_t size, unsigned depth);

static void check_span(struct tvn_span span, size_t size)
{
    tvn_assert(span.file == 1);
    tvn_assert(span.length > 0);
    tvn_assert((size_t)span.offset + span.length <= size);
}

static void check_table(const struct tvn_toml_table *table, size_t size, unsigned depth)
{
    size_t count = 0;
    tvn_assert(depth <= TVN_TOML_DEPTH_MAX);
    for (const struct tvn_toml_entry *entry = table->first; entry; entry = entry->next) {
        check_span(entry->key_span, size);
        tvn_assert(tvn_toml_find(table, entry->key) == entry);
        check_value(&entry->value, size, depth + 1);
        count++;
    }
    tvn_assert(count == table->count);
}

static void check_value(const struct tvn_toml_value *value, size_t size, unsigned depth)
{
    check_span(value->span, size);
    if (value->kind == TVN_TOML_TABLE) {
        check_table(value->table, size, depth);
    } else if (value->kind == TVN_TOML_ARRAY) {
        size_t count = 0;
        for (const struct tvn_toml_value *item = value->array->first; item; item = item->next) {
            check_value(item, size, value->array->of_tables ? depth : depth + 1);
            count++;
        }
        tvn_assert(count == value->array->count);
    } else if (value->kind == TVN_TOML_STRING) {
        tvn_assert(value->string.ptr && value->string.ptr[value->string.len] == '\0');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    if (!sink || !arena) {
        return 0;
    }
    struct tvn_str text = {(const char *)data, size};
    uint32_t file = tvn_diag_add_source(sink, "fuzz.toml", text);
    const struct tvn_toml_table *root = NULL;
    enum tvn_status status = tvn_toml_parse(arena, file, text, sink, &root);
    tvn_assert((status == TVN_OK) == (tvn_diag_error_count(sink) == 0));
    for (size_t i = 0; i < tvn_diag_count(sink); i++) {
        struct tvn_diag_place place;
        struct tvn_span span = tvn_diag_at(sink, i)->primary.span;
        tvn_assert((size_t)span.offset + span.length <= size);
        tvn_assert(tvn_diag_locate(sink, span, &place));
    }
    if (root) {
        check_table(root, size, 0);
    }
    return 0;
}
