/* SPDX-License-Identifier: Apache-2.0 */
/* One value, as TOML or as text (environment, --config, interpolated), into one field; E0700 and
 * E0702. */
#include "base/assert.h"
#include "base/num.h"
#include "base/suggest.h"
#include "config/load_internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define CHOICES_MAX 16

static const char *expectation(enum tvn_config_type type)
{
    switch (type) {
    case TVN_CONFIG_TYPE_STRING:
    case TVN_CONFIG_TYPE_NAME:
    case TVN_CONFIG_TYPE_PROJECT_NAME:
    case TVN_CONFIG_TYPE_VERSION:
    case TVN_CONFIG_TYPE_WORD:
    case TVN_CONFIG_TYPE_CHOICE:
        return "a string";
    case TVN_CONFIG_TYPE_BOOLEAN:
        return "true or false";
    case TVN_CONFIG_TYPE_INTEGER:
        return "an integer";
    case TVN_CONFIG_TYPE_RATIO:
        return "a number";
    case TVN_CONFIG_TYPE_SIZE:
        return "a size such as \"64MiB\"";
    case TVN_CONFIG_TYPE_DURATION_US:
    case TVN_CONFIG_TYPE_DURATION_MS:
    case TVN_CONFIG_TYPE_DURATION_S:
        return "an integer, or a duration such as \"500ms\"";
    case TVN_CONFIG_TYPE_ALIAS:
    case TVN_CONFIG_TYPE_PART:
        break;
    }
    tvn_unreachable();
}

static uint64_t unit_ns(enum tvn_config_type type)
{
    return type == TVN_CONFIG_TYPE_DURATION_US   ? 1000
           : type == TVN_CONFIG_TYPE_DURATION_MS ? 1000000
                                                 : 1000000000;
}

static const char *unit_name(enum tvn_config_type type)
{
    return type == TVN_CONFIG_TYPE_DURATION_US   ? "us"
           : type == TVN_CONFIG_TYPE_DURATION_MS ? "ms"
                                                 : "s";
}

static bool is_duration(enum tvn_config_type type)
{
    return type == TVN_CONFIG_TYPE_DURATION_US || type == TVN_CONFIG_TYPE_DURATION_MS ||
           type == TVN_CONFIG_TYPE_DURATION_S;
}

static void *field_of(const struct tvn_config_key *key, void *out)
{
    return (char *)out + key->offset;
}

/* Every value that is set passes here. */
static void set_span(const struct config_load *load, const struct tvn_config_key *key,
                     struct tvn_span at, void *out)
{
    if (load->origins && tvn_config_section_is_layered(key->section)) {
        load->origins[tvn_config_key_index(key)] =
            (struct tvn_config_origin){.layer = load->layer, .span = at};
    }
    if (key->span_offset != SIZE_MAX) {
        memcpy((char *)out + key->span_offset, &at, sizeof(at));
    }
}

static void wrong_text(struct config_load *load, const struct tvn_config_key *key,
                       struct tvn_span at)
{
    config_error(load, TVN_E_INVALID_FIELD_TYPE, at, "'%s' must be %s", key->name,
                 expectation(key->type));
}

void config_wrong_type(struct config_load *load, const char *what, const char *expected,
                       const struct tvn_toml_value *value)
{
    config_error(load, TVN_E_INVALID_FIELD_TYPE, value->span, "'%s' must be %s, not %s %s", what,
                 expected,
                 value->kind == TVN_TOML_INTEGER || value->kind == TVN_TOML_ARRAY ? "an" : "a",
                 tvn_toml_kind_name(value->kind));
    tvn_diag_label(load->sink, "expected %s", expected);
}

