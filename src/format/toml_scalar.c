/* SPDX-License-Identifier: Apache-2.0 */
/* Strings, numbers, booleans, dates and times of TOML. */
#include "base/assert.h"
#include "base/num.h"
#include "base/utf8.h"
#include "format/toml_internal.h"

#include <math.h>
#include <stdlib.h>

/* Characters that no string or comment may hold: C0 controls but tab, and DEL. */
static bool is_control(int c)
{
    return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7f;
}

static bool control_error(struct tvn_toml_parser *p)
{
    return toml_error(p, p->pos, p->pos + 1, "control character U+%04X must be written as \\u%04X",
                      (unsigned)toml_peek(p), (unsigned)toml_peek(p));
}

static int hex_digit(int c)
{
    return toml_is_digit(c)       ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* \uXXXX and \UXXXXXXXX; `start` is the place of the backslash, the current one behind the letter.
 */
static bool unicode_escape(struct tvn_toml_parser *p, size_t start, unsigned digits)
{
    uint32_t code_point = 0;
    for (unsigned i = 0; i < digits; i++) {
        int digit = hex_digit(toml_peek(p));
        if (digit < 0) {
            return toml_error(p, start, p->pos, "this escape needs %u hexadecimal digits", digits);
        }
        code_point = code_point << 4 | (uint32_t)digit;
        p->pos++;
    }
    if (code_point > 0x10ffff || (code_point >= 0xd800 && code_point < 0xe000)) {
        return toml_error(p, start, p->pos, "U+%04X is not a Unicode scalar value",
                          (unsigned)code_point);
    }
    char bytes[4];
    tvn_strbuf_add(&p->scratch, bytes, tvn_utf8_encode(code_point, bytes));
    return true;
}

/* A backslash at a line's end: skips all white space that follows. False: it is none. */
static bool line_continuation(struct tvn_toml_parser *p)
{
    size_t start = p->pos;
    p->pos++;
    while (toml_peek(p) == ' ' || toml_peek(p) == '\t') {
        p->pos++;
    }
    if (toml_newline(p) == 0) {
        p->pos = start;
        return false;
    }
    for (;;) {
        size_t newline = toml_newline(p);
        if (newline == 0 && toml_peek(p) != ' ' && toml_peek(p) != '\t') {
            return true;
        }
        p->pos += newline > 0 ? newline : 1;
    }
}

static bool escape(struct tvn_toml_parser *p)
{
    static const char letters[] = "btnfr\"\\";
    static const char values[] = "\b\t\n\f\r\"\\";
    size_t start = p->pos++;
    int c = toml_peek(p);
    if (c == 'u' || c == 'U') {
        p->pos++;
        return unicode_escape(p, start, c == 'u' ? 4 : 8);
    }
    const char *letter = c > 0 ? strchr(letters, c) : NULL;
    if (!letter) {
        size_t end = toml_newline(p) > 0 || c < 0 ? p->pos : p->pos + 1;
        while (end < p->len && ((unsigned char)p->text[end] & 0xc0) == 0x80) {
            end++; /* the rest of a character of several bytes */
        }
        (void)toml_error(p, start, end, "unknown escape in a string");
        tvn_diag_help(p->sink, "write '\\\\' for a backslash, or use a '…' string, which has no "
                               "escapes");
        return false;
    }
    tvn_strbuf_add_char(&p->scratch, values[letter - letters]);
    p->pos++;
    return true;
}

static bool unclosed(struct tvn_toml_parser *p, size_t start, bool multi)
{
    return toml_error(p, start, multi ? start + 3 : p->pos,
                      multi ? "this string is never closed"
                            : "this string is not closed before the end of the line");
}

/* Copies everything up to the next byte that means something inside the string. */
static void plain_run(struct tvn_toml_parser *p, char quote)
{
    size_t start = p->pos;
    while (p->pos < p->len) {
        int c = (unsigned char)p->text[p->pos];
        if (c == quote || c == '\\' || is_control(c)) {
            break;
        }
        p->pos++;
    }
    tvn_strbuf_add(&p->scratch, p->text + start, p->pos - start);
}

/*
 * Quotes inside a multi-line string: up to two belong to the text, also directly before the closing
 * three. True when the string ends here.
 */
static bool multi_line_quotes(struct tvn_toml_parser *p, char quote)
{
    size_t count = 0;
    while (count < 5 && toml_peek(p) == quote) {
        count++;
        p->pos++;
    }
    tvn_strbuf_add_repeat(&p->scratch, quote, count >= 3 ? count - 3 : count);
    return count >= 3;
}

static bool multi_line_string(struct tvn_toml_parser *p, char quote)
{
    size_t start = p->pos;
    p->pos += 3;
    p->pos += toml_newline(p);
    for (;;) {
        plain_run(p, quote);
        int c = toml_peek(p);
        size_t newline = toml_newline(p);
        if (c < 0) {
            return unclosed(p, start, true);
        }
        if (c == quote) {
            if (multi_line_quotes(p, quote)) {
                return true;
            }
        } else if (newline > 0 || (c == '\\' && quote == '\'')) {
            tvn_strbuf_add(&p->scratch, p->text + p->pos, tvn_max(newline, (size_t)1));
            p->pos += tvn_max(newline, (size_t)1);
        } else if (c != '\\') {
            return control_error(p);
        } else if (!line_continuation(p) && !escape(p)) {
            return false;
        }
    }
}

static bool single_line_string(struct tvn_toml_parser *p, char quote)
{
    size_t start = p->pos++;
    for (;;) {
        plain_run(p, quote);
        int c = toml_peek(p);
        if (c < 0 || toml_newline(p) > 0) {
            return unclosed(p, start, false);
        }
        if (c == quote) {
            p->pos++;
            return true;
        }
        if (c != '\\') {
            return control_error(p);
        }
        if (quote == '\'') {
            tvn_strbuf_add_char(&p->scratch, '\\');
            p->pos++;
        } else if (!escape(p)) {
            return false;
        }
    }
}

static bool scratch_to_arena(struct tvn_toml_parser *p, struct tvn_str *out)
{
    *out = tvn_arena_str(p->arena, tvn_strbuf_view(&p->scratch));
    return (!p->scratch.failed && out->ptr) || toml_no_memory(p);
}

bool toml_parse_key_string(struct tvn_toml_parser *p, struct tvn_str *out_key)
{
    char quote = (char)toml_peek(p);
    tvn_assert(quote == '"' || quote == '\'');
    tvn_strbuf_reset(&p->scratch);
    return single_line_string(p, quote) && scratch_to_arena(p, out_key);
}

bool toml_parse_string(struct tvn_toml_parser *p, struct tvn_toml_value *out)
{
    size_t start = p->pos;
    char quote = (char)toml_peek(p);
    tvn_strbuf_reset(&p->scratch);
    bool multi = toml_at(p, quote == '"' ? "\"\"\"" : "'''", 3);
    bool in_lines = p->in_lines;
    p->in_lines |= multi;
    if (!(multi ? multi_line_string(p, quote) : single_line_string(p, quote)) ||
        !scratch_to_arena(p, &out->string)) {
        return false;
    }
    p->in_lines = in_lines;
    out->kind = TVN_TOML_STRING;
    out->span = toml_span(p, start, p->pos);
    return true;
}

/* Reads exactly `digits` digits at *pos; -1 when there are fewer. */
static int fixed_digits(struct tvn_str text, size_t *pos, size_t digits)
{
    int value = 0;
    if (text.len - *pos < digits) {
        return -1;
    }
    for (size_t i = 0; i < digits; i++) {
        char c = text.ptr[*pos + i];
        if (!toml_is_digit(c)) {
            return -1;
        }
        value = 10 * value + (c - '0');
    }
    *pos += digits;
    return value;
}

static bool accept_char(struct tvn_str text, size_t *pos, char c)
{
    if (*pos < text.len && text.ptr[*pos] == c) {
        (*pos)++;
        return true;
    }
    return false;
}

static bool scan_date(struct tvn_str text, size_t *pos)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = fixed_digits(text, pos, 4);
    if (year < 0 || !accept_char(text, pos, '-')) {
        return false;
    }
    int month = fixed_digits(text, pos, 2);
    if (month < 1 || month > 12 || !accept_char(text, pos, '-')) {
        return false;
    }
    int day = fixed_digits(text, pos, 2);
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day >= 1 && day <= days[month - 1] + (month == 2 && leap ? 1 : 0);
}

