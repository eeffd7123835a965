/* SPDX-License-Identifier: Apache-2.0 */
#include "component/call_loop.h"

#include "base/assert.h"
#include "component/canon_internal.h"
#include "component/helper_internal.h"

#include <string.h>

#define IMPORTS_MAX 6

struct tvn_call_loop {
    struct tvn_instance *instance;
    struct tvn_core_func run;
};

/* ---- the module ---- */

struct bytes {
    uint8_t at[TVN_HELPER_BYTES_MAX];
    size_t length;
};

static void put(struct bytes *to, uint8_t byte)
{
    tvn_assert(to->length < sizeof(to->at)); /* at most 17 parameters: far from it */
    to->at[to->length++] = byte;
}

static void put_u32(struct bytes *to, uint32_t value)
{
    while (value >= 0x80) {
        put(to, (uint8_t)(value | 0x80));
        value >>= 7;
    }
    put(to, (uint8_t)value);
}

static void put_bytes(struct bytes *to, const void *from, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        put(to, ((const uint8_t *)from)[i]);
    }
}

static void put_name(struct bytes *to, const char *name)
{
    put_u32(to, (uint32_t)strlen(name));
    put_bytes(to, name, strlen(name));
}

static void put_section(struct bytes *to, uint8_t id, const struct bytes *content)
{
    put(to, id);
    put_u32(to, (uint32_t)content->length);
    put_bytes(to, content->at, content->length);
}

enum { SECTION_CUSTOM, SECTION_TYPE, SECTION_IMPORT, SECTION_FUNC };
enum { SECTION_EXPORT = 7, SECTION_CODE = 10 };
enum { EXTERN_FUNC = 0, FORM_FUNC = 0x60, BLOCK_EMPTY = 0x40 };
enum {
    OP_LOOP = 0x03,
    OP_IF = 0x04,
    OP_END = 0x0b,
    OP_BR = 0x0c,
    OP_CALL = 0x10,
    OP_LOCAL_GET = 0x20,
    OP_LOCAL_TEE = 0x22,
    OP_I32_CONST = 0x41,
    OP_I32_GE_S = 0x4e,
};

static uint8_t value_type(enum tvn_core_kind kind)
{
    static const uint8_t types[] = {
        [TVN_CORE_I32] = 0x7f,
        [TVN_CORE_I64] = 0x7e,
        [TVN_CORE_F32] = 0x7d,
        [TVN_CORE_F64] = 0x7c,
    };
    return types[kind];
}

static void put_types(struct bytes *to, const enum tvn_core_kind *kinds, uint32_t count)
{
    put_u32(to, count);
    for (uint32_t i = 0; i < count; i++) {
        put(to, value_type(kinds[i]));
    }
}

/* The imported functions in their order: the host's, or the guest's. */
struct import {
    const char *name;
    struct tvn_core_signature signature;
    tvn_raw_func host;
    const struct tvn_core_func *guest; /* NULL: `host` */
};
struct imports {
    struct import of[IMPORTS_MAX];
    uint32_t count;
    uint32_t next, realloc, arguments, call, returned, post_return; /* their numbers, if any */
    struct tvn_core_signature callee;
};