static void print_limit(struct tvn_strbuf *out, const struct tvn_config_key *key, uint64_t limit)
{
    static const char *const units[] = {"", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    if (key->type == TVN_CONFIG_TYPE_SIZE) {
        while (limit >= 1024 && limit % 1024 == 0 && unit + 1 < TVN_ARRAY_LEN(units)) {
            limit /= 1024;
            unit++;
        }
        tvn_strbuf_printf(out, "%" PRIu64 "%s", limit, unit > 0 ? units[unit] : "B");
        return;
    }
    tvn_strbuf_printf(out, "%" PRIu64 "%s", limit,
                      is_duration(key->type) ? unit_name(key->type) : "");
}

static void out_of_range(struct config_load *load, const struct tvn_config_key *key,
                         struct tvn_span at)
{
    TVN_AUTO_VALUE(tvn_strbuf) range = {0};
    print_limit(&range, key, key->min);
    tvn_strbuf_add_text(&range, " and ");
    print_limit(&range, key, key->max);
    config_error(load, TVN_E_CONSTRAINT_VIOLATION, at, "'%s' must be between %s", key->name,
                 tvn_strbuf_text(&range));
}

static void set_number(struct config_load *load, const struct tvn_config_key *key, uint64_t number,
                       struct tvn_span at, void *out)
{
    if (number < key->min || number > key->max) {
        out_of_range(load, key, at);
        return;
    }
    memcpy(field_of(key, out), &number, sizeof(number));
    set_span(load, key, at, out);
}

static void set_ratio(struct config_load *load, const struct tvn_config_key *key, double number,
                      struct tvn_span at, void *out)
{
    if (!(number >= 0.0 && number <= 1.0)) { /* NaN too */
        config_error(load, TVN_E_CONSTRAINT_VIOLATION, at, "'%s' must be between 0.0 and 1.0",
                     key->name);
        return;
    }
    memcpy(field_of(key, out), &number, sizeof(number));
    set_span(load, key, at, out);
}

static void set_size(struct config_load *load, const struct tvn_config_key *key,
                     struct tvn_str text, struct tvn_span at, void *out)
{
    uint64_t bytes = 0;
    if (!tvn_parse_size(text.ptr, text.len, &bytes)) {
        config_error(load, TVN_E_CONSTRAINT_VIOLATION, at, "'%s' is not a size", key->name);
        tvn_diag_help(load->sink, "sizes look like \"512B\", \"64KiB\", \"16MiB\" or \"1GiB\"");
        return;
    }
    set_number(load, key, bytes, at, out);
}

/* "500ms", or (from environment and --config) a bare number in the key's unit. */
static void set_duration(struct config_load *load, const struct tvn_config_key *key,
                         struct tvn_str text, struct tvn_span at, void *out)
{
    uint64_t duration_ns = 0;
    if (!tvn_parse_duration(text.ptr, text.len, &duration_ns)) {
        config_error(load, TVN_E_CONSTRAINT_VIOLATION, at, "'%s' is not a duration", key->name);
        tvn_diag_help(load->sink,
                      "durations look like \"500ms\", \"5s\" or \"2m\"; a bare integer "
                      "is in %s",
                      unit_name(key->type));
        return;
    }
    uint64_t unit = unit_ns(key->type);
    if (duration_ns % unit != 0) {
        config_error(load, TVN_E_CONSTRAINT_VIOLATION, at, "'%s' must be a whole number of %s",
                     key->name, unit_name(key->type));
        return;
    }
    set_number(load, key, duration_ns / unit, at, out);
}

static size_t split_choices(const char *choices, struct tvn_str out[CHOICES_MAX])
{
    size_t count = 0;
    struct tvn_str rest = tvn_str_of(choices);
    for (;;) {
        tvn_assert(count < CHOICES_MAX);
        size_t bar = tvn_str_find(rest, '|');
        size_t end = bar == SIZE_MAX ? rest.len : bar;
        out[count++] = tvn_str_slice(rest, 0, end);
        if (bar == SIZE_MAX) {
            return count;
        }
        rest = tvn_str_slice(rest, bar + 1, rest.len);
    }
}

static void unknown_choice(struct config_load *load, const struct tvn_config_key *key,
                           const struct tvn_str *choices, size_t count, struct tvn_str text,
                           struct tvn_span at)
{
    const char *names[CHOICES_MAX];
    TVN_AUTO_VALUE(tvn_strbuf) list = {0};
    for (size_t i = 0; i < count; i++) {
        names[i] = tvn_arena_strndup(load->arena, choices[i].ptr, choices[i].len);
        if (!names[i]) {
            config_no_memory(load);
            return;
        }
        tvn_strbuf_printf(&list, "%s\"%s\"", i > 0 ? ", " : "", names[i]);
    }
    config_error(load, TVN_E_CONSTRAINT_VIOLATION, at, "'%s' must be %s%s", key->name,
                 count > 1 ? "one of " : "", tvn_strbuf_text(&list));
    const char *suggestion = tvn_suggest(text, names, count);
    if (suggestion) {
        tvn_diag_label(load->sink, "did you mean \"%s\"?", suggestion);
    }
}

static void set_choice(struct config_load *load, const struct tvn_config_key *key,
                       struct tvn_str text, struct tvn_span at, void *out)
{
    struct tvn_str choices[CHOICES_MAX] = {0};
    tvn_assert(key->choices);
    size_t count = split_choices(key->choices, choices);
    unsigned index = 0;
    while (index < count && !tvn_str_equal(choices[index], text)) {
        index++;
    }
    if (index == count) {
        unknown_choice(load, key, choices, count, text, at);
        return;
    }
    if (key->type == TVN_CONFIG_TYPE_CHOICE) {
        memcpy(field_of(key, out), &index, sizeof(index));
    } else {
        memcpy(field_of(key, out), (const void *)&text.ptr, sizeof(text.ptr));
    }
    set_span(load, key, at, out);
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

bool config_check_name(struct config_load *load, const char *what, struct tvn_str name,
                       struct tvn_span at)
{
    bool valid = name.len > 0 && name.len <= TVN_MANIFEST_NAME_MAX && name.ptr[0] != '-';
    for (size_t i = 0; valid && i < name.len; i++) {
        valid = is_name_char(name.ptr[i]);
    }
    if (!valid) {
        config_error(load, TVN_E_CONSTRAINT_VIOLATION, at,
                     "%s must consist of letters, digits, '_' and '-', at most %d", what,
                     TVN_MANIFEST_NAME_MAX);
    }
    return valid;
}

static bool check_project_name(struct config_load *load, struct tvn_str name, struct tvn_span at)
{
    if (!config_check_name(load, "the project's name", name, at)) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        bool upper = name.ptr[i] >= 'A' && name.ptr[i] <= 'Z';
        bool digit_first = i == 0 && name.ptr[i] >= '0' && name.ptr[i] <= '9';
        if (upper || digit_first) {
            config_error(load, TVN_E_CONSTRAINT_VIOLATION, at,
                         "the project's name must be lower case and start with a letter");
            return false;
        }
    }
    return true;
}

/* Dot-separated identifiers; numeric ones may not start with a zero if `strict`. */
static bool is_version_tail(struct tvn_str text, bool strict)
{
    size_t start = 0;
    bool numeric = true;
    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && text.ptr[i] != '.') {
            if (!is_name_char(text.ptr[i]) || text.ptr[i] == '_') {
                return false;
            }
            numeric = numeric && text.ptr[i] >= '0' && text.ptr[i] <= '9';
            continue;
        }
        if (i == start || (strict && numeric && i - start > 1 && text.ptr[start] == '0')) {
            return false;
        }
        start = i + 1;
        numeric = true;
    }
    return true;
}

