/* SPDX-License-Identifier: Apache-2.0 */
#include "contracts/wit_parser_internal.h"

typedef bool (*parse_item_fn)(struct tvn_wit_parser *parser, struct tvn_ast_item *item);

/* The items of a block. Goes on behind those that cannot be understood. */
static bool parse_block(struct tvn_wit_parser *parser, parse_item_fn parse_item,
                        struct tvn_ast_item **out_items)
{
    struct tvn_span open = tvn_wit_parser_span(parser);
    if (!tvn_wit_parser_expect(parser, '{')) {
        return false;
    }
    uint32_t depth = parser->brace_depth;
    struct tvn_ast_item **tail = out_items;
    while (tvn_wit_parser_in_block(parser, depth)) {
        struct tvn_ast_item *item = tvn_wit_parser_alloc(parser, sizeof(*item));
        if (!item) {
            return false;
        }
        item->docs = tvn_wit_parser_docs(parser);
        uint32_t at = parser->token.offset;
        if (parse_item(parser, item)) {
            *tail = item;
            tail = &item->next;
            continue;
        }
        tvn_wit_parser_recover(parser, depth);
        if (parser->token.offset == at) {
            return false; /* what follows belongs to the top level: the '}' is missing (reported) */
        }
    }
    return tvn_wit_parser_close(parser, open);
}

static bool parse_use(struct tvn_wit_parser *parser, struct tvn_ast_item *item)
{
    item->kind = TVN_AST_USE;
    return tvn_wit_parse_path(parser, &item->path) && tvn_wit_parser_expect(parser, '.') &&
           tvn_wit_parse_renames(parser, false, &item->renames) &&
           tvn_wit_parser_expect_end(parser);
}

static bool parse_alias(struct tvn_wit_parser *parser, struct tvn_ast_item *item)
{
    item->kind = TVN_AST_ALIAS;
    return tvn_wit_parse_name(parser, &item->name) && tvn_wit_parser_expect(parser, '=') &&
           tvn_wit_parse_type(parser, &item->type) && tvn_wit_parser_expect_end(parser);
}

/* Cases of a variant; labels of an enum or of flags. */
static bool parse_cases(struct tvn_wit_parser *parser, struct tvn_ast_item *item)
{
    struct tvn_ast_field **tail = &item->fields;
    while (!tvn_wit_parser_is(parser, '}')) {
        struct tvn_ast_field *field = tvn_wit_parser_alloc(parser, sizeof(*field));
        if (!field) {
            return false;
        }
        field->docs = tvn_wit_parser_docs(parser);
        if (!tvn_wit_parse_name(parser, &field->name)) {
            return false;
        }
        if (item->kind == TVN_AST_VARIANT && tvn_wit_parser_eat(parser, '(') &&
            !(tvn_wit_parse_type(parser, &field->type) && tvn_wit_parser_expect(parser, ')'))) {
            return false;
        }
        *tail = field;
        tail = &field->next;
        item->field_count++;
        if (!tvn_wit_parser_eat(parser, ',')) {
            break;
        }
    }
    return true;
}

static bool parse_fields_type(struct tvn_wit_parser *parser, struct tvn_ast_item *item,
                              enum tvn_ast_item_kind kind)
{
    item->kind = kind;
    struct tvn_span open = {0};
    if (!tvn_wit_parse_name(parser, &item->name)) {
        return false;
    }
    open = tvn_wit_parser_span(parser);
    if (!tvn_wit_parser_expect(parser, '{')) {
        return false;
    }
    bool parsed = kind == TVN_AST_RECORD
                      ? tvn_wit_parse_fields(parser, '}', &item->fields, &item->field_count)
                      : parse_cases(parser, item);
    return parsed && tvn_wit_parser_close(parser, open);
}

