/* SPDX-License-Identifier: Apache-2.0 */
#include "format/toml.h"

#include "base/assert.h"
#include "base/map.h"
#include "base/num.h"
#include "base/utf8.h"
#include "format/toml_internal.h"

/* Below this many keys a table is searched entry by entry. */
#define TOML_SMALL_TABLE 8

const char *tvn_toml_kind_name(enum tvn_toml_kind kind)
{
    switch (kind) {
    case TVN_TOML_STRING:
        return "string";
    case TVN_TOML_INTEGER:
        return "integer";
    case TVN_TOML_FLOAT:
        return "float";
    case TVN_TOML_BOOL:
        return "boolean";
    case TVN_TOML_OFFSET_DATETIME:
    case TVN_TOML_LOCAL_DATETIME:
        return "date-time";
    case TVN_TOML_LOCAL_DATE:
        return "date";
    case TVN_TOML_LOCAL_TIME:
        return "time";
    case TVN_TOML_ARRAY:
        return "array";
    case TVN_TOML_TABLE:
        return "table";
    }
    tvn_unreachable();
}

bool toml_failed(struct tvn_toml_parser *p, enum tvn_status status)
{
    p->error_count++;
    if (p->status == TVN_OK || status == TVN_E_OUT_OF_MEMORY) {
        p->status = status;
    }
    return false;
}

bool toml_no_memory(struct tvn_toml_parser *p)
{
    return toml_failed(p, tvn_diag_error(p->sink, TVN_E_OUT_OF_MEMORY, toml_span(p, p->pos, p->pos),
                                         "out of memory while reading TOML"));
}

bool toml_expected(struct tvn_toml_parser *p, const char *what)
{
    if (p->pos >= p->len) {
        return toml_error(p, p->pos, p->pos, "expected %s, found the end of the file", what);
    }
    if (toml_newline(p) > 0) {
        return toml_error(p, p->pos, p->pos, "expected %s, found the end of the line", what);
    }
    uint32_t code_point = 0;
    size_t length = tvn_utf8_decode(p->text + p->pos, p->len - p->pos, &code_point);
    length = length > 0 ? length : 1;
    TVN_AUTO_VALUE(tvn_strbuf) shown = {0};
    tvn_strbuf_add_escaped(&shown, (struct tvn_str){p->text + p->pos, length});
    return toml_error(p, p->pos, p->pos + length, "expected %s, found '%s'", what,
                      tvn_strbuf_text(&shown));
}

static size_t bucket_of(const struct tvn_toml_table *table, struct tvn_str key)
{
    return (size_t)tvn_map_hash(key.ptr, key.len) & (table->bucket_count - 1);
}

struct tvn_toml_entry *toml_table_find(const struct tvn_toml_table *table, struct tvn_str key)
{
    if (table->bucket_count == 0) {
        struct tvn_toml_entry *entry = table->first;
        while (entry && !tvn_str_equal(entry->key, key)) {
            entry = entry->next;
        }
        return entry;
    }
    struct tvn_toml_entry *entry = table->buckets[bucket_of(table, key)];
    while (entry && !tvn_str_equal(entry->key, key)) {
        entry = entry->next_in_bucket;
    }
    return entry;
}

const struct tvn_toml_entry *tvn_toml_find(const struct tvn_toml_table *table, struct tvn_str key)
{
    tvn_assert(table);
    return toml_table_find(table, key);
}

struct tvn_toml_table *toml_table_create(struct tvn_toml_parser *p, enum tvn_toml_origin origin)
{
    struct tvn_toml_table *table = TVN_ARENA_NEW(p->arena, struct tvn_toml_table);
    if (!table) {
        (void)toml_no_memory(p);
        return NULL;
    }
    table->origin = origin;
    return table;
}

static bool rehash(struct tvn_arena *arena, struct tvn_toml_table *table)
{
    size_t bucket_count =
        table->bucket_count > 0 ? 2 * table->bucket_count : (size_t)2 * TOML_SMALL_TABLE;
    struct tvn_toml_entry **buckets = TVN_ARENA_ARRAY(arena, struct tvn_toml_entry *, bucket_count);
    if (!buckets) {
        return false;
    }
    table->buckets = buckets;
    table->bucket_count = bucket_count;
    for (struct tvn_toml_entry *entry = table->first; entry; entry = entry->next) {
        size_t bucket = bucket_of(table, entry->key);
        entry->next_in_bucket = buckets[bucket];
        buckets[bucket] = entry;
    }
    return true;
}

struct tvn_toml_entry *toml_table_add(struct tvn_toml_parser *p, struct tvn_toml_table *table,
                                      struct tvn_str key, struct tvn_span key_span)
{
    bool full = table->count >= tvn_max(table->bucket_count, (size_t)TOML_SMALL_TABLE);
    struct tvn_toml_entry *entry = TVN_ARENA_NEW(p->arena, struct tvn_toml_entry);
    if (!entry || (full && !rehash(p->arena, table))) {
        (void)toml_no_memory(p);
        return NULL;
    }
    entry->key = key;
    entry->key_span = key_span;
    if (table->last) {
        table->last->next = entry;
    } else {
        table->first = entry;
    }
    table->last = entry;
    table->count++;
    if (table->bucket_count > 0) {
        size_t bucket = bucket_of(table, key);
        entry->next_in_bucket = table->buckets[bucket];
        table->buckets[bucket] = entry;
    }
    return entry;
}

static bool check_text(struct tvn_toml_parser *p)
{
    if (p->len > TVN_TOML_SIZE_MAX) {
        return toml_error(p, 0, 0, "the file has %zu bytes, more than the maximum of %zu", p->len,
                          TVN_TOML_SIZE_MAX);
    }
    size_t valid = tvn_utf8_valid_prefix(p->text, p->len);
    if (valid < p->len) {
        return toml_error(p, valid, valid + 1, "byte 0x%02x is not valid UTF-8",
                          (unsigned)(unsigned char)p->text[valid]);
    }
    return true;
}

enum tvn_status tvn_toml_parse(struct tvn_arena *arena, uint32_t file, struct tvn_str text,
                               struct tvn_diag_sink *sink, const struct tvn_toml_table **out_root)
{
    tvn_assert(arena);
    tvn_assert(sink);
    tvn_assert(out_root);
    tvn_assert(text.ptr || text.len == 0);
    struct tvn_toml_parser p = {.arena = arena,
                                .sink = sink,
                                .file = file,
                                .text = text.ptr ? text.ptr : "",
                                .len = text.len};
    struct tvn_toml_table *root = toml_table_create(&p, TVN_TOML_ORIGIN_HEADER);
    if (root && check_text(&p)) {
        toml_parse_document(&p, root);
    }
    tvn_strbuf_deinit(&p.scratch);
    if (p.locale) {
        freelocale(p.locale);
    }
    if (p.status == TVN_OK) {
        *out_root = root;
    }
    return p.status;
}