static bool is_semantic_version(struct tvn_str text)
{
    size_t plus = tvn_str_find(text, '+');
    if (plus != SIZE_MAX) {
        if (!is_version_tail(tvn_str_slice(text, plus + 1, text.len), false)) {
            return false;
        }
        text.len = plus;
    }
    size_t minus = tvn_str_find(text, '-');
    if (minus != SIZE_MAX) {
        if (!is_version_tail(tvn_str_slice(text, minus + 1, text.len), true)) {
            return false;
        }
        text.len = minus;
    }
    size_t dots = 0;
    for (size_t i = 0; i < text.len; i++) {
        dots += text.ptr[i] == '.' ? 1 : 0;
        if (text.ptr[i] != '.' && (text.ptr[i] < '0' || text.ptr[i] > '9')) {
            return false;
        }
    }
    return dots == 2 && is_version_tail(text, true);
}

/* `text` ends in NUL and lives as long as the manifest. */
static void set_string(struct config_load *load, const struct tvn_config_key *key,
                       struct tvn_str text, struct tvn_span at, void *out)
{
    if (key->type == TVN_CONFIG_TYPE_NAME &&
        !config_check_name(load, "a component's name", text, at)) {
        return;
    }
    if (key->type == TVN_CONFIG_TYPE_PROJECT_NAME && !check_project_name(load, text, at)) {
        return;
    }
    if (key->type == TVN_CONFIG_TYPE_VERSION && !is_semantic_version(text)) {
        config_error(load, TVN_E_CONSTRAINT_VIOLATION, at,
                     "'%s' must be a semantic version such as \"0.1.0\"", key->name);
        return;
    }
    memcpy(field_of(key, out), (const void *)&text.ptr, sizeof(text.ptr));
    set_span(load, key, at, out);
}

