/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "base/str.h"
#include "component/helper_internal.h"
#include "component/wasmtime/engine_internal.h"

#include <inttypes.h>
#include <stdio.h>

#define FRAMES_SHOWN     3
#define FAULT_TEXT_BYTES TVN_FAULT_TEXT_MAX

/* In the words of the WebAssembly specification and its test suite. */
static const char *trap_text(wasmtime_trap_code_t code)
{
    switch (code) {
    case WASMTIME_TRAP_CODE_STACK_OVERFLOW:
        return "call stack exhausted";
    case WASMTIME_TRAP_CODE_MEMORY_OUT_OF_BOUNDS:
        return "out of bounds memory access";
    case WASMTIME_TRAP_CODE_HEAP_MISALIGNED:
        return "unaligned atomic";
    case WASMTIME_TRAP_CODE_TABLE_OUT_OF_BOUNDS:
        return "undefined element: out of bounds table access";
    case WASMTIME_TRAP_CODE_INDIRECT_CALL_TO_NULL:
        return "uninitialized element";
    case WASMTIME_TRAP_CODE_BAD_SIGNATURE:
        return "indirect call type mismatch";
    case WASMTIME_TRAP_CODE_INTEGER_OVERFLOW:
        return "integer overflow";
    case WASMTIME_TRAP_CODE_INTEGER_DIVISION_BY_ZERO:
        return "integer divide by zero";
    case WASMTIME_TRAP_CODE_BAD_CONVERSION_TO_INTEGER:
        return "invalid conversion to integer";
    case WASMTIME_TRAP_CODE_UNREACHABLE_CODE_REACHED:
        return "unreachable instruction executed";
    case WASMTIME_TRAP_CODE_NULL_REFERENCE:
        return "null reference";
    case WASMTIME_TRAP_CODE_ALLOCATION_TOO_LARGE:
        return "allocation too large";
    default:
        return "trap";
    }
}

static void add_frame(struct tvn_strbuf *text, const wasm_frame_t *frame, bool first)
{
    tvn_strbuf_add_text(text, first ? " in " : ", called from ");
    const wasm_name_t *name = wasmtime_frame_func_name(frame);
    if (name && name->size > 0) {
        tvn_strbuf_add_char(text, '\'');
        tvn_strbuf_add(text, name->data, name->size);
        tvn_strbuf_add_char(text, '\'');
    } else {
        tvn_strbuf_printf(text, "core function %" PRIu32, wasm_frame_func_index(frame));
    }
    size_t offset = wasm_frame_module_offset(frame);
    if (offset != SIZE_MAX) {
        tvn_strbuf_printf(text, " at 0x%zx", offset);
    }
}

static bool is_of_helper(const wasm_frame_t *frame)
{
    const wasm_name_t *module = wasmtime_frame_module_name(frame);
    return module && tvn_str_is((struct tvn_str){module->data, module->size}, TVN_HELPER_MODULE);
}

static void add_trace(struct tvn_strbuf *text, wasm_frame_vec_t *frames)
{
    size_t shown = 0;
    for (size_t i = 0; i < frames->size && shown < FRAMES_SHOWN; i++) {
        if (!is_of_helper(frames->data[i])) {
            add_frame(text, frames->data[i], shown == 0);
            shown++;
        }
    }
    wasm_frame_vec_delete(frames);
}

void tvn_core_error_text(wasmtime_error_t *error, char *text, size_t size)
{
    wasm_name_t message;
    wasmtime_error_message(error, &message);
    snprintf(text, size, "%.*s", (int)message.size, message.data);
    wasm_byte_vec_delete(&message);
    wasmtime_error_delete(error);
    /* "outer\n\nCaused by:\n    inner" on one line */
    char *to = text;
    for (const char *from = text; *from; from++) {
        bool space = *from == '\n' || *from == ' ';
        if (!space) {
            *to++ = *from;
        } else if (to > text && to[-1] != ' ') {
            *to++ = ' ';
        }
    }
    *to = '\0';
}

static enum tvn_status record_trap(struct tvn_instance *instance, const wasm_trap_t *trap)
{
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_strbuf_init(&text, FAULT_TEXT_BYTES);
    wasmtime_trap_code_t code = 0;
    bool known = wasmtime_trap_code(trap, &code);
    if (known && code == WASMTIME_TRAP_CODE_OUT_OF_FUEL) {
        return tvn_instance_fail(instance, TVN_E_COMPONENT_TIMEOUT,
                                 "the call used up its fuel of %" PRIu64, instance->fuel);
    }
    if (known) {
        tvn_strbuf_add_text(&text, trap_text(code));
    } else {
        wasm_message_t message;
        wasm_trap_message(trap, &message);
        tvn_strbuf_add(&text, message.data, message.size);
        wasm_byte_vec_delete(&message);
    }
    wasm_frame_vec_t frames;
    wasm_trap_trace(trap, &frames);
    add_trace(&text, &frames);
    return tvn_instance_fail(instance, TVN_E_COMPONENT_TRAPPED, "%s", tvn_strbuf_text(&text));
}

enum tvn_status tvn_core_fail(struct tvn_instance *instance, wasmtime_error_t *error,
                              wasm_trap_t *trap)
{
    tvn_assert(error || trap);
    if (trap) {
        if (!instance->dead) {
            record_trap(instance, trap);
        }
        wasm_trap_delete(trap);
    }
    if (error) {
        if (instance
                ->dead) { /* a host function's signal, or the deadline's: recorded at its origin */
            wasmtime_error_delete(error);
        } else {
            char text[FAULT_TEXT_BYTES];
            tvn_core_error_text(error, text, sizeof(text));
            tvn_instance_fail(instance, TVN_E_COMPONENT_TRAPPED, "%s", text);
        }
    }
    return instance->fault.code;
}

enum tvn_status tvn_core_call(struct tvn_instance *instance, const struct tvn_core_func *func,
                              union tvn_flat *slots, size_t slot_count)
{
    wasm_trap_t *trap = NULL;
    /* SAFETY: the images have the engine's sizes and alignments (engine_internal.h), the function
     * belongs to this store, and its signature was compared when it was linked. */
    wasmtime_error_t *error = wasmtime_func_call_unchecked(instance->context, (const void *)func,
                                                           (void *)slots, slot_count, &trap);
    if (TVN_LIKELY(!error && !trap)) {
        return TVN_OK;
    }
    return tvn_core_fail(instance, error, trap);
}

void *tvn_core_trap_signal(void)
{
    static const char text[] = "host function failed";
    return wasmtime_trap_new(text, sizeof(text) - 1);
}

void *tvn_core_trap_empty_slot(void)
{
    return wasmtime_trap_new_code(WASMTIME_TRAP_CODE_INDIRECT_CALL_TO_NULL);
}
