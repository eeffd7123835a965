/* SPDX-License-Identifier: Apache-2.0 */
/*
 * toml-decode: TOML on stdin to the tagged JSON of the toml-test suite on stdout. Exit 0 for a
 * valid document, 1 for an invalid one (the errors go to stderr as LINE:COLUMN: CODE: MESSAGE), 2
 * when reading or writing fails.
 */
#include "base/arena.h"
#include "base/assert.h"
#include "base/diag.h"
#include "base/file.h"
#include "format/json_writer.h"
#include "format/toml.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

/* The suite writes JSON deeper than the writer's levels only in its own stress files, which it does
 * not have. */
static void write_value(struct tvn_json_writer *json, const struct tvn_toml_value *value);

static void write_scalar(struct tvn_json_writer *json, const char *type, struct tvn_str text)
{
    tvn_json_begin_object(json);
    tvn_json_field_text(json, "type", type);
    tvn_json_key(json, "value");
    tvn_json_write_str(json, text);
    tvn_json_end_object(json);
}

static void write_real(struct tvn_json_writer *json, double real)
{
    char text[40];
    if (isnan(real)) {
        (void)snprintf(text, sizeof(text), "nan");
    } else if (isinf(real)) {
        (void)snprintf(text, sizeof(text), real < 0 ? "-inf" : "inf");
    } else {
        (void)snprintf(text, sizeof(text), "%.17g", real);
    }
    write_scalar(json, "float", tvn_str_of(text));
}

static void write_integer(struct tvn_json_writer *json, int64_t integer)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%lld", (long long)integer);
    write_scalar(json, "integer", tvn_str_of(text));
}

static void write_table(struct tvn_json_writer *json, const struct tvn_toml_table *table)
{
    tvn_json_begin_object(json);
    for (const struct tvn_toml_entry *entry = table->first; entry; entry = entry->next) {
        tvn_json_key_str(json, entry->key);
        write_value(json, &entry->value);
    }
    tvn_json_end_object(json);
}

static void write_array(struct tvn_json_writer *json, const struct tvn_toml_array *array)
{
    tvn_json_begin_array(json);
    for (const struct tvn_toml_value *item = array->first; item; item = item->next) {
        write_value(json, item);
    }
    tvn_json_end_array(json);
}

static void write_value(struct tvn_json_writer *json, const struct tvn_toml_value *value)
{
    switch (value->kind) {
    case TVN_TOML_STRING:
        write_scalar(json, "string", value->string);
        return;
    case TVN_TOML_INTEGER:
        write_integer(json, value->integer);
        return;
    case TVN_TOML_FLOAT:
        write_real(json, value->real);
        return;
    case TVN_TOML_BOOL:
        write_scalar(json, "bool", value->boolean ? TVN_STR("true") : TVN_STR("false"));
        return;
    case TVN_TOML_OFFSET_DATETIME:
        write_scalar(json, "datetime", value->string);
        return;
    case TVN_TOML_LOCAL_DATETIME:
        write_scalar(json, "datetime-local", value->string);
        return;
    case TVN_TOML_LOCAL_DATE:
        write_scalar(json, "date-local", value->string);
        return;
    case TVN_TOML_LOCAL_TIME:
        write_scalar(json, "time-local", value->string);
        return;
    case TVN_TOML_ARRAY:
        write_array(json, value->array);
        return;
    case TVN_TOML_TABLE:
        write_table(json, value->table);
        return;
    }
    tvn_unreachable();
}

static void print_errors(const struct tvn_diag_sink *sink)
{
    for (size_t i = 0; i < tvn_diag_count(sink); i++) {
        const struct tvn_diagnostic *diagnostic = tvn_diag_at(sink, i);
        struct tvn_diag_place place = {0};
        (void)tvn_diag_locate(sink, diagnostic->primary.span, &place);
        fprintf(stderr, "%u:%u: %s: %s\n", (unsigned)place.line, (unsigned)place.column,
                tvn_status_code(diagnostic->code), diagnostic->message);
    }
}

static int decode(struct tvn_str text)
{
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    uint32_t file = sink ? tvn_diag_add_source(sink, "<stdin>", text) : 0;
    if (!arena || file == 0) {
        fprintf(stderr, "out of memory\n");
        return 2;
    }
    const struct tvn_toml_table *root = NULL;
    if (tvn_toml_parse(arena, file, text, sink, &root) != TVN_OK) {
        print_errors(sink);
        return 1;
    }
    TVN_AUTO_VALUE(tvn_strbuf) out = {.max = (size_t)1 << 30};
    struct tvn_json_writer json;
    tvn_json_writer_init(&json, &out, 0);
    write_table(&json, root);
    tvn_strbuf_add_char(&out, '\n');
    return !out.failed && tvn_fd_write_all(STDOUT_FILENO, out.ptr, out.len) == TVN_OK ? 0 : 2;
}

int main(void)
{
    TVN_AUTO_VALUE(tvn_file_bytes) input = {0};
    if (tvn_file_read("/dev/stdin", TVN_TOML_SIZE_MAX + 1, &input) != TVN_OK) {
        perror("stdin");
        return 2;
    }
    return decode((struct tvn_str){(const char *)input.ptr, input.len});
}