static void set_boolean_text(struct config_load *load, const struct tvn_config_key *key,
                             struct tvn_str text, struct tvn_span at, void *out)
{
    bool value = tvn_str_is(text, "true");
    if (!value && !tvn_str_is(text, "false")) {
        wrong_text(load, key, at);
        return;
    }
    memcpy(field_of(key, out), &value, sizeof(value));
    set_span(load, key, at, out);
}

static void set_ratio_text(struct config_load *load, const struct tvn_config_key *key,
                           struct tvn_str text, struct tvn_span at, void *out)
{
    /* Digits and one point only, and no strtod: it reads another decimal point in other locales. */
    double value = 0.0;
    double scale = 1.0;
    bool fraction = false;
    bool negative = text.len > 0 && text.ptr[0] == '-';
    size_t digits = 0;
    for (size_t i = negative ? 1 : 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '.' && !fraction) {
            fraction = true;
        } else if (c >= '0' && c <= '9') {
            value = 10.0 * value + (c - '0');
            scale *= fraction ? 10.0 : 1.0;
            digits++;
        } else {
            digits = 0;
            break;
        }
    }
    if (digits == 0 || digits > 15) {
        wrong_text(load, key, at);
        return;
    }
    set_ratio(load, key, negative ? -value / scale : value / scale, at, out);
}

/* Digits, perhaps behind a sign: an integer, however large. */
static bool is_whole_number(struct tvn_str text)
{
    size_t digits = text.len > 0 && text.ptr[0] == '-' ? 1 : 0;
    bool whole = digits < text.len;
    for (size_t i = digits; i < text.len; i++) {
        whole = whole && text.ptr[i] >= '0' && text.ptr[i] <= '9';
    }
    return whole;
}

static void set_integer_text(struct config_load *load, const struct tvn_config_key *key,
                             struct tvn_str text, struct tvn_span at, void *out)
{
    uint64_t number = 0;
    if (tvn_parse_u64(text.ptr, text.len, &number)) {
        set_number(load, key, number, at, out);
    } else if (is_whole_number(text)) {
        out_of_range(load, key, at); /* negative, or beyond 64 bits */
    } else if (is_duration(key->type)) {
        set_duration(load, key, text, at, out);
    } else {
        wrong_text(load, key, at);
    }
}

