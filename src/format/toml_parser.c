/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The structure of a TOML document: lines, keys, headers, arrays, inline tables, and what may be
 * defined twice.
 *
 * A rule that only concerns meaning (a key defined twice) does not stop the parse: what follows is
 * read into a table that nobody sees. After a syntax error the parser goes on at the next line that
 * looks like a statement.
 */
#include "base/assert.h"
#include "format/toml_internal.h"

struct key {
    struct tvn_str text;
    struct tvn_span span;
};

static bool parse_value(struct tvn_toml_parser *p, size_t depth, struct tvn_toml_value *out);

static bool is_bare_key_char(int c)
{
    return toml_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '-';
}

static void skip_blanks(struct tvn_toml_parser *p)
{
    while (toml_peek(p) == ' ' || toml_peek(p) == '\t') {
        p->pos++;
    }
}

/* A comment up to, not including, its line end. */
static bool skip_comment(struct tvn_toml_parser *p)
{
    if (toml_peek(p) != '#') {
        return true;
    }
    while (p->pos < p->len && toml_newline(p) == 0) {
        int c = toml_peek(p);
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return toml_error(p, p->pos, p->pos + 1, "control character U+%04X in a comment",
                              (unsigned)c);
        }
        p->pos++;
    }
    return true;
}

/* White space, comments and line ends, as between the items of an array. */
static bool skip_lines(struct tvn_toml_parser *p)
{
    for (;;) {
        skip_blanks(p);
        if (!skip_comment(p)) {
            return false;
        }
        size_t newline = toml_newline(p);
        if (newline == 0) {
            return true;
        }
        p->pos += newline;
    }
}

static bool expect_line_end(struct tvn_toml_parser *p)
{
    skip_blanks(p);
    if (!skip_comment(p)) {
        return false;
    }
    size_t newline = toml_newline(p);
    if (newline == 0 && p->pos < p->len) {
        return toml_expected(p, "the end of the line");
    }
    p->pos += newline;
    return true;
}

static bool too_deep(struct tvn_toml_parser *p, size_t from)
{
    return toml_error(p, from, p->pos, "nested deeper than %d levels", TVN_TOML_DEPTH_MAX);
}

static bool parse_key_part(struct tvn_toml_parser *p, struct key *out)
{
    size_t start = p->pos;
    int c = toml_peek(p);
    if (c == '"' || c == '\'') {
        if (toml_at(p, c == '"' ? "\"\"\"" : "'''", 3)) {
            return toml_error(p, p->pos, p->pos + 3, "a key cannot be a multi-line string");
        }
        if (!toml_parse_key_string(p, &out->text)) {
            return false;
        }
    } else {
        while (is_bare_key_char(toml_peek(p))) {
            p->pos++;
        }
        if (p->pos == start) {
            return toml_expected(p, "a key");
        }
        out->text = tvn_arena_str(p->arena, (struct tvn_str){p->text + start, p->pos - start});
        if (!out->text.ptr) {
            return toml_no_memory(p);
        }
    }
    out->span = toml_span(p, start, p->pos);
    return true;
}

/* One part of a key, and whether a dot and another part follow. */
static bool parse_key_step(struct tvn_toml_parser *p, struct key *out, bool *out_more)
{
    if (!parse_key_part(p, out)) {
        return false;
    }
    skip_blanks(p);
    *out_more = toml_peek(p) == '.';
    if (*out_more) {
        p->pos++;
        skip_blanks(p);
    }
    return true;
}

static void report_duplicate(struct tvn_toml_parser *p, const struct key *key,
                             const struct tvn_toml_entry *first)
{
    TVN_AUTO_VALUE(tvn_strbuf) shown = {0};
    tvn_strbuf_add_escaped(&shown, key->text);
    (void)toml_failed(p, tvn_diag_error(p->sink, TVN_E_MANIFEST_PARSE_ERROR, key->span,
                                        "'%s' is defined twice", tvn_strbuf_text(&shown)));
    tvn_diag_related(p->sink, first->key_span, "first defined here");
}

static void report_not_extensible(struct tvn_toml_parser *p, const struct key *key,
                                  const struct tvn_toml_entry *first)
{
    const struct tvn_toml_value *value = &first->value;
    const char *why = "defined elsewhere and cannot be extended here";
    if (value->kind == TVN_TOML_TABLE && value->table->origin == TVN_TOML_ORIGIN_INLINE) {
        why = "an inline table, which cannot be extended";
    } else if (value->kind == TVN_TOML_ARRAY) {
        why = value->array->of_tables ? "an array of tables" : "an array, not a table";
    } else if (value->kind != TVN_TOML_TABLE) {
        why = "a value, not a table";
    }
    TVN_AUTO_VALUE(tvn_strbuf) shown = {0};
    tvn_strbuf_add_escaped(&shown, key->text);
    (void)toml_failed(p, tvn_diag_error(p->sink, TVN_E_MANIFEST_PARSE_ERROR, key->span,
                                        "'%s' is %s", tvn_strbuf_text(&shown), why));
    tvn_diag_related(p->sink, first->key_span, "defined here");
}

