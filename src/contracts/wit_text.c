/* SPDX-License-Identifier: Apache-2.0 */
/* What stands inside tokens: documentation comments and string literals. */
#include "base/arena.h"
#include "base/assert.h"
#include "base/utf8.h"
#include "contracts/wit_lexer_internal.h"

static struct tvn_str trim_end(struct tvn_str line)
{
    while (line.len > 0 && strchr(" \t\r\n", line.ptr[line.len - 1])) {
        line.len--;
    }
    return line;
}

/* Takes one line off the front. */
static struct tvn_str take_line(struct tvn_str *text)
{
    size_t end = tvn_str_find(*text, '\n');
    struct tvn_str line = tvn_str_slice(*text, 0, end == SIZE_MAX ? text->len : end);
    *text = tvn_str_slice(*text, end == SIZE_MAX ? text->len : end + 1, text->len);
    return line;
}

static void add_line(struct tvn_strbuf *docs, struct tvn_str line)
{
    tvn_strbuf_add_str(docs, trim_end(line));
    tvn_strbuf_add_char(docs, '\n');
}

/* Lines of a block comment, without the stars that people put in front of each. */
static void add_block(struct tvn_strbuf *docs, struct tvn_str body)
{
    body = tvn_str_trim(body);
    while (body.len > 0) {
        struct tvn_str line = tvn_str_trim(take_line(&body));
        if (line.len > 0 && line.ptr[0] == '*') {
            line = tvn_str_slice(line, line.len > 1 && line.ptr[1] == ' ' ? 2 : 1, line.len);
        }
        add_line(docs, line);
    }
}

static void add_lines(struct tvn_strbuf *docs, struct tvn_str text)
{
    while (text.len > 0) {
        add_line(docs, take_line(&text));
    }
}

/* Length of the nested block comment at the start of `text`. */
static size_t block_length(struct tvn_str text)
{
    size_t depth = 0;
    for (size_t at = 0; at + 1 < text.len; at++) {
        bool opens = text.ptr[at] == '/' && text.ptr[at + 1] == '*';
        bool closes = text.ptr[at] == '*' && text.ptr[at + 1] == '/';
        if (opens || closes) {
            depth += opens ? 1 : SIZE_MAX; /* never below 1 before the end */
            at++;
            if (depth == 0) {
                return at + 1;
            }
        }
    }
    return text.len;
}

/* Every comment in front of an item documents it, as in the reference implementation. */
static void add_comments(struct tvn_strbuf *docs, struct tvn_str text)
{
    while (text.len > 0) {
        if (tvn_str_starts_with(text, TVN_STR("/*"))) {
            size_t length = block_length(text);
            if (length > 5 && text.ptr[2] == '*') {
                add_block(docs, tvn_str_slice(text, 3, length - 2));
            } else if (length > 4 && text.ptr[2] != '*') {
                add_lines(docs, tvn_str_slice(text, 1, length));
            }
            text = tvn_str_slice(text, length, text.len);
        } else if (tvn_str_starts_with(text, TVN_STR("//"))) {
            struct tvn_str line = take_line(&text);
            while (line.len > 0 && line.ptr[0] == '/') {
                line = tvn_str_slice(line, 1, line.len);
            }
            add_line(docs, line);
        } else {
            text = tvn_str_slice(text, 1, text.len);
        }
    }
}

/* Spaces that every line which is not empty starts with. */
static size_t common_indent(struct tvn_str lines)
{
    size_t indent = SIZE_MAX;
    while (lines.len > 0) {
        struct tvn_str line = take_line(&lines);
        size_t spaces = 0;
        while (spaces < line.len && line.ptr[spaces] == ' ') {
            spaces++;
        }
        if (line.len > 0 && spaces < indent) {
            indent = spaces;
        }
    }
    return indent;
}

