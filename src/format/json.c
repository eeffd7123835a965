/* SPDX-License-Identifier: Apache-2.0 */
#include "format/json.h"

#include "base/assert.h"
#include "base/num.h"

#include <jansson.h>
#include <stdio.h>

/* SAFETY: struct tvn_json is never defined; every pointer to it came from the library as a json_t.
 */
static json_t *unwrap(const struct tvn_json *value)
{
    return (json_t *)(uintptr_t)value;
}
static struct tvn_json *wrap(json_t *value)
{
    return (struct tvn_json *)value;
}

/* The library's own limit is higher and fixed when it is built. Offset of the first bracket that is
 * too deep, or len. */
static size_t find_too_deep(struct tvn_str text)
{
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (in_string) {
            if (c == '\\') {
                i++;
            } else if (c == '"') {
                in_string = false;
            }
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > TVN_JSON_DEPTH_MAX) {
                return i;
            }
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
    }
    return text.len;
}

static enum tvn_status parse_error(struct tvn_json_error *out_error, size_t offset,
                                   const char *text)
{
    out_error->offset = offset;
    (void)snprintf(out_error->text, sizeof(out_error->text), "%s", text);
    return TVN_E_CONSTRAINT_VIOLATION;
}

static enum tvn_status parse(struct tvn_str text, size_t flags, struct tvn_json **out_value,
                             struct tvn_json_error *out_error)
{
    tvn_assert(out_value);
    tvn_assert(out_error);
    if (text.len > TVN_JSON_SIZE_MAX) {
        return parse_error(out_error, 0, "the text is too large");
    }
    size_t too_deep = find_too_deep(text);
    if (too_deep < text.len) {
        return parse_error(out_error, too_deep, "nested too deep");
    }
    json_error_t error;
    json_t *value = json_loadb(text.ptr ? text.ptr : "", text.len,
                               JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | flags, &error);
    if (!value) {
        if (json_error_code(&error) == json_error_out_of_memory) {
            return TVN_E_OUT_OF_MEMORY;
        }
        size_t offset = error.position > 0 ? (size_t)error.position : 0;
        return parse_error(out_error, tvn_min(offset, text.len), error.text);
    }
    *out_value = wrap(value);
    return TVN_OK;
}

enum tvn_status tvn_json_parse(struct tvn_str text, struct tvn_json **out_value,
                               struct tvn_json_error *out_error)
{
    return parse(text, 0, out_value, out_error);
}

enum tvn_status tvn_json_parse_with_nul(struct tvn_str text, struct tvn_json **out_value,
                                        struct tvn_json_error *out_error)
{
    return parse(text, JSON_ALLOW_NUL, out_value, out_error);
}

void tvn_json_unref(struct tvn_json *value)
{
    json_decref(unwrap(value));
}

enum tvn_json_kind tvn_json_kind(const struct tvn_json *value)
{
    tvn_assert(value);
    switch (json_typeof(unwrap(value))) {
    case JSON_OBJECT:
        return TVN_JSON_OBJECT;
    case JSON_ARRAY:
        return TVN_JSON_ARRAY;
    case JSON_STRING:
        return TVN_JSON_STRING;
    case JSON_INTEGER:
        return TVN_JSON_INTEGER;
    case JSON_REAL:
        return TVN_JSON_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return TVN_JSON_BOOL;
    case JSON_NULL:
        return TVN_JSON_NULL;
    }
    tvn_unreachable();
}

bool tvn_json_boolean(const struct tvn_json *value)
{
    tvn_assert(tvn_json_kind(value) == TVN_JSON_BOOL);
    return json_is_true(unwrap(value));
}

int64_t tvn_json_integer(const struct tvn_json *value)
{
    tvn_assert(tvn_json_kind(value) == TVN_JSON_INTEGER);
    return json_integer_value(unwrap(value));
}

double tvn_json_real(const struct tvn_json *value)
{
    tvn_assert(json_is_number(unwrap(value)));
    return json_number_value(unwrap(value));
}

struct tvn_str tvn_json_string(const struct tvn_json *value)
{
    tvn_assert(tvn_json_kind(value) == TVN_JSON_STRING);
    return (struct tvn_str){json_string_value(unwrap(value)), json_string_length(unwrap(value))};
}

struct tvn_json *tvn_json_get(const struct tvn_json *object, const char *key)
{
    return wrap(json_object_get(unwrap(object), key));
}

struct tvn_json *tvn_json_at(const struct tvn_json *array, size_t index)
{
    return wrap(json_array_get(unwrap(array), index));
}

size_t tvn_json_count(const struct tvn_json *value)
{
    json_t *json = unwrap(value);
    return json_is_array(json) ? json_array_size(json) : json_object_size(json);
}

bool tvn_json_next(const struct tvn_json *object, void **cursor, const char **out_key,
                   struct tvn_json **out_value)
{
    tvn_assert(cursor);
    *cursor =
        *cursor ? json_object_iter_next(unwrap(object), *cursor) : json_object_iter(unwrap(object));
    if (!*cursor) {
        return false;
    }
    *out_key = json_object_iter_key(*cursor);
    *out_value = wrap(json_object_iter_value(*cursor));
    return true;
}

struct tvn_json *tvn_json_create_object(void)
{
    return wrap(json_object());
}

struct tvn_json *tvn_json_create_string(struct tvn_str text)
{
    return wrap(json_stringn(text.ptr ? text.ptr : "", text.len));
}

enum tvn_status tvn_json_set(struct tvn_json *object, const char *key, struct tvn_json *value)
{
    tvn_assert(object);
    tvn_assert(key);
    /* Not json_object_set_new: that would also take the value when it fails. */
    if (!value || json_object_set(unwrap(object), key, unwrap(value)) != 0) {
        return TVN_E_OUT_OF_MEMORY;
    }
    json_decref(unwrap(value));
    return TVN_OK;
}

static int add_to_strbuf(const char *bytes, size_t length, void *context)
{
    struct tvn_strbuf *out = context;
    tvn_strbuf_add(out, bytes, length);
    return out->failed ? -1 : 0;
}

void tvn_json_print(const struct tvn_json *value, struct tvn_strbuf *out)
{
    tvn_assert(value);
    tvn_assert(out);
    if (json_dump_callback(unwrap(value), add_to_strbuf, out, JSON_COMPACT | JSON_ENCODE_ANY) !=
        0) {
        out->failed = true;
    }
}
