/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Interface values as a tree, for dynamic calls: tests, tools, cold host functions. The hot path
 * never builds one.
 *
 * Memory: everything a value points to lives in the arena of the call, or is lent by the caller for
 * an argument.
 */
#include "contracts/type.h"

struct tvn_value;

struct tvn_value_list {
    struct tvn_value *items;
    uint32_t count;
};

struct tvn_value {
    const struct tvn_type *type; /* set by lifting; lowering takes the type from the function */
    union {
        bool boolean;
        int64_t s;    /* S8 … S64 */
        uint64_t u;   /* U8 … U64; FLAGS: bit per label */
        uint32_t f32; /* bits */
        uint64_t f64; /* bits */
        uint32_t code_point;
        struct tvn_str string;      /* UTF-8 */
        struct tvn_value_list list; /* LIST, RECORD, TUPLE: in order */
        struct {
            uint32_t index; /* VARIANT, ENUM: case; OPTION: 1 is some; RESULT: 0 ok, 1 err */
            struct tvn_value *value; /* NULL when the case has none */
        } variant;
        struct tvn_str bytes; /* list<u8> is given and taken as bytes: `is_bytes` */
        struct {
            uint64_t rep;
            const struct tvn_resource_rt *type;
            uint32_t guest_handle; /* of a guest-defined resource held by the host */
        } handle;
    } of;
    bool is_bytes; /* LIST of u8 given as of.bytes */
};

bool tvn_value_equal(const struct tvn_value *a, const struct tvn_value *b);
/* WAVE-like text: {a: 1, b: "x"}, some(1), ok, [1, 2]. */
void tvn_value_print(const struct tvn_value *value, struct tvn_strbuf *out);