const char *tvn_wit_docs(struct tvn_arena *arena, struct tvn_str text)
{
    tvn_assert(arena);
    if (text.len == 0) {
        return NULL;
    }
    TVN_AUTO_VALUE(tvn_strbuf) comments = {0};
    TVN_AUTO_VALUE(tvn_strbuf) docs = {0};
    add_comments(&comments, text);
    struct tvn_str lines = tvn_strbuf_view(&comments);
    size_t indent = common_indent(lines);
    while (lines.len > 0) {
        struct tvn_str line = take_line(&lines);
        add_line(&docs, tvn_str_slice(line, line.len < indent ? line.len : indent, line.len));
    }
    lines = trim_end(tvn_strbuf_view(&docs));
    return lines.len == 0 ? NULL : tvn_arena_strndup(arena, lines.ptr, lines.len);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "{1f600}" behind "\u"; digits may be grouped by '_'. Returns its length, 0 when it is wrong. */
static size_t decode_code_point(struct tvn_str text, struct tvn_strbuf *out)
{
    if (text.len == 0 || text.ptr[0] != '{') {
        return 0;
    }
    uint32_t value = 0;
    size_t at = 1;
    bool digit = false;
    for (; at < text.len && text.ptr[at] != '}'; at++) {
        if (text.ptr[at] == '_' && digit) {
            digit = false;
            continue;
        }
        int nibble = hex_value(text.ptr[at]);
        if (nibble < 0 || value > 0x10ffff) {
            return 0;
        }
        value = value * 16 + (uint32_t)nibble;
        digit = true;
    }
    if (at == text.len || !digit || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) {
        return 0;
    }
    char bytes[4];
    tvn_strbuf_add(out, bytes, tvn_utf8_encode(value, bytes));
    return at + 1;
}

/* What follows a backslash. Returns its length, 0 when there is no such escape. */
static size_t decode_escape(struct tvn_str text, struct tvn_strbuf *out)
{
    static const char plain[] = "\"'\\tnr";
    static const char meant[] = "\"'\\\t\n\r";
    if (text.len == 0) {
        return 0;
    }
    const char *found = memchr(plain, text.ptr[0], sizeof(plain) - 1);
    if (found) {
        tvn_strbuf_add_char(out, meant[found - plain]);
        return 1;
    }
    if (text.ptr[0] == 'u') {
        size_t length = decode_code_point(tvn_str_slice(text, 1, text.len), out);
        return length == 0 ? 0 : length + 1;
    }
    if (text.len >= 2 && hex_value(text.ptr[0]) >= 0 && hex_value(text.ptr[1]) >= 0) {
        tvn_strbuf_add_char(out, (char)(hex_value(text.ptr[0]) * 16 + hex_value(text.ptr[1])));
        return 2;
    }
    return 0;
}

bool tvn_wit_lexer_string(struct tvn_wit_lexer *lexer, const struct tvn_wit_token *token,
                          struct tvn_strbuf *out)
{
    tvn_assert(lexer);
    tvn_assert(token);
    tvn_assert(out);
    struct tvn_str text = tvn_wit_lexer_text(lexer, token);
    if (text.len < 2 || text.ptr[text.len - 1] != '"') {
        return false; /* reported when it was read */
    }
    text = tvn_str_slice(text, 1, text.len - 1);
    for (size_t at = 0; at < text.len;) {
        if (text.ptr[at] != '\\') {
            tvn_strbuf_add_char(out, text.ptr[at++]);
            continue;
        }
        size_t length = decode_escape(tvn_str_slice(text, at + 1, text.len), out);
        if (length == 0) {
            struct tvn_span span = {lexer->file, token->offset + 1 + (uint32_t)at, 2};
            (void)tvn_diag_error(lexer->sink, TVN_E_WIT_SYNTAX_ERROR, span,
                                 "invalid escape in string");
            return false;
        }
        at += 1 + length;
    }
    struct tvn_str value = tvn_strbuf_view(out);
    if (!tvn_utf8_valid(value.ptr, value.len)) {
        (void)tvn_diag_error(lexer->sink, TVN_E_WIT_SYNTAX_ERROR, tvn_wit_lexer_span(lexer, token),
                             "string is not valid UTF-8");
        return false;
    }
    return true;
}
