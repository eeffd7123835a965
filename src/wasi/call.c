/* SPDX-License-Identifier: Apache-2.0 */
#include "wasi/call_internal.h"

enum { RESULT_OK, RESULT_ERR };

enum tvn_status tvn_wasi_answer(const struct tvn_call_site *site, const struct tvn_value *args,
                                struct tvn_arena *arena, tvn_wasi_method method,
                                tvn_wasi_error_code code_of, struct tvn_value *out_result)
{
    /* Room for the answer comes first: what a method made could not be given back after it. */
    struct tvn_value *value = TVN_ARENA_NEW(arena, struct tvn_value);
    if (!value) {
        return tvn_wasi_fail(site, TVN_E_OUT_OF_MEMORY);
    }
    *value = (struct tvn_value){0};
    struct tvn_wasi_call call = {
        .site = site, .wasi = site->host, .args = args, .arena = arena, .value = value};
    int error = method(&call);
    if (error == TVN_WASI_CALL_TRAPPED) {
        const struct tvn_fault *fault = tvn_instance_fault(site->instance);
        tvn_assert(fault->code != TVN_OK);
        return fault->code;
    }
    *out_result = (struct tvn_value){.of.variant = {.index = RESULT_OK}};
    if (error != 0) {
        *value = tvn_wasi_case(code_of(error));
        out_result->of.variant.index = RESULT_ERR;
    }
    if (error != 0 || call.has_value) {
        out_result->of.variant.value = value;
    }
    return TVN_OK;
}
