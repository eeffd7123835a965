/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/num.h"
#include "contracts/wit_parser_internal.h"

#include <stdarg.h>
#include <stdio.h>

#define SHOWN_BYTES_MAX 40 /* of a token in a message */

void tvn_wit_parser_advance(struct tvn_wit_parser *parser)
{
    if (tvn_wit_parser_is(parser, '{')) {
        parser->brace_depth++;
    } else if (tvn_wit_parser_is(parser, '}') && parser->brace_depth > 0) {
        parser->brace_depth--;
    }
    parser->token = tvn_wit_lexer_next(&parser->lexer);
}

bool tvn_wit_parser_is(const struct tvn_wit_parser *parser, char punctuation)
{
    return parser->token.kind == TVN_WIT_TOKEN_PUNCTUATION &&
           parser->token.punctuation == punctuation;
}

bool tvn_wit_parser_is_keyword(const struct tvn_wit_parser *parser, enum tvn_wit_keyword keyword)
{
    return parser->token.kind == TVN_WIT_TOKEN_NAME && parser->token.keyword == keyword;
}

bool tvn_wit_parser_eat(struct tvn_wit_parser *parser, char punctuation)
{
    if (!tvn_wit_parser_is(parser, punctuation)) {
        return false;
    }
    tvn_wit_parser_advance(parser);
    return true;
}

bool tvn_wit_parser_eat_keyword(struct tvn_wit_parser *parser, enum tvn_wit_keyword keyword)
{
    if (!tvn_wit_parser_is_keyword(parser, keyword)) {
        return false;
    }
    tvn_wit_parser_advance(parser);
    return true;
}

struct tvn_span tvn_wit_parser_span(const struct tvn_wit_parser *parser)
{
    return tvn_wit_lexer_span(&parser->lexer, &parser->token);
}

bool tvn_wit_parser_error(struct tvn_wit_parser *parser, struct tvn_span span, const char *format,
                          ...)
{
    char message[256];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    (void)tvn_diag_error(parser->sink, TVN_E_WIT_SYNTAX_ERROR, span, "%s", message);
    return false;
}

bool tvn_wit_parser_unexpected(struct tvn_wit_parser *parser, const char *what)
{
    if (parser->out_of_memory) {
        return false;
    }
    const struct tvn_wit_token *token = &parser->token;
    struct tvn_str text = tvn_wit_lexer_text(&parser->lexer, token);
    struct tvn_span span = tvn_wit_parser_span(parser);
    int shown = (int)tvn_min(text.len, (size_t)SHOWN_BYTES_MAX);
    switch (token->kind) {
    case TVN_WIT_TOKEN_END:
        if (parser->end_reported) {
            return false;
        }
        parser->end_reported = true;
        return tvn_wit_parser_error(parser, span, "expected %s, found the end of the file", what);
    case TVN_WIT_TOKEN_NAME:
        if (token->keyword != TVN_WIT_KEYWORD_NONE) {
            return tvn_wit_parser_error(parser, span, "expected %s, found keyword '%.*s'", what,
                                        shown, text.ptr);
        }
        break;
    case TVN_WIT_TOKEN_STRING:
        return tvn_wit_parser_error(parser, span, "expected %s, found a string", what);
    case TVN_WIT_TOKEN_ESCAPED_NAME:
    case TVN_WIT_TOKEN_INTEGER:
    case TVN_WIT_TOKEN_UNDERSCORE:
    case TVN_WIT_TOKEN_ARROW:
    case TVN_WIT_TOKEN_PUNCTUATION:
        break;
    }
    if (!token->valid &&
        (token->kind == TVN_WIT_TOKEN_NAME || token->kind == TVN_WIT_TOKEN_ESCAPED_NAME)) {
        return false; /* the lexer has said what is wrong with it */
    }
    return tvn_wit_parser_error(parser, span, "expected %s, found '%.*s'", what, shown, text.ptr);
}

bool tvn_wit_parser_expect(struct tvn_wit_parser *parser, char punctuation)
{
    if (tvn_wit_parser_eat(parser, punctuation)) {
        return true;
    }
    const char what[] = {'\'', punctuation, '\'', '\0'};
    return tvn_wit_parser_unexpected(parser, what);
}

bool tvn_wit_parser_expect_keyword(struct tvn_wit_parser *parser, enum tvn_wit_keyword keyword)
{
    if (tvn_wit_parser_eat_keyword(parser, keyword)) {
        return true;
    }
    char what[32];
    snprintf(what, sizeof(what), "'%s'", tvn_wit_keyword_text(keyword));
    return tvn_wit_parser_unexpected(parser, what);
}

bool tvn_wit_parser_expect_end(struct tvn_wit_parser *parser)
{
    if (tvn_wit_parser_eat(parser, ';')) {
        return true;
    }
    bool next_line =
        parser->token.line_starts > 0 && parser->token.kind != TVN_WIT_TOKEN_PUNCTUATION;
    (void)tvn_wit_parser_unexpected(parser, "';'");
    return next_line;
}