static bool scan_hour_minute(struct tvn_str text, size_t *pos)
{
    int hour = fixed_digits(text, pos, 2);
    if (hour < 0 || hour > 23 || !accept_char(text, pos, ':')) {
        return false;
    }
    int minute = fixed_digits(text, pos, 2);
    return minute >= 0 && minute <= 59;
}

static bool scan_time(struct tvn_str text, size_t *pos)
{
    if (!scan_hour_minute(text, pos) || !accept_char(text, pos, ':')) {
        return false;
    }
    int second = fixed_digits(text, pos, 2);
    if (second < 0 || second > 60) { /* 60: a leap second */
        return false;
    }
    if (accept_char(text, pos, '.')) {
        size_t start = *pos;
        while (*pos < text.len && toml_is_digit(text.ptr[*pos])) {
            (*pos)++;
        }
        return *pos > start;
    }
    return true;
}

/* Any of the four kinds; false when `text` is none of them as a whole. */
static bool scan_datetime(struct tvn_str text, enum tvn_toml_kind *out_kind)
{
    size_t pos = 0;
    if (text.len > 2 && text.ptr[2] == ':') {
        *out_kind = TVN_TOML_LOCAL_TIME;
        return scan_time(text, &pos) && pos == text.len;
    }
    if (!scan_date(text, &pos)) {
        return false;
    }
    *out_kind = TVN_TOML_LOCAL_DATE;
    if (pos == text.len) {
        return true;
    }
    if (!accept_char(text, &pos, 'T') && !accept_char(text, &pos, 't') &&
        !accept_char(text, &pos, ' ')) {
        return false;
    }
    if (!scan_time(text, &pos)) {
        return false;
    }
    *out_kind = TVN_TOML_LOCAL_DATETIME;
    if (pos == text.len) {
        return true;
    }
    *out_kind = TVN_TOML_OFFSET_DATETIME;
    if (accept_char(text, &pos, 'Z') || accept_char(text, &pos, 'z')) {
        return pos == text.len;
    }
    return (accept_char(text, &pos, '+') || accept_char(text, &pos, '-')) &&
           scan_hour_minute(text, &pos) && pos == text.len;
}

