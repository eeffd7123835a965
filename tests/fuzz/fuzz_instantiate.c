/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a component that is run: decoded, compiled, instantiated on a host that grants
 * nothing, and every exported function called with values made from its type. Whatever it does, it
 * ends within its fuel and its memory, every failure is recorded once, and the host is left as it
 * was.
 *
 * Where fuel is counted, lowered functions behind a shim go through it (component/decode_shim.c). A
 * component that has some runs a second time on an engine without fuel, which binds them past the
 * shim, under a time limit instead; unless a limit ended one of the runs, both must have done the
 * same.
 *
 * Arguments come from a generator seeded by the input's length and last bytes, so that a custom
 * section at the end chooses them and the component itself needs no prefix.
 */
#include "base/assert.h"
#include "component/definition.h"
#include "component/engine.h"
#include "component/instance.h"
#include "component/limits.h"
#include "wasi/wasi.h"

#include <stdio.h>
#include <string.h>

enum {
    CONTEXT = 1,
    INPUT_MAX = 1 << 18,
    FUEL = 200000,
    START_TIMEOUT_MS = 200, /* no fuel is set for start functions */
    CALL_TIMEOUT_MS = 1000, /* far beyond the fuel */
    UNMETERED_TIMEOUT_MS = 10,
    VALUES_MAX = 2000, /* of one call's arguments */
    LIST_MAX = 4,
    CALLS_MAX = 40,
    KEPT_MAX = 16,
    MEMORY_MAX = 4 << 20,
    TEXT_MAX = 1 << 16,
    LOG_MAX = 1 << 20
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the process has one of; two engines, though. */
static struct tvn_engine *metered;
static struct tvn_engine *unmetered;
static struct tvn_imports *imports;
static struct tvn_wasi_world *world;

struct run {
    uint64_t seed;
    uint64_t timeout_ms; /* of a call */
    uint64_t fuel;
    struct tvn_strbuf log; /* what the component did */
    bool limited;          /* a limit that is not met in the same place each time ended it */
    struct tvn_instance *instance;
    struct tvn_arena *arena;
    uint32_t values; /* made for the running call */
    uint32_t calls;
    struct tvn_value kept[KEPT_MAX]; /* own handles that functions returned */
    uint32_t kept_count;
    const struct tvn_type *failed; /* a value of this type cannot be made */
};

/* ---- the host ---- */

static bool deny(void *context, enum tvn_capability capability, const char *scope)
{
    (void)context;
    (void)capability;
    (void)scope;
    return false;
}

static enum tvn_status no_write(void *context, enum tvn_wasi_stream_kind stream, const char *bytes,
                                size_t length)
{
    (void)context;
    (void)stream;
    (void)bytes;
    tvn_assert(length == 0); /* nothing is granted, so nothing is written */
    return TVN_E_IO_ERROR;
}

static const struct tvn_wasi_ops wasi_ops = {.check = deny, .write = no_write};

static struct tvn_engine *create_engine(bool fuel)
{
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    tvn_assert(sink);
    struct tvn_engine_options options = {.fuel = fuel, .max_memory_bytes = MEMORY_MAX};
    struct tvn_engine *engine = NULL;
    enum tvn_status status = tvn_engine_create(&options, sink, &engine);
    tvn_assert(status == TVN_OK);
    return engine;
}

/* With the first input, after a fuzzer has set up its signal handlers: the engine's come first. */
static void start_host(void)
{
    metered = create_engine(true);
    unmetered = create_engine(false);
    imports = tvn_imports_create();
    tvn_assert(imports);
    enum tvn_status status = tvn_wasi_add_imports(imports, CONTEXT, &world);
    tvn_assert(status == TVN_OK);
}

/* ---- values from types ---- */

/* splitmix64 */
static uint64_t next(struct run *run)
{
    uint64_t z = (run->seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t choose(struct run *run, uint64_t count)
{
    return next(run) % count;
}

/* Small numbers and edges more often than others. */
static uint64_t number(struct run *run, unsigned bits)
{
    uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    switch (choose(run, 4)) {
    case 0:
        return choose(run, 8) & mask;
    case 1:
        return mask - choose(run, 3);
    case 2:
        return (mask >> 1) + choose(run, 2);
    default:
        return next(run) & mask;
    }
}

static int64_t signed_number(struct run *run, unsigned bits)
{
    uint64_t sign = UINT64_C(1) << (bits - 1);
    return (int64_t)((number(run, bits) ^ sign) - sign);
}

static struct tvn_str text(struct run *run)
{
    static const char *const texts[] = {"",
                                        "a",
                                        "plain text",
                                        "\xc3\xa9",
                                        "\xe2\x98\x83 snow",
                                        "\xf0\x9f\x98\x80",
                                        "0123456789abcdef0123456789abcdef"};
    return tvn_str_of(texts[choose(run, TVN_ARRAY_LEN(texts))]);
}

static struct tvn_value make_value(struct run *run, const struct tvn_type *type);

static struct tvn_value *make_inner(struct run *run, const struct tvn_type *type)
{
    struct tvn_value *value = TVN_ARENA_ARRAY(run->arena, struct tvn_value, 1);
    tvn_assert(value);
    *value = make_value(run, type);
    return value;
}

static void make_list(struct run *run, const struct tvn_type *type, struct tvn_value *value)
{
    bool is_list = type->kind == TVN_TYPE_LIST;
    uint32_t count = is_list ? type->list_length : type->field_count;
    if (is_list && count == 0 && run->values < VALUES_MAX) {
        count = (uint32_t)choose(run, LIST_MAX);
    }
    if (count > VALUES_MAX) { /* a fixed length that is not worth its time */
        run->failed = type;
        return;
    }
    value->of.list.items = TVN_ARENA_ARRAY(run->arena, struct tvn_value, count > 0 ? count : 1);
    tvn_assert(value->of.list.items);
    value->of.list.count = count;
    for (uint32_t i = 0; i < count && !run->failed; i++) {
        value->of.list.items[i] = make_value(run, is_list ? type->element : type->fields[i].type);
    }
}

static void make_case(struct run *run, const struct tvn_type *type, struct tvn_value *value)
{
    uint32_t count =
        type->kind == TVN_TYPE_VARIANT || type->kind == TVN_TYPE_ENUM ? type->field_count : 2;
    uint32_t index = (uint32_t)choose(run, count);
    const struct tvn_type *inner = NULL;
    if (type->kind == TVN_TYPE_OPTION) {
        inner = index == 1 ? type->element : NULL;
    } else if (type->kind == TVN_TYPE_RESULT) {
        inner = index == 0 ? type->element : type->error;
    } else {
        inner = type->fields[index].type;
    }
    value->of.variant.index = index;
    value->of.variant.value = inner ? make_inner(run, inner) : NULL;
}

/* One that a function returned before. */
static void make_handle(struct run *run, const struct tvn_type *type, struct tvn_value *value)
{
    for (uint32_t i = 0; i < run->kept_count; i++) {
        if (run->kept[i].type->resource == type->resource) {
            value->of.handle = run->kept[i].of.handle;
            if (type->kind == TVN_TYPE_OWN) {
                run->kept[i] = run->kept[--run->kept_count];
            }
            return;
        }
    }
    run->failed = type;
}

static struct tvn_value make_value(struct run *run, const struct tvn_type *type)
{
    struct tvn_value value = {.type = type};
    if (++run->values > 4 * VALUES_MAX) {
        run->failed = type;
    }
    if (run->failed) {
        return value;
    }
    switch (type->kind) {
    case TVN_TYPE_BOOL:
        value.of.boolean = choose(run, 2) == 1;
        break;
    case TVN_TYPE_S8:
    case TVN_TYPE_S16:
    case TVN_TYPE_S32:
    case TVN_TYPE_S64:
        value.of.s = signed_number(run, 8u << ((type->kind - TVN_TYPE_S8) / 2));
        break;
    case TVN_TYPE_U8:
    case TVN_TYPE_U16:
    case TVN_TYPE_U32:
    case TVN_TYPE_U64:
        value.of.u = number(run, 8u << ((type->kind - TVN_TYPE_U8) / 2));
        break;
    case TVN_TYPE_F32:
        value.of.f32 = (uint32_t)number(run, 32);
        break;
    case TVN_TYPE_F64:
        value.of.f64 = number(run, 64);
        break;
    case TVN_TYPE_CHAR:
        value.of.code_point = (uint32_t)choose(run, 0xd800);
        break;
    case TVN_TYPE_STRING:
        value.of.string = text(run);
        break;
    case TVN_TYPE_LIST:
    case TVN_TYPE_RECORD:
    case TVN_TYPE_TUPLE:
        make_list(run, type, &value);
        break;
    case TVN_TYPE_VARIANT:
    case TVN_TYPE_ENUM:
    case TVN_TYPE_OPTION:
    case TVN_TYPE_RESULT:
        make_case(run, type, &value);
        break;
    case TVN_TYPE_FLAGS:
        value.of.u = number(run, type->field_count);
        break;
    case TVN_TYPE_OWN:
    case TVN_TYPE_BORROW:
        make_handle(run, type, &value);
        break;
    case TVN_TYPE_STREAM: /* decoding refuses these */
    case TVN_TYPE_FUTURE:
    case TVN_TYPE_ERROR_CONTEXT:
        break;
    }
    return value;
}

/* ---- results ---- */

/* Time, and the stack: how much of it code needs depends on the engine. */
static bool is_limit(enum tvn_status status, const char *text)
{
    return status == TVN_E_COMPONENT_TIMEOUT || status == TVN_E_INSTANCE_LIMIT ||
           strstr(text, "call stack exhausted");
}

static void check_fault(struct run *run, enum tvn_status status)
{
    const struct tvn_fault *fault = tvn_instance_fault(run->instance);
    tvn_assert(status > TVN_OK);
    tvn_assert(tvn_instance_is_dead(run->instance));
    tvn_assert(fault->code == status);
    tvn_assert(memchr(fault->text, '\0', sizeof(fault->text)) && fault->text[0] != '\0');
    tvn_strbuf_printf(&run->log, "E%04d\n", (int)status);
    run->limited |= is_limit(status, fault->text);
}

static void drop(struct run *run, const struct tvn_value *handle)
{
    enum tvn_status status =
        tvn_instance_drop_resource(run->instance, handle->of.handle.type, handle->of.handle.rep);
    if (status != TVN_OK) {
        check_fault(run, status);
    }
}

static void keep_handles(struct run *run, const struct tvn_value *value)
{
    const struct tvn_type *type = value->type;
    if (!type || !type->has_handle) {
        return;
    }
    if (type->kind == TVN_TYPE_OWN) {
        if (run->kept_count < KEPT_MAX) {
            run->kept[run->kept_count++] = *value;
        } else {
            drop(run, value);
        }
    } else if (type->kind == TVN_TYPE_LIST || type->kind == TVN_TYPE_RECORD ||
               type->kind == TVN_TYPE_TUPLE) {
        for (uint32_t i = 0; i < value->of.list.count; i++) {
            keep_handles(run, &value->of.list.items[i]);
        }
    } else if (value->of.variant.value) {
        keep_handles(run, value->of.variant.value);
    }
}

/* ---- calls ---- */

static void call(struct run *run, const struct tvn_export *export)
{
    run->arena = tvn_arena_create(0);
    tvn_assert(run->arena);
    run->values = 0;
    run->failed = NULL;
    uint32_t count = export->type->param_count;
    struct tvn_value *args = TVN_ARENA_ARRAY(run->arena, struct tvn_value, count > 0 ? count : 1);
    tvn_assert(args);
    uint32_t made = 0;
    for (; made < count && !run->failed; made++) {
        args[made] = make_value(run, export->type->params[made].type);
    }
    if (run->failed) { /* what was taken for it comes back */
        for (uint32_t i = 0; i < made; i++) {
            if (args[i].type->kind == TVN_TYPE_OWN && args[i].of.handle.type) {
                keep_handles(run, &args[i]);
            }
        }
    } else {
        struct tvn_value result = {0};
        enum tvn_status status = tvn_export_invoke(export, args, count, run->arena, &result);
        if (status != TVN_OK) {
            check_fault(run, status);
        } else {
            TVN_AUTO_VALUE(tvn_strbuf) printed = {0};
            tvn_strbuf_init(&printed, TEXT_MAX);
            if (export->type->result) {
                tvn_value_print(&result, &printed);
            }
            tvn_strbuf_printf(&run->log, "%s\n", tvn_strbuf_text(&printed));
            keep_handles(run, &result);
        }
    }
    tvn_arena_destroy(run->arena);
    run->arena = NULL;
}

static void call_named(struct run *run, struct tvn_str interface, struct tvn_str name)
{
    const struct tvn_export *export = tvn_instance_find_export(run->instance, interface, name);
    if (export && run->calls++ < CALLS_MAX) {
        call(run, export);
    }
}

/* Twice: the second time there may be handles to give. Goes on after a fault, which must be refused
 * at the door. */
static void call_exports(struct run *run, const struct tvn_world *exported)
{
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < exported->export_count; i++) {
            const struct tvn_world_item *item = &exported->exports[i];
            if (item->kind == TVN_WORLD_FUNC) {
                call_named(run, TVN_STR(""), item->name);
            } else if (item->kind == TVN_WORLD_INTERFACE) {
                for (size_t k = 0; k < item->interface->func_count; k++) {
                    call_named(run, item->name, item->interface->funcs[k].name);
                }
            }
        }
    }
}

static void instantiate(struct run *run, const struct tvn_component *component,
                        struct tvn_engine *engine, struct tvn_diag_sink *sink)
{
    struct tvn_sandbox sandbox = {.component = "fuzz", .max_memory_bytes = MEMORY_MAX};
    TVN_AUTO(tvn_wasi) wasi = NULL;
    const struct tvn_wasi_options options = {
        .world = world, .sandbox = &sandbox, .ops = &wasi_ops, .stdin_fd = -1, .cancel_fd = -1};
    enum tvn_status status = tvn_wasi_create(&options, &wasi);
    tvn_assert(status == TVN_OK);
    const struct tvn_instance_options instance_options = {
        .name = "fuzz",
        .imports = imports,
        .contexts = {[CONTEXT] = wasi},
        .max_memory_bytes = MEMORY_MAX,
    };
    status = tvn_instance_create(engine, component, &instance_options, START_TIMEOUT_MS, sink,
                                 &run->instance);
    tvn_assert((status == TVN_OK) == (run->instance != NULL));
    tvn_assert((status == TVN_OK) == (tvn_diag_error_count(sink) == 0));
    if (status != TVN_OK) {
        tvn_strbuf_printf(&run->log, "not instantiated: E%04d\n", (int)status);
        run->limited = is_limit(status, tvn_diag_at(sink, 0)->message);
        return;
    }
    tvn_instance_set_limits(run->instance, run->timeout_ms, run->fuel);
    call_exports(run, tvn_component_world(component));
    tvn_assert(tvn_instance_memory_bytes(run->instance) <= MEMORY_MAX);
    for (uint32_t i = 0; i < run->kept_count; i++) {
        drop(run, &run->kept[i]);
    }
    tvn_wasi_flush(wasi);
    tvn_instance_destroy(run->instance);
}

static bool has_late(const struct tvn_definition *definition, unsigned depth)
{
    bool found = definition->late_count > 0;
    tvn_assert(depth <= TVN_COMPONENT_NESTING_MAX);
    for (uint32_t i = 0; i < definition->def_count && !found; i++) {
        const struct tvn_def *def = &definition->defs[i];
        found = def->kind == TVN_DEF_COMPONENT && has_late(def->of.component, depth + 1);
    }
    return found;
}

/* False when it is not a component that can be run. */
static bool run_once(struct run *run, const uint8_t *data, size_t size, struct tvn_engine *engine,
                     bool *out_has_late)
{
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    TVN_AUTO(tvn_component) component = NULL;
    tvn_assert(sink);
    uint32_t file = tvn_diag_add_binary_source(sink, "fuzz.wasm");
    if (tvn_component_decode(data, size, file, sink, &component) != TVN_OK ||
        tvn_component_compile(component, engine, sink) != TVN_OK) {
        tvn_assert(tvn_diag_error_count(sink) == 1);
        return false;
    }
    *out_has_late = has_late(tvn_component_document(component)->root, 0);
    tvn_strbuf_init(&run->log, LOG_MAX);
    instantiate(run, component, engine, sink);
    return true;
}

/* ---- inputs ---- */

static uint64_t seed_of(const uint8_t *data, size_t size)
{
    uint64_t seed = size;
    for (size_t i = size > 8 ? size - 8 : 0; i < size; i++) {
        seed = seed * 257 + data[i];
    }
    return seed;
}

static void compare(const struct run *through, const struct run *past)
{
    const char *expected = tvn_strbuf_text(&through->log);
    const char *actual = tvn_strbuf_text(&past->log);
    bool equal = through->limited || past->limited || strcmp(expected, actual) == 0;
    if (!equal) {
        fprintf(stderr, "through the shim:\n%s\npast it:\n%s\n", expected, actual);
    }
    tvn_assert(equal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!metered) {
        start_host();
    }
    struct run run = {.seed = seed_of(data, size), .timeout_ms = CALL_TIMEOUT_MS, .fuel = FUEL};
    struct run late = {.seed = run.seed, .timeout_ms = UNMETERED_TIMEOUT_MS};
    bool has_late = false;
    if (size <= INPUT_MAX && run_once(&run, data, size, metered, &has_late) && has_late) {
        bool compiled = run_once(&late, data, size, unmetered, &has_late);
        tvn_assert(compiled);
        compare(&run, &late);
    }
    tvn_strbuf_deinit(&run.log);
    tvn_strbuf_deinit(&late.log);
    return 0;
}
