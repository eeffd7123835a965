/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fuzz target canonical_lift, which lives here because it needs the module's private headers.
 *
 * A type and a memory image out of the input: lifts a value, lowers it into another memory, lifts
 * it again and compares; then lifts the same type from slots. The first byte chooses the string
 * encoding, the next ones spell the type, the rest is guest memory.
 */
#include "canonical_lift.h"

#include "base/assert.h"
#include "component/canon_internal.h"

#include <stdlib.h>

enum {
    TARGET_BYTES = 1 << 16,
    HEAP = 1 << 12,
    BUDGET = 1 << 18,
    TYPES_MAX = 64,
    DEPTH_MAX = 6,
    PARTS_MAX = 4
};

struct input {
    const uint8_t *bytes;
    size_t left;
};

struct fuzz {
    struct input input;
    struct tvn_arena *types;
    uint32_t type_count;
    struct tvn_instance instance;
    struct tvn_rt_scope scope;
    const struct tvn_resource_rt *resources[1];
    struct tvn_resource_rt resource;
    struct tvn_resource declared;
    struct tvn_guest_mem target;
    uint32_t top;
};

static uint8_t next(struct input *input)
{
    if (input->left == 0) {
        return 0;
    }
    input->left--;
    return *input->bytes++;
}

static const struct tvn_type *make_type(struct fuzz *fuzz, unsigned depth);

static const struct tvn_type *make_fields(struct fuzz *fuzz, struct tvn_type_spec *spec,
                                          unsigned depth)
{
    static const struct tvn_str names[PARTS_MAX] = {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}};
    size_t count = 1 + next(&fuzz->input) % PARTS_MAX;
    struct tvn_field *fields = TVN_ARENA_ARRAY(fuzz->types, struct tvn_field, count);
    tvn_assert(fields);
    for (size_t i = 0; i < count; i++) {
        fields[i].name = names[i];
        bool bare = spec->kind == TVN_TYPE_ENUM || spec->kind == TVN_TYPE_FLAGS ||
                    (spec->kind == TVN_TYPE_VARIANT && next(&fuzz->input) % 3 == 0);
        fields[i].type = bare ? NULL : make_type(fuzz, depth + 1);
    }
    spec->fields = fields;
    spec->field_count = count;
    const struct tvn_type *type = NULL;
    return tvn_type_create(fuzz->types, spec, &type) == TVN_OK ? type : NULL;
}

static const struct tvn_type *make_type(struct fuzz *fuzz, unsigned depth)
{
    enum tvn_type_kind kind = (enum tvn_type_kind)(next(&fuzz->input) % (TVN_TYPE_BORROW + 1));
    if (kind <= TVN_TYPE_STRING || depth >= DEPTH_MAX || ++fuzz->type_count > TYPES_MAX) {
        return tvn_type_primitive(kind <= TVN_TYPE_STRING ? kind : TVN_TYPE_U8);
    }
    struct tvn_type_spec spec = {.kind = kind};
    if (kind == TVN_TYPE_RECORD || kind == TVN_TYPE_TUPLE || kind == TVN_TYPE_VARIANT ||
        kind == TVN_TYPE_ENUM || kind == TVN_TYPE_FLAGS) {
        const struct tvn_type *type = make_fields(fuzz, &spec, depth);
        return type ? type : tvn_type_primitive(TVN_TYPE_U8);
    }
    if (kind == TVN_TYPE_OWN || kind == TVN_TYPE_BORROW) {
        spec.resource = &fuzz->declared;
    } else {
        spec.element = make_type(fuzz, depth + 1);
        spec.error = kind == TVN_TYPE_RESULT ? make_type(fuzz, depth + 1) : NULL;
        spec.list_length = kind == TVN_TYPE_LIST ? next(&fuzz->input) % PARTS_MAX : 0;
    }
    const struct tvn_type *type = NULL;
    return tvn_type_create(fuzz->types, &spec, &type) == TVN_OK ? type
                                                                : tvn_type_primitive(TVN_TYPE_U8);
}

static bool bump(void *context, uint32_t old_offset, uint32_t old_length, uint32_t alignment,
                 uint32_t new_length, uint32_t *out_offset)
{
    struct fuzz *fuzz = context;
    uint64_t offset = ((uint64_t)fuzz->top + alignment - 1) & ~(uint64_t)(alignment - 1);
    if (offset + new_length > TARGET_BYTES) {
        return false;
    }
    memmove(fuzz->target.base + offset, fuzz->target.base + old_offset,
            old_length < new_length ? old_length : new_length);
    fuzz->top = (uint32_t)(offset + new_length);
    *out_offset = (uint32_t)offset;
    return true;
}