void *tvn_wit_parser_alloc(struct tvn_wit_parser *parser, size_t size_bytes)
{
    void *block = parser->out_of_memory ? NULL : tvn_arena_alloc(parser->arena, size_bytes);
    if (!block && !parser->out_of_memory) {
        parser->out_of_memory = true;
        (void)tvn_diag_error(parser->sink, TVN_E_OUT_OF_MEMORY, tvn_wit_parser_span(parser),
                             "no memory for the contents of this file");
    }
    return block;
}

const char *tvn_wit_parser_docs(struct tvn_wit_parser *parser)
{
    return tvn_wit_docs(parser->arena, tvn_str_slice(parser->lexer.text, parser->token.docs_offset,
                                                     parser->token.offset));
}

bool tvn_wit_parser_in_block(const struct tvn_wit_parser *parser, uint32_t brace_depth)
{
    return !parser->out_of_memory && parser->token.kind != TVN_WIT_TOKEN_END &&
           (parser->brace_depth != brace_depth || !tvn_wit_parser_is(parser, '}'));
}

/* Words that start an item at the top level and nothing inside a block: a '}' is missing before
 * them. */
static bool at_toplevel_item(const struct tvn_wit_parser *parser)
{
    return parser->token.line_starts > 0 &&
           (tvn_wit_parser_is_keyword(parser, TVN_WIT_KEYWORD_PACKAGE) ||
            tvn_wit_parser_is_keyword(parser, TVN_WIT_KEYWORD_WORLD));
}

void tvn_wit_parser_recover(struct tvn_wit_parser *parser, uint32_t brace_depth)
{
    while (tvn_wit_parser_in_block(parser, brace_depth)) {
        if (parser->brace_depth <= brace_depth && brace_depth > 0 && at_toplevel_item(parser)) {
            return;
        }
        bool ends = tvn_wit_parser_is(parser, ';') || tvn_wit_parser_is(parser, '}');
        tvn_wit_parser_advance(parser);
        if (ends && parser->brace_depth <= brace_depth) {
            (void)tvn_wit_parser_eat(parser, ';'); /* of "use a.{ … };" */
            return;
        }
    }
}

bool tvn_wit_parser_close(struct tvn_wit_parser *parser, struct tvn_span open)
{
    if (tvn_wit_parser_eat(parser, '}')) {
        return true;
    }
    size_t errors = tvn_diag_error_count(parser->sink);
    (void)tvn_wit_parser_unexpected(parser, "'}'");
    if (tvn_diag_error_count(parser->sink) > errors) {
        tvn_diag_related(parser->sink, open, "this '{' has no end");
    }
    return false;
}

/* Top level. */

static bool parse_use_decl(struct tvn_wit_parser *parser, struct tvn_ast_decl *decl)
{
    decl->kind = TVN_AST_DECL_USE;
    if (!tvn_wit_parse_path(parser, &decl->path)) {
        return false;
    }
    decl->name = decl->path.name;
    if (tvn_wit_parser_eat_keyword(parser, TVN_WIT_KEYWORD_AS) &&
        !tvn_wit_parse_name(parser, &decl->name)) {
        return false;
    }
    return tvn_wit_parser_expect_end(parser);
}

static bool refuse_external_id(struct tvn_wit_parser *parser,
                               const struct tvn_attributes *attributes, struct tvn_span span,
                               const char *where)
{
    if (attributes && attributes->external_id.ptr) {
        return tvn_wit_parser_error(parser, span, "@external-id is not allowed on %s", where);
    }
    return true;
}

static bool parse_decl(struct tvn_wit_parser *parser, struct tvn_ast_decl *decl)
{
    struct tvn_span external = {0};
    decl->docs = tvn_wit_parser_docs(parser);
    if (!tvn_wit_parse_attributes(parser, &decl->attributes, &external)) {
        return false;
    }
    if (tvn_wit_parser_eat_keyword(parser, TVN_WIT_KEYWORD_USE)) {
        return refuse_external_id(parser, decl->attributes, external, "use statements") &&
               parse_use_decl(parser, decl);
    }
    if (tvn_wit_parser_eat_keyword(parser, TVN_WIT_KEYWORD_INTERFACE)) {
        decl->kind = TVN_AST_DECL_INTERFACE;
        return refuse_external_id(parser, decl->attributes, external, "interface declarations") &&
               tvn_wit_parse_name(parser, &decl->name) &&
               tvn_wit_parse_interface_items(parser, &decl->items);
    }
    if (tvn_wit_parser_eat_keyword(parser, TVN_WIT_KEYWORD_WORLD)) {
        decl->kind = TVN_AST_DECL_WORLD;
        return refuse_external_id(parser, decl->attributes, external, "world declarations") &&
               tvn_wit_parse_name(parser, &decl->name) &&
               tvn_wit_parse_world_items(parser, &decl->items);
    }
    return tvn_wit_parser_unexpected(parser, "'world', 'interface' or 'use'");
}