static void put_head(struct bytes *module, const struct imports *imports)
{
    static const uint8_t magic[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    put_bytes(module, magic, sizeof(magic));
    struct bytes types = {0};
    struct bytes list = {0};
    put_u32(&types, imports->count + 1);
    put_u32(&list, imports->count);
    for (uint32_t i = 0; i < imports->count; i++) {
        const struct import *import = &imports->of[i];
        put(&types, FORM_FUNC);
        put_types(&types, import->signature.params, import->signature.param_count);
        put_types(&types, import->signature.results, import->signature.result_count);
        put_name(&list, "");
        put_name(&list, import->name);
        put(&list, EXTERN_FUNC);
        put_u32(&list, i);
    }
    put(&types, FORM_FUNC); /* of the loop itself */
    put_types(&types, NULL, 0);
    put_types(&types, NULL, 0);
    put_section(module, SECTION_TYPE, &types);
    put_section(module, SECTION_IMPORT, &list);
}

static void put_call(struct bytes *body, uint32_t func)
{
    put(body, OP_CALL);
    put_u32(body, func);
}

static void put_const(struct bytes *body, uint8_t value)
{
    tvn_assert(value < 0x40); /* one byte as signed LEB128 */
    put(body, OP_I32_CONST);
    put(body, value);
}

static void put_local(struct bytes *body, uint8_t operation, uint8_t local)
{
    put(body, operation);
    put(body, local);
}

/* What happens for one call; local 0 is the length, local 1 the result. */
static void put_one_call(struct bytes *body, const struct imports *imports)
{
    if (imports->callee.param_count > 0) {
        put_const(body, 0);
        put_const(body, 0);
        put_const(body, 1);
        put_local(body, OP_LOCAL_GET, 0);
        put_call(body, imports->realloc);
        put_call(body, imports->arguments);
    }
    put_call(body, imports->call);
    bool has_result = imports->callee.result_count > 0;
    if (has_result) {
        put_local(body, OP_LOCAL_TEE, 1);
    }
    put_call(body, imports->returned);
    if (imports->post_return != 0) {
        if (has_result) {
            put_local(body, OP_LOCAL_GET, 1);
        }
        put_call(body, imports->post_return);
    }
}

static void put_code(struct bytes *module, const struct imports *imports)
{
    struct bytes body = {0};
    bool has_result = imports->callee.result_count > 0;
    put_u32(&body, has_result ? 2 : 1); /* locals: each a run of one */
    put_u32(&body, 1);
    put(&body, value_type(TVN_CORE_I32));
    if (has_result) {
        put_u32(&body, 1);
        put(&body, value_type(imports->callee.results[0]));
    }
    put(&body, OP_LOOP);
    put(&body, BLOCK_EMPTY);
    put_call(&body, imports->next);
    put_local(&body, OP_LOCAL_TEE, 0);
    put_const(&body, 0);
    put(&body, OP_I32_GE_S);
    put(&body, OP_IF);
    put(&body, BLOCK_EMPTY);
    put_one_call(&body, imports);
    put(&body, OP_BR);
    put(&body, 1);
    put(&body, OP_END); /* if */
    put(&body, OP_END); /* loop */
    put(&body, OP_END);

    struct bytes code = {0};
    put_u32(&code, 1);
    put_u32(&code, (uint32_t)body.length);
    put_bytes(&code, body.at, body.length);
    put_section(module, SECTION_CODE, &code);
}

/* Frames of a module of this name are not the user's: see TVN_HELPER_MODULE. */
static void put_module_name(struct bytes *module)
{
    struct bytes custom = {0};
    put_name(&custom, "name");
    put(&custom, 0); /* the subsection of the module's name */
    put_u32(&custom, (uint32_t)strlen(TVN_HELPER_MODULE) + 1);
    put_name(&custom, TVN_HELPER_MODULE);
    put_section(module, SECTION_CUSTOM, &custom);
}

static void put_module(struct bytes *module, const struct imports *imports)
{
    put_head(module, imports);
    struct bytes content = {0};
    put_u32(&content, 1);
    put_u32(&content, imports->count); /* its type is the last */
    put_section(module, SECTION_FUNC, &content);
    content.length = 0;
    put_u32(&content, 1);
    put_name(&content, TVN_HELPER_EXPORT);
    put(&content, EXTERN_FUNC);
    put_u32(&content, imports->count);
    put_section(module, SECTION_EXPORT, &content);
    put_code(module, imports);
    put_module_name(module);
}

/* ---- what it imports ---- */

static uint32_t add_import(struct imports *imports, const struct import *import)
{
    tvn_assert(imports->count < IMPORTS_MAX);
    imports->of[imports->count] = *import;
    return imports->count++;
}

static uint32_t add_guest(struct imports *imports, const char *name,
                          const struct tvn_core_signature *signature,
                          const struct tvn_core_func *func)
{
    return add_import(imports,
                      &(struct import){.name = name, .signature = *signature, .guest = func});
}

static uint32_t add_host(struct imports *imports, const char *name,
                         const struct tvn_core_signature *signature, tvn_raw_func func)
{
    return add_import(imports,
                      &(struct import){.name = name, .signature = *signature, .host = func});
}

static struct tvn_core_signature signature_of(const enum tvn_core_kind *params,
                                              uint32_t param_count,
                                              const enum tvn_core_kind *results,
                                              uint32_t result_count)
{
    struct tvn_core_signature signature = {.param_count = param_count,
                                           .result_count = result_count};
    for (uint32_t i = 0; i < param_count; i++) {
        signature.params[i] = params[i];
    }
    for (uint32_t i = 0; i < result_count; i++) {
        signature.results[i] = results[i];
    }
    return signature;
}

static void collect(const struct tvn_export *export, const struct tvn_call_loop_host *host,
                    struct imports *out)
{
    static const enum tvn_core_kind words[] = {TVN_CORE_I32, TVN_CORE_I32, TVN_CORE_I32,
                                               TVN_CORE_I32};
    struct tvn_core_signature *callee = &out->callee;
    tvn_func_lift_signature(export->type, callee);
    struct tvn_core_signature signature = signature_of(NULL, 0, words, 1);
    out->next = add_host(out, "next", &signature, host->next);
    if (callee->param_count > 0) {
        signature = signature_of(words, 4, words, 1);
        out->realloc = add_guest(out, "realloc", &signature, &export->realloc);
        signature = signature_of(words, 1, callee->params, callee->param_count);
        out->arguments = add_host(out, "arguments", &signature, host->arguments);
    }
    out->call = add_guest(out, "call", callee, &export->core);
    signature = signature_of(callee->results, callee->result_count, NULL, 0);
    out->returned = add_host(out, "returned", &signature, host->returned);
    if (export->has_post_return) {
        out->post_return = add_guest(out, "post-return", &signature, &export->post_return);
    }
}

/* Instantiates the module; only now the instance gets functions of the host. */
static bool instantiate(struct tvn_instance *instance, const struct tvn_helper_code *code,
                        const struct imports *imports, void *env, struct tvn_core_func *out_run)
{
    struct tvn_core_item items[IMPORTS_MAX];
    for (uint32_t i = 0; i < imports->count; i++) {
        const struct import *import = &imports->of[i];
        items[i] = (struct tvn_core_item){.kind = TVN_CORE_EXTERN_FUNC};
        if (import->guest) {
            items[i].of.func = *import->guest;
        } else {
            tvn_core_func_create(instance, &import->signature, import->host, env,
                                 &items[i].of.func);
        }
    }
    return tvn_core_helper(instance, code, items, imports->count, out_run);
}

enum tvn_status tvn_call_loop_create(const struct tvn_export *export,
                                     const struct tvn_call_loop_host *host, void *env,
                                     struct tvn_call_loop **out_loop)
{
    tvn_assert(export && host && out_loop);
    tvn_assert(host->next && host->returned);
    struct tvn_instance *instance = export->guest->instance;
    bool takes_params = export->type->param_count > 0;
    tvn_assert(host->arguments || !takes_params);
    if (instance->dead || instance->has_fuel || export->params_spill ||
        (takes_params && !export->has_realloc) ||
        instance->core_instance_count >= TVN_COMPONENT_CORE_INSTANCES_MAX) {
        return TVN_NOT_FOUND;
    }
    struct imports imports = {0};
    collect(export, host, &imports);
    struct bytes module = {0};
    put_module(&module, &imports);
    const struct tvn_helper_code *code =
        tvn_core_helper_code(instance->engine, module.at, module.length);
    struct tvn_call_loop *loop = code ? TVN_ARENA_NEW(instance->arena, struct tvn_call_loop) : NULL;
    if (!loop || !instantiate(instance, code, &imports, env, &loop->run)) {
        return TVN_NOT_FOUND;
    }
    instance->core_instance_count++;
    loop->instance = instance;
    *out_loop = loop;
    return TVN_OK;
}

void *tvn_call_loop_abort(const struct tvn_export *export)
{
    tvn_assert(export->guest->instance->dead);
    return tvn_core_trap_signal();
}

enum tvn_status tvn_call_loop_run(const struct tvn_call_loop *loop)
{
    union tvn_flat none[1];
    loop->instance->ticks_in_call = 0; /* the loop is entered before its first call begins */
    return tvn_core_call(loop->instance, &loop->run, none, 0);
}