static bool parse_datetime(struct tvn_toml_parser *p, size_t start, struct tvn_toml_value *out)
{
    struct tvn_str text = {p->text + start, p->pos - start};
    if (!scan_datetime(text, &out->kind)) {
        (void)toml_error(p, start, p->pos, "this is not a valid date or time");
        tvn_diag_help(p->sink, "dates and times look like 1979-05-27T07:32:00Z, 1979-05-27 or "
                               "07:32:00");
        return false;
    }
    /* RFC 3339's canonical letters. */
    tvn_strbuf_reset(&p->scratch);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == ' ' || c == 't') {
            c = 'T';
        } else if (c == 'z') {
            c = 'Z';
        }
        tvn_strbuf_add_char(&p->scratch, c);
    }
    return scratch_to_arena(p, &out->string);
}

/* Copies digits of `base` into the scratch buffer; single underscores between digits are dropped.
 */
static bool copy_digits(struct tvn_toml_parser *p, struct tvn_str text, size_t *pos, int base)
{
    size_t start = *pos;
    bool digit_before = false;
    while (*pos < text.len) {
        char c = text.ptr[*pos];
        int digit = hex_digit(c);
        if (digit >= 0 && digit < base) {
            tvn_strbuf_add_char(&p->scratch, c);
            digit_before = true;
        } else if (c == '_' && digit_before) {
            digit_before = false;
        } else {
            break;
        }
        (*pos)++;
    }
    return digit_before && *pos > start;
}

static bool range_error(struct tvn_toml_parser *p, size_t start)
{
    return toml_error(p, start, p->pos, "this integer does not fit into 64 bits");
}

/* Digits in the scratch buffer from `from` on. */
static bool accumulate(struct tvn_toml_parser *p, size_t start, size_t from, int base,
                       bool negative, struct tvn_toml_value *out)
{
    int64_t value = 0;
    const char *digits = tvn_strbuf_text(&p->scratch);
    for (size_t i = from; i < p->scratch.len; i++) {
        int64_t digit = hex_digit(digits[i]);
        if (__builtin_mul_overflow(value, (int64_t)base, &value) ||
            __builtin_add_overflow(value, negative ? -digit : digit, &value)) {
            return range_error(p, start);
        }
    }
    out->kind = TVN_TOML_INTEGER;
    out->integer = value;
    return true;
}

static bool number_error(struct tvn_toml_parser *p, size_t start)
{
    struct tvn_str text = {p->text + start, p->pos - start};
    bool word =
        (text.ptr[0] >= 'a' && text.ptr[0] <= 'z') || (text.ptr[0] >= 'A' && text.ptr[0] <= 'Z');
    if (!word) {
        return toml_error(p, start, p->pos, "this is not a valid number");
    }
    (void)toml_error(p, start, p->pos, "expected a value");
    tvn_diag_help(p->sink, "strings must be in quotes: \"%.*s\"",
                  (int)tvn_min(text.len, (size_t)64), text.ptr);
    return false;
}

static bool parse_prefixed(struct tvn_toml_parser *p, size_t start, int base,
                           struct tvn_toml_value *out)
{
    struct tvn_str text = {p->text + start, p->pos - start};
    size_t pos = 2;
    if (!copy_digits(p, text, &pos, base) || pos != text.len) {
        return number_error(p, start);
    }
    return accumulate(p, start, 0, base, false, out);
}

