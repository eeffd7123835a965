/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Recursive descent over one file. Every tvn_wit_parse_… returns false after it has reported an
 * error; the loop over the items of a block then skips to the item's end (tvn_wit_parser_recover)
 * and goes on.
 *
 * Limits: types nest TVN_TYPE_DEPTH_MAX deep; nothing else recurses.
 */
#include "base/arena.h"
#include "contracts/wit_ast_internal.h"
#include "contracts/wit_lexer_internal.h"

struct tvn_wit_parser {
    struct tvn_arena *arena;
    struct tvn_diag_sink *sink;
    struct tvn_wit_lexer lexer;
    struct tvn_wit_token token; /* the next one, not taken yet */
    uint32_t brace_depth;       /* '{' taken and not closed */
    uint32_t type_depth;
    bool end_reported;  /* a missing end has been; once is enough */
    bool out_of_memory; /* reported; everything winds up */
};

/* Parses a whole file; what could be understood is in *file even when errors were reported. */
void tvn_wit_parse_file(struct tvn_wit_parser *parser, struct tvn_ast_file *file);

/* Tokens (wit_parser.c). */
void tvn_wit_parser_advance(struct tvn_wit_parser *parser);
bool tvn_wit_parser_is(const struct tvn_wit_parser *parser, char punctuation);
bool tvn_wit_parser_is_keyword(const struct tvn_wit_parser *parser, enum tvn_wit_keyword keyword);
/* Takes the token if it is the one named. */
bool tvn_wit_parser_eat(struct tvn_wit_parser *parser, char punctuation);
bool tvn_wit_parser_eat_keyword(struct tvn_wit_parser *parser, enum tvn_wit_keyword keyword);
/* Takes it or reports that it is missing. */
bool tvn_wit_parser_expect(struct tvn_wit_parser *parser, char punctuation);
bool tvn_wit_parser_expect_keyword(struct tvn_wit_parser *parser, enum tvn_wit_keyword keyword);
/* ';'. A line that ends without one is reported but ends the item all the same. */
bool tvn_wit_parser_expect_end(struct tvn_wit_parser *parser);
/* Reports "expected <what>, found <token>"; always false. */
bool tvn_wit_parser_unexpected(struct tvn_wit_parser *parser, const char *what);
bool tvn_wit_parser_error(struct tvn_wit_parser *parser, struct tvn_span span, const char *format,
                          ...) TVN_PRINTF(3, 4);
struct tvn_span tvn_wit_parser_span(const struct tvn_wit_parser *parser);
void *tvn_wit_parser_alloc(struct tvn_wit_parser *parser, size_t size_bytes);
const char *tvn_wit_parser_docs(struct tvn_wit_parser *parser);
void tvn_wit_parser_recover(struct tvn_wit_parser *parser, uint32_t brace_depth);
/* In a loop over a block that was opened at `brace_depth` - 1: is there another item? */
bool tvn_wit_parser_in_block(const struct tvn_wit_parser *parser, uint32_t brace_depth);
/* The '}' of a block whose '{' was at `open`. */
bool tvn_wit_parser_close(struct tvn_wit_parser *parser, struct tvn_span open);

/* Names, paths, versions, attributes (wit_parse_name.c). */
bool tvn_wit_parse_name(struct tvn_wit_parser *parser, struct tvn_ast_name *out_name);
bool tvn_wit_parse_package_name(struct tvn_wit_parser *parser, struct tvn_package_id *out_id,
                                struct tvn_span *out_span);
bool tvn_wit_parse_path(struct tvn_wit_parser *parser, struct tvn_ast_path *out_path);
/* The rest of a path whose first name has been taken. */
bool tvn_wit_parse_path_rest(struct tvn_wit_parser *parser, const struct tvn_ast_name *first,
                             struct tvn_ast_path *out_path);
/* "/name@version" behind "namespace:package". */
bool tvn_wit_parse_path_of_package(struct tvn_wit_parser *parser,
                                   const struct tvn_ast_name *namespace_name,
                                   const struct tvn_ast_name *package_name,
                                   struct tvn_ast_path *out_path);
bool tvn_wit_parse_renames(struct tvn_wit_parser *parser, bool as_required,
                           struct tvn_ast_rename **out_renames);
/* *out_attributes stays NULL when there are none. *out_external_span: the word of @external-id (for
 * messages). */
bool tvn_wit_parse_attributes(struct tvn_wit_parser *parser,
                              const struct tvn_attributes **out_attributes,
                              struct tvn_span *out_external_span);

/* Types and functions (wit_parse_type.c). */
bool tvn_wit_parse_type(struct tvn_wit_parser *parser, struct tvn_ast_type **out_type);
/* "a: u32, b: string" up to, not including, `close`. */
bool tvn_wit_parse_fields(struct tvn_wit_parser *parser, char close,
                          struct tvn_ast_field **out_fields, uint32_t *out_count);
/* From `async`, `func`, `get` or `set` on, without the ';'. */
bool tvn_wit_parse_func(struct tvn_wit_parser *parser, enum tvn_func_kind kind,
                        struct tvn_ast_func **out_func);
/* From '(' on, where `word` was get or set. */
bool tvn_wit_parse_accessor(struct tvn_wit_parser *parser, enum tvn_func_kind kind,
                            const struct tvn_ast_name *word, struct tvn_ast_func **out_func);
bool tvn_wit_parse_constructor(struct tvn_wit_parser *parser, struct tvn_ast_func **out_func);
bool tvn_wit_parser_at_func(const struct tvn_wit_parser *parser);

/* Items of interfaces and worlds (wit_parse_item.c): the block from '{' to '}'. */
bool tvn_wit_parse_interface_items(struct tvn_wit_parser *parser, struct tvn_ast_item **out_items);
bool tvn_wit_parse_world_items(struct tvn_wit_parser *parser, struct tvn_ast_item **out_items);