/* Adds a table under a new key. */
static struct tvn_toml_table *add_table(struct tvn_toml_parser *p, struct tvn_toml_table *parent,
                                        const struct key *key, enum tvn_toml_origin origin,
                                        struct tvn_span span)
{
    struct tvn_toml_table *table = toml_table_create(p, origin);
    struct tvn_toml_entry *entry = table ? toml_table_add(p, parent, key->text, key->span) : NULL;
    if (!entry) {
        return NULL;
    }
    entry->value.kind = TVN_TOML_TABLE;
    entry->value.span = span;
    entry->value.table = table;
    return table;
}

/* The table that a part of a dotted key, before its last, stands for. NULL only without memory. */
static struct tvn_toml_table *enter_dotted(struct tvn_toml_parser *p, struct tvn_toml_table *table,
                                           const struct key *key)
{
    struct tvn_toml_entry *entry = toml_table_find(table, key->text);
    if (!entry) {
        return add_table(p, table, key, TVN_TOML_ORIGIN_DOTTED, key->span);
    }
    if (entry->value.kind == TVN_TOML_TABLE &&
        entry->value.table->origin == TVN_TOML_ORIGIN_DOTTED) {
        return entry->value.table;
    }
    report_not_extensible(p, key, entry);
    return toml_table_create(p, TVN_TOML_ORIGIN_DOTTED);
}

/* key = value, where `table` is what the key is relative to and `depth` how deep that is. */
static bool parse_key_value(struct tvn_toml_parser *p, struct tvn_toml_table *table, size_t depth)
{
    size_t start = p->pos;
    struct key key = {0};
    bool more = false;
    for (;;) {
        if (!parse_key_step(p, &key, &more)) {
            return false;
        }
        if (++depth > TVN_TOML_DEPTH_MAX) {
            return too_deep(p, start);
        }
        if (!more) {
            break;
        }
        table = enter_dotted(p, table, &key);
        if (!table) {
            return false;
        }
    }
    if (toml_peek(p) != '=') {
        return toml_expected(p, "'=' after the key");
    }
    p->pos++;
    skip_blanks(p);
    const struct tvn_toml_entry *first = toml_table_find(table, key.text);
    if (first) {
        struct tvn_toml_value unused = {0};
        report_duplicate(p, &key, first);
        return parse_value(p, depth, &unused);
    }
    struct tvn_toml_value value = {0};
    if (!parse_value(p, depth, &value)) {
        return false;
    }
    struct tvn_toml_entry *entry = toml_table_add(p, table, key.text, key.span);
    if (!entry) {
        return false;
    }
    entry->value = value;
    return true;
}

static bool append_item(struct tvn_toml_parser *p, struct tvn_toml_array *array,
                        const struct tvn_toml_value *value)
{
    struct tvn_toml_value *item = TVN_ARENA_NEW(p->arena, struct tvn_toml_value);
    if (!item) {
        return toml_no_memory(p);
    }
    *item = *value;
    if (array->last) {
        array->last->next = item;
    } else {
        array->first = item;
    }
    array->last = item;
    array->count++;
    return true;
}

/* An error in an array of many lines is often a missing bracket: shows where the innermost one
 * starts. */
static bool in_array(struct tvn_toml_parser *p, size_t start)
{
    if (p->array_noted < p->error_count && memchr(p->text + start, '\n', p->pos - start)) {
        tvn_diag_related(p->sink, toml_span(p, start, start + 1), "in the array that starts here");
    }
    p->array_noted = p->error_count;
    return false;
}