static bool parse_real(struct tvn_toml_parser *p, struct tvn_toml_value *out)
{
    if (!p->locale) {
        p->locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
        if (!p->locale) {
            return toml_no_memory(p);
        }
    }
    if (p->scratch.failed) {
        return toml_no_memory(p);
    }
    out->kind = TVN_TOML_FLOAT;
    out->real = strtod_l(tvn_strbuf_text(&p->scratch), NULL, p->locale);
    return true;
}

static bool parse_decimal(struct tvn_toml_parser *p, size_t start, struct tvn_toml_value *out)
{
    struct tvn_str text = {p->text + start, p->pos - start};
    size_t pos = 0;
    bool negative = accept_char(text, &pos, '-');
    if (!negative) {
        (void)accept_char(text, &pos, '+');
    }
    tvn_strbuf_add_text(&p->scratch, negative ? "-" : "+");
    size_t integer = pos;
    if (!copy_digits(p, text, &pos, 10)) {
        return number_error(p, start);
    }
    if (pos - integer > 1 && text.ptr[integer] == '0') {
        return toml_error(p, start, p->pos, "a number must not start with a zero");
    }
    if (pos == text.len) {
        return (!p->scratch.failed || toml_no_memory(p)) &&
               accumulate(p, start, 1, 10, negative, out);
    }
    if (accept_char(text, &pos, '.')) {
        tvn_strbuf_add_char(&p->scratch, '.');
        if (!copy_digits(p, text, &pos, 10)) {
            return number_error(p, start);
        }
    }
    if (accept_char(text, &pos, 'e') || accept_char(text, &pos, 'E')) {
        tvn_strbuf_add_char(&p->scratch, 'e');
        bool minus = accept_char(text, &pos, '-');
        if (!minus) {
            (void)accept_char(text, &pos, '+');
        }
        tvn_strbuf_add_text(&p->scratch, minus ? "-" : "+");
        if (!copy_digits(p, text, &pos, 10)) {
            return number_error(p, start);
        }
    }
    return pos == text.len ? parse_real(p, out) : number_error(p, start);
}

static bool parse_word(struct tvn_str text, struct tvn_toml_value *out)
{
    if (tvn_str_is(text, "true") || tvn_str_is(text, "false")) {
        out->kind = TVN_TOML_BOOL;
        out->boolean = text.ptr[0] == 't';
        return true;
    }
    bool sign = text.len > 0 && (text.ptr[0] == '+' || text.ptr[0] == '-');
    struct tvn_str word = tvn_str_slice(text, sign ? 1 : 0, text.len);
    bool infinite = tvn_str_is(word, "inf");
    if (!infinite && !tvn_str_is(word, "nan")) {
        return false;
    }
    out->kind = TVN_TOML_FLOAT;
    out->real = copysign(infinite ? (double)INFINITY : (double)NAN,
                         sign && text.ptr[0] == '-' ? -1.0 : 1.0);
    return true;
}

/* Moves behind all characters that can be part of a number, a date or a word. */
static void scan_bare(struct tvn_toml_parser *p)
{
    size_t start = p->pos;
    for (;;) {
        int c = toml_peek(p);
        bool part = toml_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    c == '_' || c == '+' || c == '-' || c == '.' || c == ':';
        /* "1979-05-27 07:32:00": one space may stand between date and time. */
        bool gap = c == ' ' && p->pos - start == 10 && p->text[start + 4] == '-' &&
                   p->text[start + 7] == '-' && p->len - p->pos > 3 &&
                   toml_is_digit(p->text[p->pos + 1]) && toml_is_digit(p->text[p->pos + 2]) &&
                   p->text[p->pos + 3] == ':';
        if (!part && !gap) {
            return;
        }
        p->pos++;
    }
}

bool toml_parse_bare_scalar(struct tvn_toml_parser *p, struct tvn_toml_value *out)
{
    size_t start = p->pos;
    scan_bare(p);
    if (p->pos == start) {
        return toml_expected(p, "a value");
    }
    struct tvn_str text = {p->text + start, p->pos - start};
    out->span = toml_span(p, start, p->pos);
    if (parse_word(text, out)) {
        return true;
    }
    bool digit = toml_is_digit(text.ptr[0]);
    if (digit && ((text.len > 4 && text.ptr[4] == '-') || (text.len > 2 && text.ptr[2] == ':'))) {
        return parse_datetime(p, start, out);
    }
    tvn_strbuf_reset(&p->scratch);
    if (text.len > 1 && text.ptr[0] == '0') {
        char letter = text.ptr[1];
        int base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
        if (base > 0) {
            return parse_prefixed(p, start, base, out);
        }
    }
    return parse_decimal(p, start, out);
}
