/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/num.h"
#include "base/utf8.h"
#include "contracts/wit_lexer_internal.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
/* Bytes of other alphabets are taken into the name, so that the message is about the whole of it.
 */
static bool is_name_byte(char c)
{
    return is_letter(c) || is_digit(c) || c == '-' || c == '_' || (unsigned char)c >= 0x80;
}

static struct tvn_span span_of(const struct tvn_wit_lexer *lexer, size_t from, size_t to)
{
    return (struct tvn_span){lexer->file, (uint32_t)from, (uint32_t)(to - from)};
}

/* Why a character may not stand anywhere in WIT, or NULL. */
static const char *forbidden(uint32_t c)
{
    if (c == '\n' || c == '\r' || c == '\t') {
        return NULL;
    }
    if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
        return "control character";
    }
    if ((c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069)) {
        return "bidirectional override";
    }
    static const uint16_t deprecated[] = {0x149,  0x673,  0xf77,  0xf79,
                                          0x17a3, 0x17a4, 0x17b4, 0x17b5};
    for (size_t i = 0; i < TVN_ARRAY_LEN(deprecated); i++) {
        if (c == deprecated[i]) {
            return "deprecated character";
        }
    }
    return NULL;
}

static void report_forbidden(struct tvn_wit_lexer *lexer)
{
    const char *text = lexer->text.ptr;
    for (size_t at = 0; at < lexer->text.len;) {
        if (text[at] >= 0x20 && text[at] < 0x7f) {
            at++;
            continue;
        }
        uint32_t c;
        size_t size = tvn_utf8_decode(text + at, lexer->text.len - at, &c);
        const char *why = forbidden(c);
        if (why) {
            lexer->bad_characters = true;
            (void)tvn_diag_error(lexer->sink, TVN_E_WIT_SYNTAX_ERROR, span_of(lexer, at, at + size),
                                 "%s U+%04X is not allowed in WIT", why, c);
            tvn_diag_help(
                lexer->sink,
                "remove it, also from comments: it can make text look different from what it is");
        }
        at += size;
    }
}

bool tvn_wit_lexer_init(struct tvn_wit_lexer *lexer, struct tvn_str text, uint32_t file,
                        struct tvn_diag_sink *sink)
{
    tvn_assert(lexer);
    tvn_assert(sink);
    tvn_assert(text.len < UINT32_MAX);
    *lexer = (struct tvn_wit_lexer){.text = text, .file = file, .sink = sink};
    size_t valid = tvn_utf8_valid_prefix(text.ptr, text.len);
    if (valid < text.len) {
        (void)tvn_diag_error(sink, TVN_E_WIT_SYNTAX_ERROR, span_of(lexer, valid, valid + 1),
                             "the file is not valid UTF-8");
        tvn_diag_help(sink, "save the file as UTF-8");
        return false;
    }
    if (tvn_str_starts_with(text, TVN_STR("\xef\xbb\xbf"))) {
        lexer->at = 3; /* byte order mark */
    }
    report_forbidden(lexer);
    return true;
}

static bool at_text(const struct tvn_wit_lexer *lexer, const char *text)
{
    size_t length = strlen(text);
    return lexer->text.len - lexer->at >= length &&
           memcmp(lexer->text.ptr + lexer->at, text, length) == 0;
}

static bool at_newline(const struct tvn_wit_lexer *lexer)
{
    return lexer->text.ptr[lexer->at] == '\n';
}

static void skip_line_comment(struct tvn_wit_lexer *lexer)
{
    while (lexer->at < lexer->text.len && !at_newline(lexer)) {
        lexer->at++;
    }
}

/* Block comments nest. Returns the line ends in it. */
static uint32_t skip_block_comment(struct tvn_wit_lexer *lexer)
{
    size_t start = lexer->at;
    uint32_t lines = 0;
    size_t depth = 0;
    while (lexer->at < lexer->text.len) {
        if (at_text(lexer, "/*")) {
            depth++;
            lexer->at += 2;
        } else if (at_text(lexer, "*/")) {
            depth--;
            lexer->at += 2;
            if (depth == 0) {
                return lines;
            }
        } else {
            lines += at_newline(lexer);
            lexer->at++;
        }
    }
    (void)tvn_diag_error(lexer->sink, TVN_E_WIT_SYNTAX_ERROR, span_of(lexer, start, start + 2),
                         "block comment has no end");
    tvn_diag_help(lexer->sink, "add '*/'; block comments nest, so each '/*' needs its own");
    return lines;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || (unsigned char)c < 0x20 || c == 0x7f;
}

/* Skips white space and comments; fills in where documentation starts and how many lines ended. */
static void skip_blank(struct tvn_wit_lexer *lexer, struct tvn_wit_token *token)
{
    bool has_docs = false;
    while (lexer->at < lexer->text.len) {
        char c = lexer->text.ptr[lexer->at];
        if (is_space(c)) {
            token->line_starts += c == '\n';
            lexer->at++;
            continue;
        }
        bool line = at_text(lexer, "//");
        if (!line && !at_text(lexer, "/*")) {
            break;
        }
        if (!has_docs) {
            has_docs = true;
            token->docs_offset = lexer->at;
        }
        if (line) {
            skip_line_comment(lexer);
        } else {
            token->line_starts += skip_block_comment(lexer);
        }
    }
    token->offset = lexer->at;
    if (!has_docs) {
        token->docs_offset = lexer->at;
    }
}