static bool parse_array(struct tvn_toml_parser *p, size_t depth, struct tvn_toml_value *out)
{
    size_t start = p->pos++;
    bool outermost = !p->in_lines;
    p->in_lines = true;
    struct tvn_toml_array *array = TVN_ARENA_NEW(p->arena, struct tvn_toml_array);
    if (!array) {
        return toml_no_memory(p);
    }
    for (;;) {
        if (!skip_lines(p)) {
            return false;
        }
        if (p->pos >= p->len) {
            return toml_error(p, start, start + 1, "this array is never closed");
        }
        if (toml_peek(p) == ']') {
            break;
        }
        struct tvn_toml_value item = {0};
        if (!parse_value(p, depth, &item) || !append_item(p, array, &item) || !skip_lines(p)) {
            return in_array(p, start);
        }
        if (toml_peek(p) == ',') {
            p->pos++;
        } else if (toml_peek(p) != ']' && p->pos < p->len) {
            (void)toml_expected(p, "',' or ']' in an array");
            return in_array(p, start);
        }
    }
    p->pos++;
    p->in_lines = !outermost;
    out->kind = TVN_TOML_ARRAY;
    out->span = toml_span(p, start, p->pos);
    out->array = array;
    return true;
}

/* In TOML 1.0 an inline table stays on one line and has no comma after its last key. */
static bool parse_inline_table(struct tvn_toml_parser *p, size_t depth, struct tvn_toml_value *out)
{
    size_t start = p->pos++;
    bool outermost = !p->in_lines;
    p->in_lines = true; /* people do write it over several lines */
    struct tvn_toml_table *table = toml_table_create(p, TVN_TOML_ORIGIN_INLINE);
    if (!table) {
        return false;
    }
    skip_blanks(p);
    bool more = toml_peek(p) != '}';
    while (more) {
        skip_blanks(p);
        if (!parse_key_value(p, table, depth)) {
            return false;
        }
        skip_blanks(p);
        more = toml_peek(p) == ',';
        if (!more && toml_peek(p) != '}') {
            return toml_expected(p, "',' or '}' in an inline table");
        }
        p->pos += more ? 1 : 0;
    }
    p->pos++;
    p->in_lines = !outermost;
    out->kind = TVN_TOML_TABLE;
    out->span = toml_span(p, start, p->pos);
    out->table = table;
    return true;
}

static bool parse_value(struct tvn_toml_parser *p, size_t depth, struct tvn_toml_value *out)
{
    int c = toml_peek(p);
    if (c == '"' || c == '\'') {
        return toml_parse_string(p, out);
    }
    if (c == '[' || c == '{') {
        if (++depth > TVN_TOML_DEPTH_MAX) {
            return toml_error(p, p->pos, p->pos + 1, "nested deeper than %d levels",
                              TVN_TOML_DEPTH_MAX);
        }
        return c == '[' ? parse_array(p, depth, out) : parse_inline_table(p, depth, out);
    }
    return toml_parse_bare_scalar(p, out);
}

/* The table that a part of a header, before its last, stands for. NULL only without memory. */
static struct tvn_toml_table *enter_header(struct tvn_toml_parser *p, struct tvn_toml_table *table,
                                           const struct key *key)
{
    struct tvn_toml_entry *entry = toml_table_find(table, key->text);
    if (!entry) {
        return add_table(p, table, key, TVN_TOML_ORIGIN_IMPLICIT, key->span);
    }
    const struct tvn_toml_value *value = &entry->value;
    if (value->kind == TVN_TOML_TABLE && value->table->origin != TVN_TOML_ORIGIN_INLINE) {
        return value->table;
    }
    if (value->kind == TVN_TOML_ARRAY && value->array->of_tables) {
        return value->array->last->table;
    }
    report_not_extensible(p, key, entry);
    return toml_table_create(p, TVN_TOML_ORIGIN_IMPLICIT);
}

static struct tvn_toml_table *define_table(struct tvn_toml_parser *p, struct tvn_toml_table *parent,
                                           const struct key *key, struct tvn_span header)
{
    struct tvn_toml_entry *entry = toml_table_find(parent, key->text);
    if (!entry) {
        return add_table(p, parent, key, TVN_TOML_ORIGIN_HEADER, header);
    }
    if (entry->value.kind == TVN_TOML_TABLE &&
        entry->value.table->origin == TVN_TOML_ORIGIN_IMPLICIT) {
        entry->value.table->origin = TVN_TOML_ORIGIN_HEADER;
        entry->value.span = header;
        entry->key_span = key->span;
        return entry->value.table;
    }
    report_duplicate(p, key, entry);
    return toml_table_create(p, TVN_TOML_ORIGIN_HEADER);
}

