/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Result values of cold host functions, made in the call's arena. Each returns false when memory is
 * exhausted. */
#include "component/value.h"

#include <string.h>

static inline struct tvn_value tvn_wasi_u64(uint64_t number)
{
    return (struct tvn_value){.of.u = number};
}
static inline struct tvn_value tvn_wasi_string(struct tvn_str text)
{
    return (struct tvn_value){.of.string = text};
}
static inline struct tvn_value tvn_wasi_bytes(const void *bytes, size_t length)
{
    return (struct tvn_value){.of.bytes = {bytes, length}, .is_bytes = true};
}
static inline struct tvn_value tvn_wasi_handle(const struct tvn_resource_rt *type, uint64_t rep)
{
    return (struct tvn_value){.of.handle = {.rep = rep, .type = type}};
}
/* A case without a value: an enum's label, none, ok or err without payload. */
static inline struct tvn_value tvn_wasi_case(uint32_t index)
{
    return (struct tvn_value){.of.variant = {.index = index}};
}
/* A case with a value. */
TVN_NODISCARD static inline bool tvn_wasi_case_of(struct tvn_arena *arena, uint32_t index,
                                                  struct tvn_value payload,
                                                  struct tvn_value *out_value)
{
    struct tvn_value *copy = TVN_ARENA_NEW(arena, struct tvn_value);
    if (!copy) {
        return false;
    }
    *copy = payload;
    *out_value = (struct tvn_value){.of.variant = {.index = index, .value = copy}};
    return true;
}
/* A list, record or tuple; items are zero. */
TVN_NODISCARD static inline bool tvn_wasi_items(struct tvn_arena *arena, uint32_t count,
                                                struct tvn_value *out_value)
{
    struct tvn_value *items = TVN_ARENA_ARRAY(arena, struct tvn_value, count > 0 ? count : 1);
    if (!items) {
        return false;
    }
    *out_value = (struct tvn_value){.of.list = {.items = items, .count = count}};
    return true;
}
