/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The instance "host" of the scripts that come with one engine: functions that return a number, and
 * resources that remember how they were dropped. Their representation is the number given to the
 * constructor.
 */
#include "programs/wast_runner_internal.h"

static const struct tvn_resource resource1 = {.name = {"resource1", 9}, .index = 0};
static const struct tvn_resource resource2 = {.name = {"resource2", 9}, .index = 1};

/* ---- functions ---- */

static enum tvn_status give_u32(uint32_t number, struct tvn_value *out_result)
{
    *out_result = (struct tvn_value){.type = tvn_type_primitive(TVN_TYPE_U32), .of.u = number};
    return TVN_OK;
}

static enum tvn_status return_two(const struct tvn_call_site *site, const struct tvn_value *args,
                                  uint32_t arg_count, struct tvn_arena *arena,
                                  struct tvn_value *out_result)
{
    (void)site, (void)args, (void)arg_count, (void)arena;
    return give_u32(2, out_result);
}

static enum tvn_status return_three(const struct tvn_call_site *site, const struct tvn_value *args,
                                    uint32_t arg_count, struct tvn_arena *arena,
                                    struct tvn_value *out_result)
{
    (void)site, (void)args, (void)arg_count, (void)arena;
    return give_u32(3, out_result);
}

static enum tvn_status construct(const struct tvn_call_site *site, const struct tvn_value *args,
                                 uint32_t arg_count, struct tvn_arena *arena,
                                 struct tvn_value *out_result)
{
    (void)arg_count, (void)arena;
    *out_result = (struct tvn_value){.type = site->type->result, .of.handle.rep = args[0].of.u};
    return TVN_OK;
}

static enum tvn_status last_drop(const struct tvn_call_site *site, const struct tvn_value *args,
                                 uint32_t arg_count, struct tvn_arena *arena,
                                 struct tvn_value *out_result)
{
    (void)args, (void)arg_count, (void)arena;
    return give_u32(((const struct tvn_wast_run *)site->host)->host.last_drop, out_result);
}

static enum tvn_status drops(const struct tvn_call_site *site, const struct tvn_value *args,
                             uint32_t arg_count, struct tvn_arena *arena,
                             struct tvn_value *out_result)
{
    (void)args, (void)arg_count, (void)arena;
    return give_u32(((const struct tvn_wast_run *)site->host)->host.drops, out_result);
}

/* assert and simple: the first argument must have the representation that the second one says. */
static enum tvn_status check_rep(const struct tvn_call_site *site, const struct tvn_value *args,
                                 uint32_t arg_count, struct tvn_arena *arena,
                                 struct tvn_value *out_result)
{
    (void)arg_count, (void)arena, (void)out_result;
    if (args[0].of.handle.rep != args[1].of.u) {
        return tvn_instance_fail(site->instance, TVN_E_COMPONENT_TRAPPED,
                                 "the resource has another representation");
    }
    return TVN_OK;
}

static enum tvn_status take(const struct tvn_call_site *site, const struct tvn_value *args,
                            uint32_t arg_count, struct tvn_arena *arena,
                            struct tvn_value *out_result)
{
    (void)site, (void)args, (void)arg_count, (void)arena, (void)out_result;
    return TVN_OK;
}

static void note_drop(void *host, struct tvn_guest *guest, uint64_t rep)
{
    (void)guest;
    struct tvn_wast_run *run = host;
    run->host.drops++;
    run->host.last_drop = (uint32_t)rep;
}

/* ---- types ---- */

#define U32 (&tvn_type_primitives[TVN_TYPE_U32])

#define HANDLE(handle_kind, handle_resource) \
    {.kind = (handle_kind),                  \
     .resource = (handle_resource),          \
     .abi_size = 4,                          \
     .abi_align = 4,                         \
     .abi_flat_count = 1,                    \
     .depth = 1,                             \
     .has_handle = true,                     \
     .has_borrow = (handle_kind) == TVN_TYPE_BORROW}
static const struct tvn_type own1 = HANDLE(TVN_TYPE_OWN, &resource1);
static const struct tvn_type borrow1 = HANDLE(TVN_TYPE_BORROW, &resource1);

