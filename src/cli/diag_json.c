/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/diag_json.h"

#include "base/assert.h"
#include "base/diag.h"
#include "format/json_writer.h"

static const char *text_or_null(const char *text)
{
    return text && text[0] != '\0' ? text : NULL;
}

static void field_u32_or_null(struct tvn_json_writer *json, const char *key, bool known,
                              uint32_t value)
{
    tvn_json_key(json, key);
    if (known) {
        tvn_json_write_u64(json, value);
    } else {
        tvn_json_write_null(json);
    }
}

static void write_place(const struct tvn_diag_sink *sink, const struct tvn_diag_label *label,
                        struct tvn_json_writer *json)
{
    const struct tvn_diag_source *source = tvn_diag_source(sink, label->span.file);
    struct tvn_diag_place place = {0};
    bool located = tvn_diag_locate(sink, label->span, &place);
    uint32_t width = label->span.length > 0 ? place.width : 0;
    tvn_json_field_text(json, "file", source ? source->name : NULL);
    field_u32_or_null(json, "line", located, place.line);
    field_u32_or_null(json, "column", located, place.column);
    field_u32_or_null(json, "end_column", located, place.column + width);
    if (source && source->binary) {
        tvn_json_field_u64(json, "offset", label->span.offset);
    }
    tvn_json_field_text(json, "label", text_or_null(label->text));
}

static void write_diagnostic(const struct tvn_diag_sink *sink,
                             const struct tvn_diagnostic *diagnostic, struct tvn_json_writer *json)
{
    bool error = diagnostic->severity == TVN_SEVERITY_ERROR;
    bool numbered = diagnostic->code != TVN_OK;
    const char *fix = error ? tvn_status_fix(diagnostic->code) : NULL;
    tvn_json_begin_object(json);
    tvn_json_field_text(json, "severity", tvn_severity_name(diagnostic->severity));
    tvn_json_field_text(json, "code", numbered ? tvn_status_code(diagnostic->code) : NULL);
    tvn_json_field_text(json, "name", text_or_null(tvn_status_name(diagnostic->code)));
    tvn_json_field_text(json, "message", diagnostic->message);
    write_place(sink, &diagnostic->primary, json);
    tvn_json_key(json, "notes");
    tvn_json_begin_array(json);
    for (size_t i = 0; i < diagnostic->note_count; i++) {
        tvn_json_write_text(json, diagnostic->notes[i]);
    }
    tvn_json_end_array(json);
    tvn_json_field_text(json, "help", text_or_null(diagnostic->help ? diagnostic->help : fix));
    tvn_json_key(json, "related");
    tvn_json_begin_array(json);
    for (size_t i = 0; i < diagnostic->related_count; i++) {
        tvn_json_begin_object(json);
        write_place(sink, &diagnostic->related[i], json);
        tvn_json_end_object(json);
    }
    tvn_json_end_array(json);
    tvn_json_end_object(json);
}

void tvn_diag_json_array(const struct tvn_diag_sink *sink, struct tvn_json_writer *json)
{
    tvn_assert(sink);
    tvn_assert(json);
    tvn_json_begin_array(json);
    for (size_t i = 0; i < tvn_diag_count(sink); i++) {
        write_diagnostic(sink, tvn_diag_at(sink, i), json);
    }
    tvn_json_end_array(json);
}

void tvn_diag_json_array_of(const struct tvn_diag_sink *sink, enum tvn_severity severity,
                            struct tvn_json_writer *json)
{
    tvn_assert(sink);
    tvn_assert(json);
    tvn_json_begin_array(json);
    for (size_t i = 0; i < tvn_diag_count(sink); i++) {
        const struct tvn_diagnostic *diagnostic = tvn_diag_at(sink, i);
        if (diagnostic->severity == severity) {
            write_diagnostic(sink, diagnostic, json);
        }
    }
    tvn_json_end_array(json);
}