void config_set_text(struct config_load *load, const struct tvn_config_key *key,
                     struct tvn_str text, struct tvn_span at, void *out)
{
    switch (key->type) {
    case TVN_CONFIG_TYPE_STRING:
    case TVN_CONFIG_TYPE_NAME:
    case TVN_CONFIG_TYPE_PROJECT_NAME:
    case TVN_CONFIG_TYPE_VERSION:
        set_string(load, key, text, at, out);
        return;
    case TVN_CONFIG_TYPE_WORD:
    case TVN_CONFIG_TYPE_CHOICE:
        set_choice(load, key, text, at, out);
        return;
    case TVN_CONFIG_TYPE_BOOLEAN:
        set_boolean_text(load, key, text, at, out);
        return;
    case TVN_CONFIG_TYPE_RATIO:
        set_ratio_text(load, key, text, at, out);
        return;
    case TVN_CONFIG_TYPE_SIZE:
        set_size(load, key, text, at, out);
        return;
    case TVN_CONFIG_TYPE_INTEGER:
    case TVN_CONFIG_TYPE_DURATION_US:
    case TVN_CONFIG_TYPE_DURATION_MS:
    case TVN_CONFIG_TYPE_DURATION_S:
        set_integer_text(load, key, text, at, out);
        return;
    case TVN_CONFIG_TYPE_ALIAS:
    case TVN_CONFIG_TYPE_PART:
        break;
    }
    tvn_unreachable();
}

const char *config_string(struct config_load *load, const char *what,
                          const struct tvn_toml_value *value)
{
    if (value->kind != TVN_TOML_STRING) {
        config_wrong_type(load, what, "a string", value);
        return NULL;
    }
    if (value->string.len > 0 && memchr(value->string.ptr, '\0', value->string.len)) {
        config_error(load, TVN_E_CONSTRAINT_VIOLATION, value->span,
                     "'%s' must not contain the character U+0000", what);
        return NULL;
    }
    bool changed = false;
    return config_interpolate(load, value, &changed);
}

/* A string where the key wants something else: only sizes, durations and interpolated strings are
 * meant so. */
static void set_from_string(struct config_load *load, const struct tvn_config_key *key,
                            const struct tvn_toml_value *value, void *out)
{
    bool changed = false;
    const char *text = config_interpolate(load, value, &changed);
    if (!text) {
        return;
    }
    struct tvn_str view = changed ? tvn_str_of(text) : value->string;
    if (changed || key->type == TVN_CONFIG_TYPE_SIZE) {
        config_set_text(load, key, view, value->span, out);
    } else if (is_duration(key->type)) {
        set_duration(load, key, view, value->span, out);
    } else {
        config_wrong_type(load, key->name, expectation(key->type), value);
    }
}

static bool takes_string(enum tvn_config_type type)
{
    return type == TVN_CONFIG_TYPE_STRING || type == TVN_CONFIG_TYPE_NAME ||
           type == TVN_CONFIG_TYPE_PROJECT_NAME || type == TVN_CONFIG_TYPE_VERSION ||
           type == TVN_CONFIG_TYPE_WORD || type == TVN_CONFIG_TYPE_CHOICE;
}

void config_set_value(struct config_load *load, const struct tvn_config_key *key,
                      const struct tvn_toml_value *value, void *out)
{
    if (takes_string(key->type)) {
        const char *text = config_string(load, key->name, value);
        if (text) {
            config_set_text(load, key, tvn_str_of(text), value->span, out);
        }
        return;
    }
    bool whole = key->type == TVN_CONFIG_TYPE_INTEGER || is_duration(key->type);
    if (value->kind == TVN_TOML_STRING) {
        set_from_string(load, key, value, out);
    } else if (value->kind == TVN_TOML_BOOL && key->type == TVN_CONFIG_TYPE_BOOLEAN) {
        memcpy(field_of(key, out), &value->boolean, sizeof(value->boolean));
        set_span(load, key, value->span, out);
    } else if (value->kind == TVN_TOML_INTEGER && whole && value->integer < 0) {
        out_of_range(load, key, value->span);
    } else if (value->kind == TVN_TOML_INTEGER && whole) {
        set_number(load, key, (uint64_t)value->integer, value->span, out);
    } else if (value->kind == TVN_TOML_INTEGER && key->type == TVN_CONFIG_TYPE_RATIO) {
        set_ratio(load, key, (double)value->integer, value->span, out);
    } else if (value->kind == TVN_TOML_FLOAT && key->type == TVN_CONFIG_TYPE_RATIO) {
        set_ratio(load, key, value->real, value->span, out);
    } else {
        config_wrong_type(load, key->name, expectation(key->type), value);
    }
}