#define NAME(text) {text, sizeof(text) - 1}
static const struct tvn_field new_params[] = {{.name = NAME("r"), .type = U32}};
static const struct tvn_field assert_params[] = {{.name = NAME("r"), .type = &own1},
                                                 {.name = NAME("rep"), .type = U32}};
static const struct tvn_field simple_params[] = {{.name = NAME("self"), .type = &borrow1},
                                                 {.name = NAME("rep"), .type = U32}};
static const struct tvn_field take_borrow_params[] = {{.name = NAME("self"), .type = &borrow1},
                                                      {.name = NAME("b"), .type = &borrow1}};
static const struct tvn_field take_own_params[] = {{.name = NAME("self"), .type = &borrow1},
                                                   {.name = NAME("b"), .type = &own1}};

static const struct tvn_func host_types[] = {
    {.name = NAME("return-three"), .type = {.result = U32}},
    {.name = NAME("[constructor]resource1"),
     .type = {.params = new_params, .param_count = 1, .result = &own1}},
    {.name = NAME("[static]resource1.assert"), .type = {.params = assert_params, .param_count = 2}},
    {.name = NAME("[static]resource1.last-drop"), .type = {.result = U32}},
    {.name = NAME("[static]resource1.drops"), .type = {.result = U32}},
    {.name = NAME("[method]resource1.simple"), .type = {.params = simple_params, .param_count = 2}},
    {.name = NAME("[method]resource1.take-borrow"),
     .type = {.params = take_borrow_params, .param_count = 2}},
    {.name = NAME("[method]resource1.take-own"),
     .type = {.params = take_own_params, .param_count = 2}},
};
static const struct tvn_host_func host_funcs[] = {
    {.name = "return-three", .dynamic = return_three},
    {.name = "[constructor]resource1", .dynamic = construct},
    {.name = "[static]resource1.assert", .dynamic = check_rep},
    {.name = "[static]resource1.last-drop", .dynamic = last_drop},
    {.name = "[static]resource1.drops", .dynamic = drops},
    {.name = "[method]resource1.simple", .dynamic = check_rep},
    {.name = "[method]resource1.take-borrow", .dynamic = take},
    {.name = "[method]resource1.take-own", .dynamic = take},
};
static const struct tvn_type_item host_type_items[] = {
    {.kind = TVN_TYPE_ITEM_RESOURCE, .name = NAME("resource1"), .resource = &resource1},
    {.kind = TVN_TYPE_ITEM_RESOURCE, .name = NAME("resource2"), .resource = &resource2},
};
static const struct tvn_host_resource host_resources[] = {
    {.name = "resource1", .drop = note_drop},
    {.name = "resource2", .drop = note_drop},
};
static const struct tvn_interface host_interface = {
    .name = NAME("host"),
    .id = NAME("host"),
    .types = host_type_items,
    .type_count = TVN_ARRAY_LEN(host_type_items),
    .funcs = host_types,
    .func_count = TVN_ARRAY_LEN(host_types),
};

static const struct tvn_func root_types[] = {
    {.name = NAME("host-return-two"), .type = {.result = U32}}};
static const struct tvn_host_func root_funcs[] = {
    {.name = "host-return-two", .dynamic = return_two}};
static const struct tvn_interface root_interface = {
    .name = NAME(""), .id = NAME(""), .funcs = root_types, .func_count = TVN_ARRAY_LEN(root_types)};

bool tvn_wast_offer_host(struct tvn_imports *imports, bool with_instance)
{
    return tvn_imports_add(imports, &root_interface, root_funcs, TVN_ARRAY_LEN(root_funcs), NULL, 0,
                           TVN_WAST_CONTEXT_HOST) == TVN_OK &&
           (!with_instance ||
            tvn_imports_add(imports, &host_interface, host_funcs, TVN_ARRAY_LEN(host_funcs),
                            host_resources, TVN_ARRAY_LEN(host_resources),
                            TVN_WAST_CONTEXT_HOST) == TVN_OK);
}