/* Appends a declaration; one without a name is of no use to the resolver. */
static void add_decl(struct tvn_wit_parser *parser, struct tvn_ast_decl ***tail,
                     uint32_t brace_depth)
{
    struct tvn_ast_decl *decl = tvn_wit_parser_alloc(parser, sizeof(*decl));
    if (!decl) {
        return;
    }
    if (!parse_decl(parser, decl)) {
        if (at_toplevel_item(parser) && decl->name.text.len > 0) {
            parser->brace_depth = brace_depth; /* the declaration lacks its '}' */
        } else {
            tvn_wit_parser_recover(parser, brace_depth);
        }
    }
    if (decl->name.text.len > 0) {
        **tail = decl;
        *tail = &decl->next;
    }
}

/* `package a:b { … }`, from behind the name on. */
static bool parse_nested_items(struct tvn_wit_parser *parser, struct tvn_ast_package *package)
{
    struct tvn_span open = tvn_wit_parser_span(parser);
    if (!tvn_wit_parser_expect(parser, '{')) {
        return false;
    }
    uint32_t depth = parser->brace_depth;
    struct tvn_ast_decl **tail = &package->decls;
    while (tvn_wit_parser_in_block(parser, depth)) {
        if (tvn_wit_parser_is_keyword(parser, TVN_WIT_KEYWORD_PACKAGE)) {
            (void)tvn_wit_parser_error(parser, tvn_wit_parser_span(parser),
                                       "nested packages must be placed at the top level");
            tvn_wit_parser_advance(parser);
            tvn_wit_parser_recover(parser, depth);
            continue;
        }
        add_decl(parser, &tail, depth);
    }
    return tvn_wit_parser_close(parser, open);
}

/* Comments that were meant as documentation. */
static bool has_documentation(struct tvn_str comments)
{
    for (size_t i = 0; i + 3 <= comments.len; i++) {
        if (memcmp(comments.ptr + i, "///", 3) == 0 || memcmp(comments.ptr + i, "/**", 3) == 0) {
            return true;
        }
    }
    return false;
}

/* The file's header `package a:b;`, or the start of a nested package. */
static bool parse_package(struct tvn_wit_parser *parser, struct tvn_ast_file *file,
                          struct tvn_ast_package ***tail, bool first)
{
    struct tvn_ast_package head = {.docs = tvn_wit_parser_docs(parser)};
    uint32_t from = parser->token.docs_offset;
    head.documented = has_documentation(
        tvn_str_slice(parser->lexer.text, parser->token.docs_offset, parser->token.offset));
    head.docs_span = (struct tvn_span){parser->lexer.file, from, parser->token.offset - from};
    tvn_wit_parser_advance(parser);
    if (!tvn_wit_parse_package_name(parser, &head.id, &head.span)) {
        return false;
    }
    head.named = true;
    if (first && !tvn_wit_parser_is(parser, '{')) {
        file->root = head;
        return tvn_wit_parser_expect_end(parser);
    }
    if (!first && tvn_wit_parser_is(parser, ';')) {
        (void)tvn_wit_parser_unexpected(parser, "'{'");
        tvn_diag_help(parser->sink,
                      "a file has one package; write further ones as 'package ns:name { … }'");
        return false;
    }
    struct tvn_ast_package *nested = tvn_wit_parser_alloc(parser, sizeof(*nested));
    if (!nested) {
        return false;
    }
    *nested = head;
    **tail = nested;
    *tail = &nested->next;
    return parse_nested_items(parser, nested);
}

void tvn_wit_parse_file(struct tvn_wit_parser *parser, struct tvn_ast_file *file)
{
    tvn_assert(parser);
    tvn_assert(file);
    parser->token = tvn_wit_lexer_next(&parser->lexer);
    struct tvn_ast_package **nested = &file->nested;
    struct tvn_ast_decl *decls = NULL;
    struct tvn_ast_decl **tail = &decls;
    bool first = true;
    while (!parser->out_of_memory && parser->token.kind != TVN_WIT_TOKEN_END) {
        if (tvn_wit_parser_is_keyword(parser, TVN_WIT_KEYWORD_PACKAGE)) {
            if (!parse_package(parser, file, &nested, first)) {
                tvn_wit_parser_recover(parser, 0);
            }
        } else {
            parser->brace_depth = 0;
            uint32_t at = parser->token.offset;
            add_decl(parser, &tail, 0);
            if (parser->token.offset == at) {
                tvn_wit_parser_advance(parser); /* a stray '}' */
            }
        }
        first = false;
    }
    file->root.decls = decls;
}
