/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Lifting and lowering of value trees, as the Canonical ABI defines them.
 *
 * Lifting copies everything into the arena, charged to `budget` before it is allocated. Lowering
 * allocates guest memory by the guest's realloc and never keeps a guest pointer over such a call.
 * Every function returns false after recording the fault.
 */
#include "component/instance_internal.h"

/* Handles lent as borrows to a call between component instances; their lends end with the call. */
#define TVN_LENDS_INLINE 8
struct tvn_lends {
    uint32_t count;
    uint32_t capacity; /* of more */
    uint32_t inline_indices[TVN_LENDS_INLINE];
    uint32_t *more; /* those that do not fit; heap */
};

struct tvn_canon {
    struct tvn_instance *instance;       /* for faults */
    struct tvn_guest *guest;             /* whose handle table; NULL: handles trap */
    struct tvn_guest_mem *mem;           /* NULL: values with pointers trap */
    const struct tvn_core_func *realloc; /* NULL: none */
    const struct tvn_rt_scope *scope;    /* for the types' resources */
    enum tvn_string_encoding encoding;
    /* Of the component whose strings are lowered; UTF-8 for the host's. It decides about realloc.
     */
    enum tvn_string_encoding source_encoding;
    struct tvn_arena **arena; /* made on first use; the caller destroys it */
    size_t budget;            /* host bytes that lifting may still allocate */
    struct tvn_lends *lends;  /* NULL: the borrower is the host */
    uint32_t owns_lowered;    /* own handles that lowering has put into the guest's table so far */
    /* Tests: stands in for the guest's realloc. */
    bool (*fake_realloc)(void *context, uint32_t old_offset, uint32_t old_length,
                         uint32_t alignment, uint32_t new_length, uint32_t *out_offset);
    void *fake_context;
};

void tvn_canon_init(struct tvn_canon *cx, const struct tvn_rt_scope *scope,
                    struct tvn_guest_mem *mem, const struct tvn_core_func *realloc,
                    enum tvn_string_encoding encoding, struct tvn_arena **arena);

/* ---- canon_lift.c ---- */

/* Reads the next values of `slots` from *position on. The type flattens to at most
 * TVN_TYPE_FLAT_MAX values. */
TVN_NODISCARD bool tvn_lift_flat(struct tvn_canon *cx, const struct tvn_type *type,
                                 const union tvn_flat *slots, uint32_t *position,
                                 struct tvn_value *out_value);
/* Reads a value from guest memory: checks alignment and bounds. */
TVN_NODISCARD bool tvn_lift_memory(struct tvn_canon *cx, const struct tvn_type *type,
                                   uint32_t offset, struct tvn_value *out_value);
/* Parameters of a function: flat, or behind slots[0] when there are too many. *position ends behind
 * them. */
TVN_NODISCARD bool tvn_lift_params(struct tvn_canon *cx, const struct tvn_func_type *type,
                                   const union tvn_flat *slots, uint32_t *position,
                                   struct tvn_value *out_values);
/* The result of a lifted function: flat in slots[0], or behind it. */
TVN_NODISCARD bool tvn_lift_result(struct tvn_canon *cx, const struct tvn_func_type *type,
                                   const union tvn_flat *slots, struct tvn_value *out_value);
/* Bytes out of the arena, charged. NULL after recording the fault. */
void *tvn_canon_alloc(struct tvn_canon *cx, uint64_t count, size_t item_bytes);

/* The payload type of a case of a variant, enum, option or result; NULL when it has none. */
const struct tvn_type *tvn_case_type(const struct tvn_type *type, uint32_t index);

/* ---- canon_lower.c ---- */

TVN_NODISCARD bool tvn_lower_flat(struct tvn_canon *cx, const struct tvn_type *type,
                                  const struct tvn_value *value, union tvn_flat *slots,
                                  uint32_t *position);
TVN_NODISCARD bool tvn_lower_memory(struct tvn_canon *cx, const struct tvn_type *type,
                                    const struct tvn_value *value, uint32_t offset);
TVN_NODISCARD bool tvn_lower_params(struct tvn_canon *cx, const struct tvn_func_type *type,
                                    const struct tvn_value *values, union tvn_flat *slots);
/* The result of a lowered function: slots[0], or the memory at `out_offset`. */
TVN_NODISCARD bool tvn_lower_result(struct tvn_canon *cx, const struct tvn_func_type *type,
                                    const struct tvn_value *value, union tvn_flat *slots,
                                    uint32_t out_offset);
TVN_NODISCARD bool tvn_canon_realloc(struct tvn_canon *cx, uint32_t old_offset, uint32_t old_length,
                                     uint32_t alignment, uint32_t new_length, uint32_t *out_offset);

/* ---- canon_string.c ---- */

TVN_NODISCARD bool tvn_lift_string(struct tvn_canon *cx, uint32_t offset, uint32_t tagged_units,
                                   struct tvn_str *out_text);
TVN_NODISCARD bool tvn_lower_string(struct tvn_canon *cx, struct tvn_str text, uint32_t *out_offset,
                                    uint32_t *out_tagged_units);

/* ---- canon_own.c ---- */

/*
 * After a failure: drops the host resources of the own handles in `values`, which belong to nobody
 * now. The first `skip` (in the order of lowering) are left alone. Values that were never reached
 * are zero.
 */
void tvn_canon_abandon_params(const struct tvn_canon *cx, const struct tvn_func_type *type,
                              const struct tvn_value *values, uint32_t skip);
void tvn_canon_abandon_result(const struct tvn_canon *cx, const struct tvn_func_type *type,
                              const struct tvn_value *value, uint32_t skip);

/* ---- canon_layout.c ---- */

/* Flat parameter values, saturated at TVN_TYPE_FLAT_MAX + 1. */
uint32_t tvn_func_flat_params(const struct tvn_func_type *type);
uint32_t tvn_func_flat_results(const struct tvn_func_type *type);
/* The parameters as a tuple in memory. */
void tvn_func_params_layout(const struct tvn_func_type *type, uint64_t *out_size,
                            uint32_t *out_align);
/* The core function behind a lifted or in front of a lowered function. */
void tvn_func_lift_signature(const struct tvn_func_type *type,
                             struct tvn_core_signature *out_signature);
void tvn_func_lower_signature(const struct tvn_func_type *type,
                              struct tvn_core_signature *out_signature);

/* ---- lends ---- */

TVN_NODISCARD bool tvn_lends_add(struct tvn_lends *lends, uint32_t index);
void tvn_lends_release(struct tvn_lends *lends, struct tvn_guest *guest);
