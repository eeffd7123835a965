/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "contracts/wit_parser_internal.h"

bool tvn_wit_parse_name(struct tvn_wit_parser *parser, struct tvn_ast_name *out_name)
{
    bool escaped = parser->token.kind == TVN_WIT_TOKEN_ESCAPED_NAME;
    bool plain =
        parser->token.kind == TVN_WIT_TOKEN_NAME && parser->token.keyword == TVN_WIT_KEYWORD_NONE;
    if (!parser->token.valid || (!escaped && !plain)) {
        bool keyword = parser->token.kind == TVN_WIT_TOKEN_NAME && parser->token.valid;
        struct tvn_str text = tvn_wit_lexer_text(&parser->lexer, &parser->token);
        (void)tvn_wit_parser_unexpected(parser, "a name");
        if (keyword) {
            tvn_diag_help(parser->sink, "write '%%%.*s' to use a keyword as a name",
                          TVN_STR_ARG(text));
        }
        return false;
    }
    struct tvn_str text = tvn_wit_lexer_text(&parser->lexer, &parser->token);
    *out_name = (struct tvn_ast_name){.text = tvn_str_slice(text, escaped, text.len),
                                      .span = tvn_wit_parser_span(parser)};
    tvn_wit_parser_advance(parser);
    return true;
}

/* The version behind the current token ('@' or '='), which is taken as well. */
static bool parse_version(struct tvn_wit_parser *parser, struct tvn_semver *out_version)
{
    struct tvn_wit_token token = tvn_wit_lexer_version(&parser->lexer);
    struct tvn_str text = tvn_wit_lexer_text(&parser->lexer, &token);
    struct tvn_span span = tvn_wit_lexer_span(&parser->lexer, &token);
    tvn_wit_parser_advance(parser);
    if (tvn_semver_parse(text, out_version)) {
        return true;
    }
    if (text.len == 0) {
        return tvn_wit_parser_unexpected(parser, "a version");
    }
    (void)tvn_wit_parser_error(parser, span, "invalid version");
    tvn_diag_help(parser->sink, "versions have three numbers, as in 1.2.3 or 1.2.3-rc.1");
    return false;
}

static struct tvn_span join(struct tvn_span from, struct tvn_span to)
{
    return (struct tvn_span){from.file, from.offset, to.offset + to.length - from.offset};
}

bool tvn_wit_parse_package_name(struct tvn_wit_parser *parser, struct tvn_package_id *out_id,
                                struct tvn_span *out_span)
{
    struct tvn_ast_name namespace_name;
    struct tvn_ast_name name;
    struct tvn_semver version = {0};
    if (!tvn_wit_parse_name(parser, &namespace_name) || !tvn_wit_parser_expect(parser, ':') ||
        !tvn_wit_parse_name(parser, &name)) {
        return false;
    }
    if (tvn_wit_parser_is(parser, '@') && !parse_version(parser, &version)) {
        return false;
    }
    *out_id = (struct tvn_package_id){namespace_name.text, name.text, version};
    *out_span = join(namespace_name.span, name.span);
    return true;
}

bool tvn_wit_parse_path_of_package(struct tvn_wit_parser *parser,
                                   const struct tvn_ast_name *namespace_name,
                                   const struct tvn_ast_name *package_name,
                                   struct tvn_ast_path *out_path)
{
    struct tvn_ast_path path = {.namespace_name = *namespace_name, .package_name = *package_name};
    path.package_span = join(namespace_name->span, package_name->span);
    if (!tvn_wit_parser_expect(parser, '/') || !tvn_wit_parse_name(parser, &path.name)) {
        return false;
    }
    if (tvn_wit_parser_is(parser, '@') && !parse_version(parser, &path.version)) {
        return false;
    }
    *out_path = path;
    return true;
}

bool tvn_wit_parse_path_rest(struct tvn_wit_parser *parser, const struct tvn_ast_name *first,
                             struct tvn_ast_path *out_path)
{
    struct tvn_ast_name package_name;
    if (!tvn_wit_parser_eat(parser, ':')) {
        *out_path = (struct tvn_ast_path){.name = *first};
        return true;
    }
    return tvn_wit_parse_name(parser, &package_name) &&
           tvn_wit_parse_path_of_package(parser, first, &package_name, out_path);
}

bool tvn_wit_parse_path(struct tvn_wit_parser *parser, struct tvn_ast_path *out_path)
{
    struct tvn_ast_name first;
    return tvn_wit_parse_name(parser, &first) && tvn_wit_parse_path_rest(parser, &first, out_path);
}

