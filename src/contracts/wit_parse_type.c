/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/num.h"
#include "contracts/wit_parser_internal.h"

#define FIELDS_MAX ((uint32_t)1 << 20)

/* The primitive type that a keyword names; false for the others. */
static bool primitive_of(enum tvn_wit_keyword keyword, enum tvn_type_kind *out_kind)
{
    static const struct {
        enum tvn_wit_keyword keyword;
        enum tvn_type_kind kind;
    } rows[] = {
        {TVN_WIT_KEYWORD_BOOL, TVN_TYPE_BOOL},     {TVN_WIT_KEYWORD_S8, TVN_TYPE_S8},
        {TVN_WIT_KEYWORD_U8, TVN_TYPE_U8},         {TVN_WIT_KEYWORD_S16, TVN_TYPE_S16},
        {TVN_WIT_KEYWORD_U16, TVN_TYPE_U16},       {TVN_WIT_KEYWORD_S32, TVN_TYPE_S32},
        {TVN_WIT_KEYWORD_U32, TVN_TYPE_U32},       {TVN_WIT_KEYWORD_S64, TVN_TYPE_S64},
        {TVN_WIT_KEYWORD_U64, TVN_TYPE_U64},       {TVN_WIT_KEYWORD_F32, TVN_TYPE_F32},
        {TVN_WIT_KEYWORD_F64, TVN_TYPE_F64},       {TVN_WIT_KEYWORD_CHAR, TVN_TYPE_CHAR},
        {TVN_WIT_KEYWORD_STRING, TVN_TYPE_STRING},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(rows); i++) {
        if (rows[i].keyword == keyword) {
            *out_kind = rows[i].kind;
            return true;
        }
    }
    return false;
}

/* A positive number behind the comma of list<t, n>. */
static bool parse_length(struct tvn_wit_parser *parser, uint32_t *out_length)
{
    struct tvn_str text = tvn_wit_lexer_text(&parser->lexer, &parser->token);
    uint64_t value = 0;
    if (parser->token.kind != TVN_WIT_TOKEN_INTEGER) {
        return tvn_wit_parser_unexpected(parser, "a length");
    }
    if (!tvn_parse_u64(text.ptr, text.len, &value) || value == 0 || value > UINT32_MAX) {
        return tvn_wit_parser_error(parser, tvn_wit_parser_span(parser),
                                    "a list's length is a number from 1 to %u", UINT32_MAX);
    }
    *out_length = (uint32_t)value;
    tvn_wit_parser_advance(parser);
    return true;
}

static bool parse_list(struct tvn_wit_parser *parser, struct tvn_ast_type *type)
{
    type->kind = TVN_AST_TYPE_LIST;
    if (!tvn_wit_parser_expect(parser, '<') || !tvn_wit_parse_type(parser, &type->first)) {
        return false;
    }
    if (tvn_wit_parser_eat(parser, ',') && !parse_length(parser, &type->length)) {
        return false;
    }
    return tvn_wit_parser_expect(parser, '>');
}

static bool parse_map(struct tvn_wit_parser *parser, struct tvn_ast_type *type)
{
    type->kind = TVN_AST_TYPE_MAP;
    if (!tvn_wit_parser_expect(parser, '<') || !tvn_wit_parse_type(parser, &type->first)) {
        return false;
    }
    const struct tvn_ast_type *key = type->first;
    bool allowed = key->kind == TVN_AST_TYPE_PRIMITIVE && key->primitive != TVN_TYPE_F32 &&
                   key->primitive != TVN_TYPE_F64;
    if (!allowed) {
        (void)tvn_wit_parser_error(parser, key->span, "invalid type of a map's key");
        tvn_diag_help(parser->sink, "keys are integers, bool, char or string");
        return false;
    }
    return tvn_wit_parser_expect(parser, ',') && tvn_wit_parse_type(parser, &type->second) &&
           tvn_wit_parser_expect(parser, '>');
}

