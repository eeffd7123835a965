/* SPDX-License-Identifier: Apache-2.0 */
/*
 * type_layout: reads a type a line and prints what contracts/type.h says about it:
 *
 *     SIZE ALIGNMENT FLAT DISCRIMINANT PAYLOAD OFFSETS
 *
 * FLAT is a list of core types, "many" beyond what is passed flat; "-" stands for what the type has
 * not. A type is written in prefix form: u8; list T; fixed N T; option T; result T T; tuple N T…;
 * record N T…; variant N T…; enum N; flags N; own; borrow. "_" is a case without a value.
 */
#include "contracts/type.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 1 << 20, COUNT_MAX = 100000, DEPTH_MAX = 64 };

struct parser {
    char *rest;
    struct tvn_arena *arena;
    const struct tvn_resource *resource;
};

static void fail(const char *what, const char *token)
{
    (void)fprintf(stderr, "type_layout: %s '%s'\n", what, token ? token : "the end");
    exit(2);
}

static const char *token(struct parser *parser)
{
    const char *found = strtok_r(parser->rest, " \n", &parser->rest);
    if (!found) {
        fail("a type ends early at", NULL);
    }
    return found;
}

static uint32_t count(struct parser *parser)
{
    const char *text = token(parser);
    char *end = NULL;
    unsigned long number = strtoul(text, &end, 10);
    if (*end != '\0' || number == 0 || number > COUNT_MAX) {
        fail("no count:", text);
    }
    return (uint32_t)number;
}

static const struct tvn_type *create(struct parser *parser, const struct tvn_type_spec *spec)
{
    const struct tvn_type *type = NULL;
    enum tvn_status status = tvn_type_create(parser->arena, spec, &type);
    if (status != TVN_OK) {
        fail("refused:", tvn_status_code(status));
    }
    return type;
}

static const struct tvn_type *parse(struct parser *parser, unsigned depth);

static const struct tvn_type *parse_fields(struct parser *parser, enum tvn_type_kind kind,
                                           unsigned depth)
{
    uint32_t number = count(parser);
    struct tvn_field *fields = TVN_ARENA_ARRAY(parser->arena, struct tvn_field, number);
    if (!fields) {
        fail("no memory for", "fields");
    }
    for (uint32_t i = 0; i < number; i++) {
        char *name = tvn_arena_printf(parser->arena, "n%" PRIu32, i);
        bool has_type = kind != TVN_TYPE_ENUM && kind != TVN_TYPE_FLAGS;
        fields[i] = (struct tvn_field){.name = tvn_str_of(name),
                                       .type = has_type ? parse(parser, depth + 1) : NULL};
    }
    return create(parser,
                  &(struct tvn_type_spec){.kind = kind, .fields = fields, .field_count = number});
}

/* NULL for "_". */
static const struct tvn_type *parse(struct parser *parser, unsigned depth)
{
    static const char *const names[] = {"bool",   "s8",     "u8",     "s16",   "u16",     "s32",
                                        "u32",    "s64",    "u64",    "f32",   "f64",     "char",
                                        "string", "list",   "record", "tuple", "variant", "enum",
                                        "option", "result", "flags",  "own",   "borrow"};
    const char *name = token(parser);
    if (depth > DEPTH_MAX) {
        fail("too deep:", name);
    }
    if (strcmp(name, "_") == 0) {
        return NULL;
    }
    bool is_fixed = strcmp(name, "fixed") == 0;
    struct tvn_type_spec spec = {.list_length = is_fixed ? count(parser) : 0};
    unsigned kind = is_fixed ? TVN_TYPE_LIST : 0;
    while (!is_fixed && kind < TVN_ARRAY_LEN(names) && strcmp(names[kind], name) != 0) {
        kind++;
    }
    if (kind == TVN_ARRAY_LEN(names)) {
        fail("no type:", name);
    }
    spec.kind = (enum tvn_type_kind)kind;
    if (spec.kind <= TVN_TYPE_STRING) {
        return tvn_type_primitive(spec.kind);
    }
    if (spec.kind >= TVN_TYPE_RECORD && spec.kind <= TVN_TYPE_FLAGS &&
        spec.kind != TVN_TYPE_OPTION && spec.kind != TVN_TYPE_RESULT) {
        return parse_fields(parser, spec.kind, depth);
    }
    if (spec.kind == TVN_TYPE_OWN || spec.kind == TVN_TYPE_BORROW) {
        spec.resource = parser->resource;
    } else {
        spec.element = parse(parser, depth + 1);
        spec.error = spec.kind == TVN_TYPE_RESULT ? parse(parser, depth + 1) : NULL;
    }
    return create(parser, &spec);
}

static void print_flat(const struct tvn_type *type)
{
    static const char *const names[] = {"i32", "i64", "f32", "f64"};
    enum tvn_core_kind kinds[TVN_TYPE_FLAT_MAX];
    size_t number = tvn_type_flatten(type, kinds);
    if (number > TVN_TYPE_FLAT_MAX) {
        (void)printf("many ");
        return;
    }
    for (size_t i = 0; i < number; i++) {
        (void)printf("%s%s", i > 0 ? "," : "", names[kinds[i]]);
    }
    (void)printf("%s ", number == 0 ? "-" : "");
}

static void print_layout(const struct tvn_type *type)
{
    (void)printf("%" PRIu32 " %" PRIu32 " ", type->abi_size, type->abi_align);
    print_flat(type);
    bool has_cases = type->kind == TVN_TYPE_VARIANT || type->kind == TVN_TYPE_ENUM ||
                     type->kind == TVN_TYPE_OPTION || type->kind == TVN_TYPE_RESULT;
    if (has_cases) {
        (void)printf("%u ", type->abi_discriminant);
    } else {
        (void)printf("- ");
    }
    if (has_cases && type->kind != TVN_TYPE_ENUM) {
        (void)printf("%" PRIu32 " ", type->abi_payload_offset);
    } else {
        (void)printf("- ");
    }
    bool has_fields = type->kind == TVN_TYPE_RECORD || type->kind == TVN_TYPE_TUPLE;
    for (uint32_t i = 0; has_fields && i < type->field_count; i++) {
        (void)printf("%s%" PRIu32, i > 0 ? "," : "", tvn_type_field_offset(type, i));
    }
    (void)printf("%s\n", has_fields ? "" : "-");
}

int main(void)
{
    static char line[LINE_MAX_BYTES];
    static const struct tvn_resource resource = {.name = {"thing", 5}};
    while (fgets(line, sizeof(line), stdin)) {
        struct parser parser = {.rest = line, .arena = tvn_arena_create(0), .resource = &resource};
        if (!parser.arena) {
            fail("no memory for", "a type");
        }
        const struct tvn_type *type = parse(&parser, 0);
        if (!type) {
            fail("no type:", "_");
        }
        print_layout(type);
        tvn_arena_destroy(parser.arena);
    }
    return 0;
}