bool tvn_wit_parse_renames(struct tvn_wit_parser *parser, bool as_required,
                           struct tvn_ast_rename **out_renames)
{
    struct tvn_span open = tvn_wit_parser_span(parser);
    if (!tvn_wit_parser_expect(parser, '{')) {
        return false;
    }
    struct tvn_ast_rename **tail = out_renames;
    while (!tvn_wit_parser_is(parser, '}')) {
        struct tvn_ast_rename *rename = tvn_wit_parser_alloc(parser, sizeof(*rename));
        if (!rename || !tvn_wit_parse_name(parser, &rename->name)) {
            return false;
        }
        if (as_required && !tvn_wit_parser_is_keyword(parser, TVN_WIT_KEYWORD_AS)) {
            return tvn_wit_parser_unexpected(parser, "'as'");
        }
        if (tvn_wit_parser_eat_keyword(parser, TVN_WIT_KEYWORD_AS) &&
            !tvn_wit_parse_name(parser, &rename->as)) {
            return false;
        }
        *tail = rename;
        tail = &rename->next;
        if (!tvn_wit_parser_eat(parser, ',')) {
            break;
        }
    }
    return tvn_wit_parser_close(parser, open);
}

/* "version = 1.2.3" of @since and @deprecated. */
static bool parse_version_field(struct tvn_wit_parser *parser, struct tvn_semver *out_version)
{
    if (!tvn_str_is(tvn_wit_lexer_text(&parser->lexer, &parser->token), "version")) {
        return tvn_wit_parser_unexpected(parser, "'version'");
    }
    tvn_wit_parser_advance(parser);
    if (!tvn_wit_parser_is(parser, '=')) {
        return tvn_wit_parser_unexpected(parser, "'='");
    }
    return parse_version(parser, out_version);
}

static bool parse_feature_field(struct tvn_wit_parser *parser, struct tvn_str *out_feature)
{
    struct tvn_ast_name feature;
    if (!tvn_str_is(tvn_wit_lexer_text(&parser->lexer, &parser->token), "feature")) {
        return tvn_wit_parser_unexpected(parser, "'feature'");
    }
    tvn_wit_parser_advance(parser);
    if (!tvn_wit_parser_expect(parser, '=') || !tvn_wit_parse_name(parser, &feature)) {
        return false;
    }
    *out_feature = feature.text;
    return true;
}

static bool parse_external_id(struct tvn_wit_parser *parser, struct tvn_str *out_text)
{
    if (parser->token.kind != TVN_WIT_TOKEN_STRING) {
        return tvn_wit_parser_unexpected(parser, "a string");
    }
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    if (!tvn_wit_lexer_string(&parser->lexer, &parser->token, &text)) {
        return false;
    }
    char *copy = tvn_wit_parser_alloc(parser, text.len + 1);
    if (!copy) {
        return false;
    }
    memcpy(copy, tvn_strbuf_text(&text), text.len);
    *out_text = (struct tvn_str){copy, text.len};
    tvn_wit_parser_advance(parser);
    return true;
}

/* One attribute, from behind the '@' on. */
static bool parse_attribute(struct tvn_wit_parser *parser, struct tvn_attributes *attributes,
                            struct tvn_span *out_external_span)
{
    struct tvn_str word = tvn_wit_lexer_text(&parser->lexer, &parser->token);
    struct tvn_span span = tvn_wit_parser_span(parser);
    bool since = tvn_str_is(word, "since");
    bool unstable = tvn_str_is(word, "unstable");
    bool deprecated = tvn_str_is(word, "deprecated");
    bool external = tvn_str_is(word, "external-id");
    if (!since && !unstable && !deprecated && !external) {
        return tvn_wit_parser_unexpected(parser,
                                         "'since', 'unstable', 'deprecated' or 'external-id'");
    }
    tvn_wit_parser_advance(parser);
    if ((since && attributes->since.valid) || (unstable && attributes->unstable.len > 0) ||
        (deprecated && attributes->deprecated.valid) || (external && attributes->external_id.ptr)) {
        return tvn_wit_parser_error(parser, span, "cannot specify @%.*s twice", TVN_STR_ARG(word));
    }
    if (!tvn_wit_parser_expect(parser, '(')) {
        return false;
    }
    bool parsed = external   ? parse_external_id(parser, &attributes->external_id)
                  : unstable ? parse_feature_field(parser, &attributes->unstable)
                             : parse_version_field(parser, since ? &attributes->since
                                                                 : &attributes->deprecated);
    if (external) {
        *out_external_span = span;
    }
    return parsed && tvn_wit_parser_expect(parser, ')');
}

bool tvn_wit_parse_attributes(struct tvn_wit_parser *parser,
                              const struct tvn_attributes **out_attributes,
                              struct tvn_span *out_external_span)
{
    if (!tvn_wit_parser_is(parser, '@')) {
        return true;
    }
    struct tvn_span first = tvn_wit_parser_span(parser);
    struct tvn_attributes *attributes = tvn_wit_parser_alloc(parser, sizeof(*attributes));
    if (!attributes) {
        return false;
    }
    while (tvn_wit_parser_eat(parser, '@')) {
        if (!parse_attribute(parser, attributes, out_external_span)) {
            return false;
        }
    }
    if (attributes->since.valid && attributes->unstable.len > 0) {
        return tvn_wit_parser_error(parser, first,
                                    "an item is either @since or @unstable, not both");
    }
    if (attributes->deprecated.valid && !attributes->since.valid && attributes->unstable.len == 0) {
        (void)tvn_wit_parser_error(parser, first,
                                   "@deprecated needs @since or @unstable beside it");
        return false;
    }
    *out_attributes = attributes;
    return true;
}
