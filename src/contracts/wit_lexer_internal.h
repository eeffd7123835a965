/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * WIT text as tokens. Characters that may not stand in WIT (controls, bidirectional overrides,
 * deprecated ones, bytes that are not UTF-8) are reported once, when the lexer starts; later they
 * count as white space.
 */
#include "base/diag.h"
#include "contracts/wit_name_internal.h"

enum tvn_wit_token_kind {
    TVN_WIT_TOKEN_END,
    TVN_WIT_TOKEN_NAME,         /* a keyword too */
    TVN_WIT_TOKEN_ESCAPED_NAME, /* %name */
    TVN_WIT_TOKEN_INTEGER,
    TVN_WIT_TOKEN_STRING,
    TVN_WIT_TOKEN_UNDERSCORE,
    TVN_WIT_TOKEN_ARROW,
    TVN_WIT_TOKEN_PUNCTUATION, /* the character is `punctuation` */
};

struct tvn_wit_token {
    enum tvn_wit_token_kind kind;
    enum tvn_wit_keyword keyword; /* NAME */
    char punctuation;
    bool valid; /* NAME, ESCAPED_NAME: a label; otherwise it has been reported */
    uint32_t offset;
    uint32_t length;
    uint32_t docs_offset; /* the first comment before the token, or `offset` */
    uint32_t line_starts; /* line ends since the previous token */
};

struct tvn_wit_lexer {
    struct tvn_str text;
    uint32_t at;
    uint32_t file;
    bool bad_characters; /* reported at the start */
    struct tvn_diag_sink *sink;
};

/* Text of at most TVN_WIT_FILE_MAX bytes. False: nothing but the first bytes could be read
 * (reported). */
bool tvn_wit_lexer_init(struct tvn_wit_lexer *lexer, struct tvn_str text, uint32_t file,
                        struct tvn_diag_sink *sink);
/* At the end of the text it gives END for ever. */
struct tvn_wit_token tvn_wit_lexer_next(struct tvn_wit_lexer *lexer);
/* "1.2.3-pre+build" where the lexer stands: everything up to a character that no version contains.
 */
struct tvn_wit_token tvn_wit_lexer_version(struct tvn_wit_lexer *lexer);

static inline struct tvn_str tvn_wit_lexer_text(const struct tvn_wit_lexer *lexer,
                                                const struct tvn_wit_token *token)
{
    return tvn_str_slice(lexer->text, token->offset, (size_t)token->offset + token->length);
}
static inline struct tvn_span tvn_wit_lexer_span(const struct tvn_wit_lexer *lexer,
                                                 const struct tvn_wit_token *token)
{
    return (struct tvn_span){lexer->file, token->offset, token->length};
}

/* The documentation in the comments of `text`, one line after the other; NULL when there is none
 * (or no memory). */
struct tvn_arena;
const char *tvn_wit_docs(struct tvn_arena *arena, struct tvn_str text);
/* Decodes a STRING token with its quotes. False after reporting. */
bool tvn_wit_lexer_string(struct tvn_wit_lexer *lexer, const struct tvn_wit_token *token,
                          struct tvn_strbuf *out);