static bool parse_method(struct tvn_wit_parser *parser, struct tvn_ast_item *item)
{
    struct tvn_span external;
    if (!tvn_wit_parse_attributes(parser, &item->attributes, &external)) {
        return false;
    }
    item->kind = TVN_AST_FUNC;
    item->name.span = tvn_wit_parser_span(parser);
    if (tvn_wit_parser_eat_keyword(parser, TVN_WIT_KEYWORD_CONSTRUCTOR)) {
        return tvn_wit_parse_constructor(parser, &item->func) && tvn_wit_parser_expect_end(parser);
    }
    bool named = parser->token.valid && (parser->token.kind == TVN_WIT_TOKEN_ESCAPED_NAME ||
                                         (parser->token.kind == TVN_WIT_TOKEN_NAME &&
                                          parser->token.keyword == TVN_WIT_KEYWORD_NONE));
    if (!named) {
        return tvn_wit_parser_unexpected(parser, "'constructor' or a name");
    }
    if (!tvn_wit_parse_name(parser, &item->name) || !tvn_wit_parser_expect(parser, ':')) {
        return false;
    }
    bool is_static = tvn_wit_parser_eat_keyword(parser, TVN_WIT_KEYWORD_STATIC);
    return tvn_wit_parse_func(parser, is_static ? TVN_FUNC_STATIC : TVN_FUNC_METHOD, &item->func) &&
           tvn_wit_parser_expect_end(parser);
}

static bool parse_resource(struct tvn_wit_parser *parser, struct tvn_ast_item *item)
{
    item->kind = TVN_AST_RESOURCE;
    if (!tvn_wit_parse_name(parser, &item->name)) {
        return false;
    }
    if (tvn_wit_parser_is(parser, '{')) {
        return parse_block(parser, parse_method, &item->items);
    }
    return tvn_wit_parser_expect_end(parser);
}

/* use and the type definitions, which interfaces and worlds share. *out_other: it is none of them.
 */
static bool parse_type_item(struct tvn_wit_parser *parser, struct tvn_ast_item *item,
                            bool *out_other)
{
    *out_other = false;
    if (tvn_wit_parser_eat_keyword(parser, TVN_WIT_KEYWORD_USE)) {
        return parse_use(parser, item);
    }
    if (tvn_wit_parser_eat_keyword(parser, TVN_WIT_KEYWORD_TYPE)) {
        return parse_alias(parser, item);
    }
    if (tvn_wit_parser_eat_keyword(parser, TVN_WIT_KEYWORD_RECORD)) {
        return parse_fields_type(parser, item, TVN_AST_RECORD);
    }
    if (tvn_wit_parser_eat_keyword(parser, TVN_WIT_KEYWORD_VARIANT)) {
        return parse_fields_type(parser, item, TVN_AST_VARIANT);
    }
    if (tvn_wit_parser_eat_keyword(parser, TVN_WIT_KEYWORD_ENUM)) {
        return parse_fields_type(parser, item, TVN_AST_ENUM);
    }
    if (tvn_wit_parser_eat_keyword(parser, TVN_WIT_KEYWORD_FLAGS)) {
        return parse_fields_type(parser, item, TVN_AST_FLAGS);
    }
    if (tvn_wit_parser_eat_keyword(parser, TVN_WIT_KEYWORD_RESOURCE)) {
        return parse_resource(parser, item);
    }
    *out_other = true;
    return false;
}

static bool parse_interface_item(struct tvn_wit_parser *parser, struct tvn_ast_item *item)
{
    struct tvn_span external;
    if (!tvn_wit_parse_attributes(parser, &item->attributes, &external)) {
        return false;
    }
    bool other;
    bool parsed = parse_type_item(parser, item, &other);
    if (!other) {
        return parsed;
    }
    bool keyword =
        parser->token.kind == TVN_WIT_TOKEN_NAME && parser->token.keyword != TVN_WIT_KEYWORD_NONE;
    if (keyword || parser->token.kind == TVN_WIT_TOKEN_END ||
        parser->token.kind == TVN_WIT_TOKEN_PUNCTUATION) {
        return tvn_wit_parser_unexpected(parser, "a type, resource, use or function");
    }
    item->kind = TVN_AST_FUNC;
    return tvn_wit_parse_name(parser, &item->name) && tvn_wit_parser_expect(parser, ':') &&
           tvn_wit_parse_func(parser, TVN_FUNC_FREE, &item->func) &&
           tvn_wit_parser_expect_end(parser);
}

bool tvn_wit_parse_interface_items(struct tvn_wit_parser *parser, struct tvn_ast_item **out_items)
{
    return parse_block(parser, parse_interface_item, out_items);
}

/* `name: …` where a name follows the colon: a package's path, a path under a name of its own, or an
 * accessor. */
