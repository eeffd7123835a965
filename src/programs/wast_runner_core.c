/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Core modules in scripts: the component layer runs components only, so a module gets a component
 * around it, whose bytes are put together here.
 */
#include "programs/wast_runner_internal.h"

#include <stdio.h>

#define SECTION_CORE_MODULE   1
#define SECTION_CORE_INSTANCE 2
#define SECTION_ALIAS         6
#define SECTION_TYPE          7
#define SECTION_CANON         8
#define SECTION_EXPORT        11

#define FLAT_PARAMS_MAX 16 /* of a lifted function without memory */

static const char component_preamble[8] = {0, 'a', 's', 'm', 0x0d, 0, 1, 0};
static const char module_preamble[8] = {0, 'a', 's', 'm', 1, 0, 0, 0};

bool tvn_wast_is_core_module(const uint8_t *bytes, size_t length)
{
    return length >= sizeof(module_preamble) &&
           memcmp(bytes, module_preamble, sizeof(module_preamble)) == 0;
}

/* ---- writing ---- */

static void add_u32(struct tvn_strbuf *out, size_t value)
{
    do {
        tvn_strbuf_add_char(out, (char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0)));
        value >>= 7;
    } while (value > 0);
}

static void add_bytes(struct tvn_strbuf *out, const char *bytes, size_t length)
{
    add_u32(out, length);
    tvn_strbuf_add(out, bytes, length);
}

static void add_section(struct tvn_strbuf *out, char id, const struct tvn_strbuf *content)
{
    tvn_strbuf_add_char(out, id);
    add_bytes(out, tvn_strbuf_text(content), content->len);
}

enum tvn_status tvn_wast_wrap_module(const uint8_t *bytes, size_t length, struct tvn_strbuf *out)
{
    tvn_strbuf_add(out, component_preamble, sizeof(component_preamble));
    tvn_strbuf_add_char(out, SECTION_CORE_MODULE);
    add_bytes(out, (const char *)bytes, length);
    return out->failed ? TVN_E_OUT_OF_MEMORY : TVN_OK;
}

/* ---- lifting ---- */

/* The component's type for bits of a core value type; 0 when there is none. */
static char lifted_type(uint8_t core)
{
    switch (core) {
    case 0x7f:
        return 0x79; /* i32: u32 */
    case 0x7e:
        return 0x77; /* i64: u64 */
    case 0x7d:
        return 0x76; /* f32 */
    case 0x7c:
        return 0x75; /* f64 */
    default:
        return 0;
    }
}

static bool can_lift(const struct tvn_core_extern *export)
{
    if (export->kind != TVN_CORE_EXTERN_FUNC || export->func->param_count > FLAT_PARAMS_MAX ||
        export->func->result_count > 1) {
        return false;
    }
    bool good = export->func->result_count == 0 || lifted_type(export->func->results[0]) != 0;
    for (uint32_t i = 0; good && i < export->func->param_count; i++) {
        good = lifted_type(export->func->params[i]) != 0;
    }
    return good;
}

static void add_func_type(struct tvn_strbuf *out, const struct tvn_core_func_type *type)
{
    tvn_strbuf_add_char(out, 0x40);
    add_u32(out, type->param_count);
    for (uint32_t i = 0; i < type->param_count; i++) {
        char name[16];
        int length = snprintf(name, sizeof(name), "p%u", (unsigned)i);
        add_bytes(out, name, (size_t)length);
        tvn_strbuf_add_char(out, lifted_type(type->params[i]));
    }
    if (type->result_count == 1) {
        tvn_strbuf_add_char(out, 0);
        tvn_strbuf_add_char(out, lifted_type(type->results[0]));
    } else {
        tvn_strbuf_add(out, "\1\0", 2);
    }
}

static void lift_export(struct tvn_strbuf *out, const struct tvn_core_extern *export,
                        uint32_t number, uint32_t lifted)
{
    TVN_AUTO_VALUE(tvn_strbuf) section = {0};
    tvn_strbuf_add(&section, "\1\0\0\1\0", 5); /* one alias: core func, export of instance 0 */
    add_bytes(&section, export->name.ptr, export->name.len);
    add_section(out, SECTION_ALIAS, &section);

    tvn_strbuf_reset(&section);
    tvn_strbuf_add_char(&section, 1);
    add_func_type(&section, export->func);
    add_section(out, SECTION_TYPE, &section);

    tvn_strbuf_reset(&section);
    tvn_strbuf_add(&section, "\1\0\0", 3); /* one lift */
    add_u32(&section, lifted);             /* the core function */
    add_u32(&section, 0);                  /* no options */
    add_u32(&section, lifted);             /* the type */
    add_section(out, SECTION_CANON, &section);

    char name[16];
    int length = snprintf(name, sizeof(name), "f%u", (unsigned)number);
    tvn_strbuf_reset(&section);
    tvn_strbuf_add(&section, "\1\0", 2);
    add_bytes(&section, name, (size_t)length);
    tvn_strbuf_add_char(&section, 1); /* a func */
    add_u32(&section, (size_t)lifted * 2);
    tvn_strbuf_add_char(&section, 0); /* no type ascribed */
    add_section(out, SECTION_EXPORT, &section);
    out->failed = out->failed || section.failed;
}

bool tvn_wast_lift_module(const uint8_t *bytes, size_t length,
                          const struct tvn_core_module_type *type, struct tvn_strbuf *out)
{
    if (type->import_count > 0) {
        return false;
    }
    TVN_AUTO_VALUE(tvn_strbuf) instance = {0};
    out->failed = tvn_wast_wrap_module(bytes, length, out) != TVN_OK;
    tvn_strbuf_add(&instance, "\1\0\0\0", 4); /* one instance: of module 0, without arguments */
    add_section(out, SECTION_CORE_INSTANCE, &instance);
    uint32_t lifted = 0;
    for (uint32_t i = 0; i < type->export_count; i++) {
        if (can_lift(&type->exports[i])) {
            lift_export(out, &type->exports[i], i, lifted++);
        }
    }
    return true;
}

const struct tvn_export *tvn_wast_find_core_export(const struct tvn_wast_instance *instance,
                                                   struct tvn_str field)
{
    const struct tvn_document *document = tvn_component_document(instance->definition->component);
    const struct tvn_core_module_type *type = &document->modules[0].type;
    for (uint32_t i = 0; i < type->export_count; i++) {
        if (tvn_str_equal(type->exports[i].name, field)) {
            char name[16];
            (void)snprintf(name, sizeof(name), "f%u", (unsigned)i);
            return tvn_instance_find_export(instance->instance, TVN_STR(""), tvn_str_of(name));
        }
    }
    return NULL;
}