static bool parse_tuple(struct tvn_wit_parser *parser, struct tvn_ast_type *type)
{
    type->kind = TVN_AST_TYPE_TUPLE;
    if (!tvn_wit_parser_expect(parser, '<')) {
        return false;
    }
    struct tvn_ast_type **tail = &type->first;
    while (!tvn_wit_parser_is(parser, '>')) {
        if (!tvn_wit_parse_type(parser, tail)) {
            return false;
        }
        tail = &(*tail)->next;
        type->count++;
        if (!tvn_wit_parser_eat(parser, ',')) {
            break;
        }
    }
    if (type->count == 0) {
        return tvn_wit_parser_error(parser, type->span, "a tuple needs at least one element");
    }
    return tvn_wit_parser_expect(parser, '>');
}

static bool parse_result(struct tvn_wit_parser *parser, struct tvn_ast_type *type)
{
    type->kind = TVN_AST_TYPE_RESULT;
    if (!tvn_wit_parser_eat(parser, '<')) {
        return true;
    }
    if (parser->token.kind == TVN_WIT_TOKEN_UNDERSCORE) {
        tvn_wit_parser_advance(parser);
        if (!tvn_wit_parser_expect(parser, ',') || !tvn_wit_parse_type(parser, &type->second)) {
            return false;
        }
    } else {
        if (!tvn_wit_parse_type(parser, &type->first)) {
            return false;
        }
        if (tvn_wit_parser_eat(parser, ',') && !tvn_wit_parse_type(parser, &type->second)) {
            return false;
        }
    }
    return tvn_wit_parser_expect(parser, '>');
}

/* option<t>; stream and future may stand without. */
static bool parse_element(struct tvn_wit_parser *parser, struct tvn_ast_type *type,
                          enum tvn_ast_type_kind kind)
{
    type->kind = kind;
    if (kind != TVN_AST_TYPE_OPTION && !tvn_wit_parser_is(parser, '<')) {
        return true;
    }
    return tvn_wit_parser_expect(parser, '<') && tvn_wit_parse_type(parser, &type->first) &&
           tvn_wit_parser_expect(parser, '>');
}

static bool parse_handle(struct tvn_wit_parser *parser, struct tvn_ast_type *type,
                         enum tvn_ast_type_kind kind)
{
    type->kind = kind;
    return tvn_wit_parser_expect(parser, '<') && tvn_wit_parse_name(parser, &type->name) &&
           tvn_wit_parser_expect(parser, '>');
}

/* A type that starts with a keyword, which has been taken. */
static bool parse_keyword_type(struct tvn_wit_parser *parser, enum tvn_wit_keyword keyword,
                               struct tvn_ast_type *type)
{
    if (primitive_of(keyword, &type->primitive)) {
        type->kind = TVN_AST_TYPE_PRIMITIVE;
        return true;
    }
    switch ((int)keyword) {
    case TVN_WIT_KEYWORD_LIST:
        return parse_list(parser, type);
    case TVN_WIT_KEYWORD_MAP:
        return parse_map(parser, type);
    case TVN_WIT_KEYWORD_TUPLE:
        return parse_tuple(parser, type);
    case TVN_WIT_KEYWORD_RESULT:
        return parse_result(parser, type);
    case TVN_WIT_KEYWORD_OPTION:
        return parse_element(parser, type, TVN_AST_TYPE_OPTION);
    case TVN_WIT_KEYWORD_STREAM:
        return parse_element(parser, type, TVN_AST_TYPE_STREAM);
    case TVN_WIT_KEYWORD_FUTURE:
        return parse_element(parser, type, TVN_AST_TYPE_FUTURE);
    case TVN_WIT_KEYWORD_ERROR_CONTEXT:
        type->kind = TVN_AST_TYPE_ERROR_CONTEXT;
        return true;
    case TVN_WIT_KEYWORD_OWN:
        return parse_handle(parser, type, TVN_AST_TYPE_OWN);
    case TVN_WIT_KEYWORD_BORROW:
        return parse_handle(parser, type, TVN_AST_TYPE_BORROW);
    default:
        tvn_unreachable(); /* starts_type let nothing else through */
    }
}