static bool parse_extern_name(struct tvn_wit_parser *parser, struct tvn_ast_item *item,
                              bool adjacent)
{
    struct tvn_ast_name second;
    adjacent &= parser->token.docs_offset == parser->token.offset && parser->token.line_starts == 0;
    uint32_t colon_end = item->name.span.offset + item->name.span.length + 1;
    adjacent &= parser->token.offset == colon_end;
    if (!tvn_wit_parse_name(parser, &second)) {
        return false;
    }
    bool accessor = tvn_str_is(second.text, "get") || tvn_str_is(second.text, "set");
    if (accessor && tvn_wit_parser_is(parser, '(')) {
        item->kind = TVN_AST_EXTERN_FUNC;
        return tvn_wit_parse_accessor(parser, TVN_FUNC_FREE, &second, &item->func) &&
               tvn_wit_parser_expect_end(parser);
    }
    if (adjacent || tvn_wit_parser_is(parser, '/')) {
        item->kind = TVN_AST_EXTERN_PATH;
        return tvn_wit_parse_path_of_package(parser, &item->name, &second, &item->path) &&
               tvn_wit_parser_expect_end(parser);
    }
    item->kind = TVN_AST_EXTERN_NAMED_PATH;
    return tvn_wit_parse_path_rest(parser, &second, &item->path) &&
           tvn_wit_parser_expect_end(parser);
}

/* From behind `import` or `export` on. */
static bool parse_extern(struct tvn_wit_parser *parser, struct tvn_ast_item *item)
{
    if (!tvn_wit_parse_name(parser, &item->name)) {
        return false;
    }
    bool adjacent = parser->token.offset == item->name.span.offset + item->name.span.length;
    if (!tvn_wit_parser_eat(parser, ':')) {
        item->kind = TVN_AST_EXTERN_PATH;
        item->path.name = item->name;
        return tvn_wit_parser_expect_end(parser);
    }
    if (tvn_wit_parser_eat_keyword(parser, TVN_WIT_KEYWORD_INTERFACE)) {
        item->kind = TVN_AST_EXTERN_INTERFACE;
        return tvn_wit_parse_interface_items(parser, &item->items);
    }
    if (tvn_wit_parser_at_func(parser)) {
        item->kind = TVN_AST_EXTERN_FUNC;
        return tvn_wit_parse_func(parser, TVN_FUNC_FREE, &item->func) &&
               tvn_wit_parser_expect_end(parser);
    }
    return parse_extern_name(parser, item, adjacent);
}

static bool parse_include(struct tvn_wit_parser *parser, struct tvn_ast_item *item)
{
    item->kind = TVN_AST_INCLUDE;
    if (!tvn_wit_parse_path(parser, &item->path)) {
        return false;
    }
    if (tvn_wit_parser_eat_keyword(parser, TVN_WIT_KEYWORD_WITH)) {
        if (!tvn_wit_parse_renames(parser, true, &item->renames)) {
            return false;
        }
        (void)tvn_wit_parser_eat(parser, ';');
        return true;
    }
    return tvn_wit_parser_expect_end(parser);
}

static bool parse_world_item(struct tvn_wit_parser *parser, struct tvn_ast_item *item)
{
    struct tvn_span external = {0};
    if (!tvn_wit_parse_attributes(parser, &item->attributes, &external)) {
        return false;
    }
    if (tvn_wit_parser_eat_keyword(parser, TVN_WIT_KEYWORD_IMPORT)) {
        return parse_extern(parser, item);
    }
    if (tvn_wit_parser_eat_keyword(parser, TVN_WIT_KEYWORD_EXPORT)) {
        item->is_export = true;
        return parse_extern(parser, item);
    }
    if (tvn_wit_parser_eat_keyword(parser, TVN_WIT_KEYWORD_INCLUDE)) {
        if (item->attributes && item->attributes->external_id.ptr) {
            return tvn_wit_parser_error(parser, external,
                                        "@external-id is not allowed on include statements");
        }
        return parse_include(parser, item);
    }
    bool other;
    bool parsed = parse_type_item(parser, item, &other);
    return other ? tvn_wit_parser_unexpected(parser, "import, export, include, use or a type")
                 : parsed;
}

bool tvn_wit_parse_world_items(struct tvn_wit_parser *parser, struct tvn_ast_item **out_items)
{
    return parse_block(parser, parse_world_item, out_items);
}
