/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ${VAR} and ${VAR:-default} in string values, after parsing and in one pass: what comes in is
 * never looked at again.
 * $${ stands for a literal ${. An unset variable without a default is an error; values of variables
 * are never shown.
 */
#include "config/load_internal.h"

#define INTERPOLATED_MAX ((size_t)1 << 20)

static bool is_name_char(char c, bool first)
{
    return c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (!first && c >= '0' && c <= '9');
}

/* The place of `text` as it is written inside the value, or the whole value. */
static struct tvn_span place_of(const struct config_load *load, const struct tvn_toml_value *value,
                                struct tvn_str text)
{
    const struct tvn_diag_source *source = tvn_diag_source(load->sink, value->span.file);
    if (!source || (size_t)value->span.offset + value->span.length > source->text.len) {
        return value->span;
    }
    const char *start = source->text.ptr + value->span.offset;
    const char *found = memmem(start, value->span.length, text.ptr, text.len);
    if (!found) {
        return value->span;
    }
    return (struct tvn_span){value->span.file, value->span.offset + (uint32_t)(found - start),
                             (uint32_t)text.len};
}

/* One ${…} at the start of `text`. Returns its length, 0 after an error. */
static size_t expand(struct config_load *load, const struct tvn_toml_value *value,
                     struct tvn_str text, struct tvn_strbuf *out)
{
    size_t close = tvn_str_find(text, '}');
    if (close == SIZE_MAX) {
        config_error(load, TVN_E_CONSTRAINT_VIOLATION,
                     place_of(load, value, tvn_str_slice(text, 0, 2)), "'${' without '}'");
        tvn_diag_help(load->sink, "write '$${' for the characters '${' themselves");
        return 0;
    }
    struct tvn_str whole = tvn_str_slice(text, 0, close + 1);
    size_t end = 2;
    while (end < close && is_name_char(text.ptr[end], end == 2)) {
        end++;
    }
    struct tvn_str name = tvn_str_slice(text, 2, end);
    struct tvn_str rest = tvn_str_slice(text, end, close);
    bool has_default = tvn_str_starts_with(rest, TVN_STR(":-"));
    if (name.len == 0 || (rest.len > 0 && !has_default)) {
        config_error(load, TVN_E_CONSTRAINT_VIOLATION, place_of(load, value, whole),
                     "malformed environment reference");
        tvn_diag_help(load->sink, "write ${NAME} or ${NAME:-default}; '$${' stands for the "
                                  "characters '${' themselves");
        return 0;
    }
    const char *variable = config_getenv(load, name);
    if (variable && (variable[0] != '\0' || !has_default)) {
        tvn_strbuf_add_text(out, variable);
    } else if (has_default) {
        tvn_strbuf_add_str(out, tvn_str_slice(rest, 2, rest.len));
    } else {
        const char *shown = config_shown(load, name);
        config_error(load, TVN_E_CONSTRAINT_VIOLATION, place_of(load, value, whole),
                     "environment variable '%s' is not set", shown);
        tvn_diag_help(load->sink, "set it, or give a default: ${%s:-…}", shown);
        return 0;
    }
    return whole.len;
}

const char *config_interpolate(struct config_load *load, const struct tvn_toml_value *value,
                               bool *out_changed)
{
    *out_changed = false;
    struct tvn_str text = value->string;
    if (!memmem(text.ptr, text.len, "${", 2)) {
        return text.ptr;
    }
    TVN_AUTO_VALUE(tvn_strbuf) out = {.max = INTERPOLATED_MAX};
    for (size_t pos = 0; pos < text.len;) {
        struct tvn_str rest = tvn_str_slice(text, pos, text.len);
        if (tvn_str_starts_with(rest, TVN_STR("$${"))) {
            tvn_strbuf_add_text(&out, "${");
            pos += 3;
        } else if (tvn_str_starts_with(rest, TVN_STR("${"))) {
            size_t length = expand(load, value, rest, &out);
            if (length == 0) {
                return NULL;
            }
            *out_changed = true;
            pos += length;
        } else {
            tvn_strbuf_add_char(&out, text.ptr[pos++]);
        }
    }
    if (out.failed && out.len < INTERPOLATED_MAX) {
        config_no_memory(load); /* what does not fit is cut: at the limit the buffer is full */
        return NULL;
    }
    if (out.failed) {
        config_error(load, TVN_E_CONSTRAINT_VIOLATION, value->span,
                     "the value is longer than %zu bytes after interpolation", INTERPOLATED_MAX);
        return NULL;
    }
    const char *copy = tvn_arena_strndup(load->arena, tvn_strbuf_text(&out), out.len);
    if (!copy) {
        config_no_memory(load);
    }
    return copy;
}