static struct tvn_toml_table *define_array_table(struct tvn_toml_parser *p,
                                                 struct tvn_toml_table *parent,
                                                 const struct key *key, struct tvn_span header)
{
    struct tvn_toml_value item = {.kind = TVN_TOML_TABLE, .span = header};
    item.table = toml_table_create(p, TVN_TOML_ORIGIN_HEADER);
    if (!item.table) {
        return NULL;
    }
    struct tvn_toml_entry *entry = toml_table_find(parent, key->text);
    if (!entry) {
        struct tvn_toml_array *array = TVN_ARENA_NEW(p->arena, struct tvn_toml_array);
        entry = array ? toml_table_add(p, parent, key->text, key->span) : NULL;
        if (!entry) {
            return NULL;
        }
        array->of_tables = true;
        entry->value.kind = TVN_TOML_ARRAY;
        entry->value.span = header;
        entry->value.array = array;
    } else if (entry->value.kind != TVN_TOML_ARRAY || !entry->value.array->of_tables) {
        report_duplicate(p, key, entry);
        return item.table;
    }
    return append_item(p, entry->value.array, &item) ? item.table : NULL;
}

/*
 * [a.b] or [[a.b]]. On a syntax error *out_table is a table that nobody sees, so that the keys that
 * follow do not end up in the table before.
 */
static bool parse_header(struct tvn_toml_parser *p, struct tvn_toml_table *root,
                         struct tvn_toml_table **out_table, size_t *out_depth)
{
    size_t start = p->pos;
    bool is_array = toml_at(p, "[[", 2);
    struct tvn_toml_table *table = root;
    struct key key = {0};
    bool more = true;
    p->pos += is_array ? 2 : 1;
    skip_blanks(p);
    for (size_t depth = 1; more; depth++) {
        if (!parse_key_step(p, &key, &more)) {
            return false;
        }
        if (depth > TVN_TOML_DEPTH_MAX - 1) { /* room for a key in it */
            return too_deep(p, start);
        }
        *out_depth = depth;
        table = more ? enter_header(p, table, &key) : table;
        if (!table) {
            return false;
        }
    }
    if (!toml_at(p, is_array ? "]]" : "]", is_array ? 2 : 1)) {
        return toml_expected(p, is_array ? "']]'" : "']'");
    }
    p->pos += is_array ? 2 : 1;
    struct tvn_span header = toml_span(p, start, p->pos);
    table = is_array ? define_array_table(p, table, &key, header)
                     : define_table(p, table, &key, header);
    if (!table) {
        return false;
    }
    *out_table = table;
    return true;
}

/* Does the line at the current position look like a statement at the outermost level? */
static bool looks_like_statement(const struct tvn_toml_parser *p)
{
    size_t pos = p->pos;
    while (pos < p->len && (p->text[pos] == ' ' || p->text[pos] == '\t')) {
        pos++;
    }
    bool header = pos < p->len && p->text[pos] == '[';
    while (pos < p->len && p->text[pos] == '[') {
        pos++;
    }
    size_t start = pos;
    while (pos < p->len && (is_bare_key_char((unsigned char)p->text[pos]) || p->text[pos] == '.' ||
                            p->text[pos] == ' ')) {
        pos++;
    }
    return pos > start && pos < p->len && p->text[pos] == (header ? ']' : '=') &&
           !(header && toml_is_digit(p->text[start]));
}

/* Goes to the next line that may be a statement. */
static void recover(struct tvn_toml_parser *p)
{
    while (p->pos < p->len) {
        const char *newline = memchr(p->text + p->pos, '\n', p->len - p->pos);
        p->pos = newline ? (size_t)(newline - p->text) + 1 : p->len;
        if (!p->in_lines || looks_like_statement(p)) {
            return;
        }
    }
}

static bool parse_statement(struct tvn_toml_parser *p, struct tvn_toml_table *root,
                            struct tvn_toml_table **current, size_t *depth)
{
    if (toml_peek(p) != '[') {
        return parse_key_value(p, *current, *depth) && expect_line_end(p);
    }
    struct tvn_toml_table *table = NULL;
    bool ok = parse_header(p, root, &table, depth);
    if (!table) {
        table = toml_table_create(p, TVN_TOML_ORIGIN_HEADER);
    }
    if (!table) {
        return false;
    }
    *current = table;
    return ok && expect_line_end(p);
}

void toml_parse_document(struct tvn_toml_parser *p, struct tvn_toml_table *root)
{
    struct tvn_toml_table *current = root;
    size_t depth = 0;
    if (toml_at(p, "\xef\xbb\xbf", 3)) {
        p->pos += 3; /* a byte order mark */
    }
    for (;;) {
        bool ok = skip_lines(p);
        if (ok && p->pos >= p->len) {
            return;
        }
        p->in_lines = false;
        ok = ok && parse_statement(p, root, &current, &depth);
        if (p->status == TVN_E_OUT_OF_MEMORY || p->error_count >= TVN_DIAG_ERRORS_MAX) {
            return;
        }
        if (!ok) {
            recover(p);
        }
    }
}
