/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Methods of filesystem and sockets: cold functions that answer result<T, error-code>, written as
 * "do it, return 0 or an error number". TVN_WASI_METHOD makes the function that the ABI wants of
 * one; each interface maps its error numbers to its own error-code.
 */
#include "wasi/context_internal.h"
#include "wasi/value_internal.h"

#include <limits.h>

/* A method's answer after tvn_instance_fail: the guest traps. */
#define TVN_WASI_CALL_TRAPPED INT_MIN

struct tvn_wasi_call {
    const struct tvn_call_site *site;
    struct tvn_wasi *wasi;
    const struct tvn_value *args;
    struct tvn_arena *arena;
    struct tvn_value *value; /* what ok carries, if anything; zero before */
    bool has_value;
};

typedef int (*tvn_wasi_method)(struct tvn_wasi_call *call);
/* COLD PATH. 0 is not asked. The case of the interface's error-code. */
typedef uint32_t (*tvn_wasi_error_code)(int error);

// COLD PATH. Runs the method; ok, or err with the code.
enum tvn_status tvn_wasi_answer(const struct tvn_call_site *site, const struct tvn_value *args,
                                struct tvn_arena *arena, tvn_wasi_method method,
                                tvn_wasi_error_code code_of, struct tvn_value *out_result);

#define TVN_WASI_METHOD(name, code_of)                                                          \
    static int name##_method(struct tvn_wasi_call *call);                                       \
    static enum tvn_status name(const struct tvn_call_site *site, const struct tvn_value *args, \
                                uint32_t arg_count, struct tvn_arena *arena,                    \
                                struct tvn_value *out_result)                                   \
    {                                                                                           \
        (void)arg_count;                                                                        \
        return tvn_wasi_answer(site, args, arena, name##_method, code_of, out_result);          \
    }                                                                                           \
    static int name##_method(struct tvn_wasi_call *call)

/* The host's object behind argument `index`. */
static inline void *tvn_wasi_call_object(const struct tvn_wasi_call *call, uint32_t index)
{
    return tvn_wasi_object_of(call->args[index].of.handle.rep);
}
static inline void tvn_wasi_call_return(struct tvn_wasi_call *call, struct tvn_value value)
{
    *call->value = value;
    call->has_value = true;
}
static inline void tvn_wasi_call_return_own(struct tvn_wasi_call *call,
                                            enum tvn_wasi_resource resource, const void *object)
{
    tvn_wasi_call_return(
        call, tvn_wasi_handle(call->wasi->world->resources[resource], tvn_wasi_rep_of(object)));
}