static bool starts_type(enum tvn_wit_keyword keyword)
{
    static const enum tvn_wit_keyword words[] = {
        TVN_WIT_KEYWORD_LIST,   TVN_WIT_KEYWORD_MAP,           TVN_WIT_KEYWORD_TUPLE,
        TVN_WIT_KEYWORD_RESULT, TVN_WIT_KEYWORD_OPTION,        TVN_WIT_KEYWORD_STREAM,
        TVN_WIT_KEYWORD_FUTURE, TVN_WIT_KEYWORD_ERROR_CONTEXT, TVN_WIT_KEYWORD_OWN,
        TVN_WIT_KEYWORD_BORROW,
    };
    enum tvn_type_kind primitive;
    for (size_t i = 0; i < TVN_ARRAY_LEN(words); i++) {
        if (words[i] == keyword) {
            return true;
        }
    }
    return primitive_of(keyword, &primitive);
}

static bool parse_type_body(struct tvn_wit_parser *parser, struct tvn_ast_type *type)
{
    if (parser->type_depth > TVN_TYPE_DEPTH_MAX) {
        return tvn_wit_parser_error(parser, type->span, "types are nested more than %d deep",
                                    TVN_TYPE_DEPTH_MAX);
    }
    bool plain =
        parser->token.kind == TVN_WIT_TOKEN_NAME && parser->token.keyword == TVN_WIT_KEYWORD_NONE;
    if (parser->token.valid && (plain || parser->token.kind == TVN_WIT_TOKEN_ESCAPED_NAME)) {
        type->kind = TVN_AST_TYPE_NAME;
        return tvn_wit_parse_name(parser, &type->name);
    }
    enum tvn_wit_keyword keyword = parser->token.keyword;
    if (parser->token.kind != TVN_WIT_TOKEN_NAME || !starts_type(keyword)) {
        return tvn_wit_parser_unexpected(parser, "a type");
    }
    tvn_wit_parser_advance(parser);
    return parse_keyword_type(parser, keyword, type);
}

bool tvn_wit_parse_type(struct tvn_wit_parser *parser, struct tvn_ast_type **out_type)
{
    struct tvn_ast_type *type = tvn_wit_parser_alloc(parser, sizeof(*type));
    if (!type) {
        return false;
    }
    type->span = tvn_wit_parser_span(parser);
    parser->type_depth++;
    bool parsed = parse_type_body(parser, type);
    parser->type_depth--;
    if (parsed) {
        *out_type = type;
    }
    return parsed;
}

bool tvn_wit_parse_fields(struct tvn_wit_parser *parser, char close,
                          struct tvn_ast_field **out_fields, uint32_t *out_count)
{
    struct tvn_ast_field **tail = out_fields;
    *out_count = 0;
    while (!tvn_wit_parser_is(parser, close)) {
        struct tvn_ast_field *field = tvn_wit_parser_alloc(parser, sizeof(*field));
        if (!field) {
            return false;
        }
        field->docs = tvn_wit_parser_docs(parser);
        if (!tvn_wit_parse_name(parser, &field->name) || !tvn_wit_parser_expect(parser, ':') ||
            !tvn_wit_parse_type(parser, &field->type)) {
            return false;
        }
        *tail = field;
        tail = &field->next;
        if (++*out_count > FIELDS_MAX) {
            return tvn_wit_parser_error(parser, field->name.span, "more than %u fields",
                                        FIELDS_MAX);
        }
        if (!tvn_wit_parser_eat(parser, ',')) {
            break;
        }
    }
    return true;
}

bool tvn_wit_parser_at_func(const struct tvn_wit_parser *parser)
{
    return tvn_wit_parser_is_keyword(parser, TVN_WIT_KEYWORD_FUNC) ||
           tvn_wit_parser_is_keyword(parser, TVN_WIT_KEYWORD_ASYNC);
}