static void start(struct fuzz *fuzz, struct tvn_canon *cx, struct tvn_guest_mem *mem,
                  enum tvn_string_encoding encoding, struct tvn_arena **arena)
{
    tvn_canon_init(cx, &fuzz->scope, mem, NULL, encoding, arena);
    cx->budget = BUDGET;
    cx->fake_realloc = bump;
    cx->fake_context = fuzz;
}

static void through_memory(struct fuzz *fuzz, const struct tvn_type *type,
                           struct tvn_guest_mem *mem, enum tvn_string_encoding encoding)
{
    struct tvn_arena *arena = NULL, *again = NULL;
    struct tvn_canon from, to;
    struct tvn_value value = {0}, copy = {0};
    start(fuzz, &from, mem, encoding, &arena);
    start(fuzz, &to, &fuzz->target, (enum tvn_string_encoding)((encoding + 1) % 3), &again);
    if (type->abi_size <= HEAP && tvn_lift_memory(&from, type, 0, &value) &&
        tvn_lower_memory(&to, type, &value, 0)) {
        tvn_assert(!fuzz->instance.dead);
        if (tvn_lift_memory(&to, type, 0, &copy)) { /* own handles may be there twice: refused */
            tvn_assert(tvn_value_equal(&value, &copy));
            TVN_AUTO_VALUE(tvn_strbuf) text = {0};
            tvn_strbuf_init(&text, HEAP);
            tvn_value_print(&copy, &text);
        }
    }
    if (arena) {
        tvn_arena_destroy(arena);
    }
    if (again) {
        tvn_arena_destroy(again);
    }
}

static void through_slots(struct fuzz *fuzz, const struct tvn_type *type, struct tvn_guest_mem *mem,
                          enum tvn_string_encoding encoding)
{
    union tvn_flat slots[TVN_TYPE_FLAT_MAX] = {0};
    if (type->abi_flat_count > TVN_TYPE_FLAT_MAX) {
        return;
    }
    size_t bytes = mem->size < sizeof(slots) ? (size_t)mem->size : sizeof(slots);
    memcpy(slots, mem->base, bytes);
    struct tvn_arena *arena = NULL;
    struct tvn_canon cx;
    struct tvn_value value = {0};
    uint32_t position = 0;
    start(fuzz, &cx, mem, encoding, &arena);
    if (tvn_lift_flat(&cx, type, slots, &position, &value)) {
        tvn_assert(position == type->abi_flat_count);
    }
    if (arena) {
        tvn_arena_destroy(arena);
    }
}

static void run(struct fuzz *fuzz)
{
    enum tvn_string_encoding encoding = (enum tvn_string_encoding)(next(&fuzz->input) % 3);
    const struct tvn_type *type = make_type(fuzz, 0);
    size_t size = fuzz->input.left;
    uint8_t *memory = malloc(size > 0 ? size : 1); /* exactly: a read beyond it is seen */
    tvn_assert(memory);
    if (size > 0) {
        memcpy(memory, fuzz->input.bytes, size);
    }
    struct tvn_guest_mem mem = {.base = memory, .size = size};
    through_memory(fuzz, type, &mem, encoding);
    fuzz->instance.dead = false;
    through_slots(fuzz, type, &mem, encoding);
    free(memory);
}

void canonical_lift_once(const uint8_t *data, size_t size)
{
    static uint8_t target[TARGET_BYTES];
    static struct fuzz fuzz;
    fuzz = (struct fuzz){
        .input = {data, size},
        .resource = {.name = "thing"},
        .declared = {.name = {"thing", 5}},
        .target = {.base = target, .size = TARGET_BYTES},
        .top = HEAP,
    };
    fuzz.resources[0] = &fuzz.resource;
    fuzz.scope.resources = fuzz.resources;
    fuzz.scope.resource_count = 1;
    fuzz.scope.guest.instance = &fuzz.instance;
    fuzz.types = tvn_arena_create(0);
    tvn_assert(fuzz.types);
    tvn_assert(tvn_handle_table_init(&fuzz.scope.guest.handles, 0) == TVN_OK);
    for (uint64_t rep = 0; rep < 4; rep++) {
        tvn_assert(
            tvn_handle_add(&fuzz.scope.guest.handles, &fuzz.resource, rep, rep % 2 == 0, 0) != 0);
    }
    run(&fuzz);
    tvn_handle_table_deinit(&fuzz.scope.guest.handles);
    tvn_arena_destroy(fuzz.types);
}