static void report_bad_name(struct tvn_wit_lexer *lexer, struct tvn_str name, uint32_t offset,
                            size_t bad)
{
    bool foreign = false;
    for (size_t i = 0; i < name.len; i++) {
        foreign |= (unsigned char)name.ptr[i] >= 0x80;
    }
    if (foreign && lexer->bad_characters) {
        return; /* one of the characters reported at the start may be in it */
    }
    size_t size = 0;
    if (bad < name.len) {
        uint32_t c;
        size = tvn_utf8_decode(name.ptr + bad, name.len - bad, &c);
    }
    (void)tvn_diag_error(lexer->sink, TVN_E_WIT_SYNTAX_ERROR,
                         span_of(lexer, offset + bad, offset + bad + size), "invalid name");
    tvn_diag_help(
        lexer->sink,
        "names are words joined by '-', each of a-z and 0-9 or of A-Z and 0-9, and start with a "
        "letter");
}

static void lex_name(struct tvn_wit_lexer *lexer, struct tvn_wit_token *token)
{
    uint32_t start = lexer->at;
    while (lexer->at < lexer->text.len && is_name_byte(lexer->text.ptr[lexer->at])) {
        lexer->at++;
    }
    struct tvn_str name = tvn_str_slice(lexer->text, start, lexer->at);
    if (token->kind == TVN_WIT_TOKEN_NAME && tvn_str_is(name, "_")) {
        token->kind = TVN_WIT_TOKEN_UNDERSCORE;
        return;
    }
    size_t bad;
    token->valid = tvn_wit_label_valid(name, &bad);
    if (!token->valid) {
        report_bad_name(lexer, name, start, bad);
    } else if (token->kind == TVN_WIT_TOKEN_NAME) {
        token->keyword = tvn_wit_keyword_find(name);
    }
}

static void lex_string(struct tvn_wit_lexer *lexer)
{
    uint32_t start = lexer->at++;
    while (lexer->at < lexer->text.len && !at_newline(lexer)) {
        char c = lexer->text.ptr[lexer->at++];
        if (c == '"') {
            return;
        }
        if (c == '\\' && lexer->at < lexer->text.len && !at_newline(lexer)) {
            lexer->at++;
        }
    }
    (void)tvn_diag_error(lexer->sink, TVN_E_WIT_SYNTAX_ERROR, span_of(lexer, start, start + 1),
                         "string has no end");
    tvn_diag_help(lexer->sink, "add '\"' on the same line");
}

static void lex_other(struct tvn_wit_lexer *lexer, struct tvn_wit_token *token)
{
    char c = lexer->text.ptr[lexer->at];
    if (is_digit(c)) {
        token->kind = TVN_WIT_TOKEN_INTEGER;
        while (lexer->at < lexer->text.len && is_digit(lexer->text.ptr[lexer->at])) {
            lexer->at++;
        }
    } else if (c == '"') {
        token->kind = TVN_WIT_TOKEN_STRING;
        lex_string(lexer);
    } else if (at_text(lexer, "->")) {
        token->kind = TVN_WIT_TOKEN_ARROW;
        lexer->at += 2;
    } else {
        token->kind = TVN_WIT_TOKEN_PUNCTUATION;
        token->punctuation = c;
        lexer->at++;
    }
}

struct tvn_wit_token tvn_wit_lexer_next(struct tvn_wit_lexer *lexer)
{
    tvn_assert(lexer);
    struct tvn_wit_token token = {.kind = TVN_WIT_TOKEN_END};
    skip_blank(lexer, &token);
    if (lexer->at < lexer->text.len) {
        char c = lexer->text.ptr[lexer->at];
        if (c == '%') {
            token.kind = TVN_WIT_TOKEN_ESCAPED_NAME;
            lexer->at++;
            lex_name(lexer, &token);
        } else if (is_letter(c) || c == '_' || (unsigned char)c >= 0x80) {
            token.kind = TVN_WIT_TOKEN_NAME;
            lex_name(lexer, &token);
        } else {
            lex_other(lexer, &token);
        }
    }
    token.length = lexer->at - token.offset;
    return token;
}

struct tvn_wit_token tvn_wit_lexer_version(struct tvn_wit_lexer *lexer)
{
    tvn_assert(lexer);
    struct tvn_wit_token token = {.kind = TVN_WIT_TOKEN_INTEGER};
    skip_blank(lexer, &token);
    while (lexer->at < lexer->text.len) {
        const char *c = lexer->text.ptr + lexer->at;
        bool more = lexer->at + 1 < lexer->text.len;
        bool word = is_letter(*c) || is_digit(*c) || *c == '-' || *c == '+';
        /* "1.0.0.{a}": the dot before the brace is not the version's. */
        bool dot = *c == '.' && more && (is_letter(c[1]) || is_digit(c[1]) || c[1] == '-');
        if (!word && !dot) {
            break;
        }
        lexer->at++;
    }
    token.length = lexer->at - token.offset;
    return token;
}