static bool check_accessor(struct tvn_wit_parser *parser, const struct tvn_ast_func *func,
                           struct tvn_span word)
{
    if (func->accessor == TVN_FUNC_GETTER) {
        if (func->param_count > 0) {
            return tvn_wit_parser_error(parser, func->params->name.span,
                                        "a getter takes no parameters");
        }
        return func->result ? true : tvn_wit_parser_error(parser, word, "a getter returns a value");
    }
    if (func->accessor == TVN_FUNC_SETTER) {
        if (func->param_count != 1) {
            struct tvn_span at = func->param_count > 1 ? func->params->next->name.span : word;
            return tvn_wit_parser_error(parser, at, "a setter takes exactly one parameter");
        }
        if (func->result && (func->result->kind != TVN_AST_TYPE_RESULT || func->result->first)) {
            return tvn_wit_parser_error(parser, func->result->span,
                                        "a setter returns nothing or 'result<_, error>'");
        }
    }
    return true;
}

/* "(a: u32) -> t" */
static bool parse_signature(struct tvn_wit_parser *parser, struct tvn_ast_func *func)
{
    if (!tvn_wit_parser_expect(parser, '(') ||
        !tvn_wit_parse_fields(parser, ')', &func->params, &func->param_count) ||
        !tvn_wit_parser_expect(parser, ')')) {
        return false;
    }
    if (parser->token.kind == TVN_WIT_TOKEN_ARROW) {
        tvn_wit_parser_advance(parser);
        return tvn_wit_parse_type(parser, &func->result);
    }
    return true;
}

bool tvn_wit_parse_accessor(struct tvn_wit_parser *parser, enum tvn_func_kind kind,
                            const struct tvn_ast_name *word, struct tvn_ast_func **out_func)
{
    struct tvn_ast_func *func = tvn_wit_parser_alloc(parser, sizeof(*func));
    if (!func) {
        return false;
    }
    func->kind = kind;
    func->accessor = tvn_str_is(word->text, "get") ? TVN_FUNC_GETTER : TVN_FUNC_SETTER;
    *out_func = func;
    return parse_signature(parser, func) && check_accessor(parser, func, word->span);
}

bool tvn_wit_parse_func(struct tvn_wit_parser *parser, enum tvn_func_kind kind,
                        struct tvn_ast_func **out_func)
{
    struct tvn_ast_name word = {.text = tvn_wit_lexer_text(&parser->lexer, &parser->token),
                                .span = tvn_wit_parser_span(parser)};
    if (tvn_str_is(word.text, "get") || tvn_str_is(word.text, "set")) {
        tvn_wit_parser_advance(parser);
        return tvn_wit_parse_accessor(parser, kind, &word, out_func);
    }
    struct tvn_ast_func *func = tvn_wit_parser_alloc(parser, sizeof(*func));
    if (!func) {
        return false;
    }
    func->kind = kind;
    func->is_async = tvn_wit_parser_eat_keyword(parser, TVN_WIT_KEYWORD_ASYNC);
    *out_func = func;
    return tvn_wit_parser_expect_keyword(parser, TVN_WIT_KEYWORD_FUNC) &&
           parse_signature(parser, func);
}

bool tvn_wit_parse_constructor(struct tvn_wit_parser *parser, struct tvn_ast_func **out_func)
{
    struct tvn_ast_func *func = tvn_wit_parser_alloc(parser, sizeof(*func));
    if (!func) {
        return false;
    }
    func->kind = TVN_FUNC_CONSTRUCTOR;
    *out_func = func;
    if (!parse_signature(parser, func)) {
        return false;
    }
    if (func->result && func->result->kind != TVN_AST_TYPE_RESULT) {
        return tvn_wit_parser_error(parser, func->result->span,
                                    "a constructor returns nothing or a 'result' of its resource");
    }
    return true;
}
