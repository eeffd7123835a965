/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traps by class: scripts quote the words of one implementation, and of older versions of it. A
 * text belongs to the class of the first row whose words it contains.
 */
#include "programs/wast_runner_internal.h"

enum trap_class {
    CLASS_NONE,
    CLASS_UNREACHABLE,
    CLASS_DIVISION,
    CLASS_OVERFLOW,
    CLASS_CONVERSION,
    CLASS_MEMORY,
    CLASS_TABLE,
    CLASS_ELEMENT,
    CLASS_SIGNATURE,
    CLASS_STACK,
    CLASS_NULL,
    CLASS_ATOMIC,
    CLASS_ALLOCATION,
    CLASS_EXCEPTION,
    CLASS_HANDLE_UNKNOWN,
    CLASS_HANDLE_TYPE,
    CLASS_HANDLE_LENT,
    CLASS_HANDLE_BORROW,
    CLASS_BORROWS_REMAIN,
    CLASS_POINTER_UNALIGNED,
    CLASS_POINTER_BOUNDS,
    CLASS_UTF8,
    CLASS_UTF16,
    CLASS_CHAR,
    CLASS_DISCRIMINANT,
    CLASS_LEAVE,
    CLASS_ENTER,
};

static const struct trap_row {
    const char *words;
    enum trap_class class;
} trap_rows[] = {
    {"realloc return: beyond end of memory", CLASS_POINTER_BOUNDS},
    {"realloc return: result not aligned", CLASS_POINTER_UNALIGNED},
    {"cannot leave component instance", CLASS_LEAVE},
    {"cannot enter component instance", CLASS_ENTER},
    {"cannot remove owned resource while borrowed", CLASS_HANDLE_LENT},
    {"resource handle is lent", CLASS_HANDLE_LENT},
    {"unknown handle index", CLASS_HANDLE_UNKNOWN},
    {"unknown resource handle", CLASS_HANDLE_UNKNOWN},
    {"handle index is not", CLASS_HANDLE_UNKNOWN},
    {"used with the wrong type", CLASS_HANDLE_TYPE},
    {"cannot lift own resource from a borrow", CLASS_HANDLE_BORROW},
    {"must be owned", CLASS_HANDLE_BORROW},
    {"borrow handles still remain at the end of the call", CLASS_BORROWS_REMAIN},
    {"unaligned pointer", CLASS_POINTER_UNALIGNED},
    {"pointer not aligned", CLASS_POINTER_UNALIGNED},
    {"pointer is not aligned", CLASS_POINTER_UNALIGNED},
    {"string pointer/length out of bounds of memory", CLASS_POINTER_BOUNDS},
    {"string content out-of-bounds", CLASS_POINTER_BOUNDS},
    {"list content out-of-bounds", CLASS_POINTER_BOUNDS},
    {"list pointer/length out of bounds of memory", CLASS_POINTER_BOUNDS},
    {"pointer out of bounds of memory", CLASS_POINTER_BOUNDS},
    {"out of bounds of memory", CLASS_POINTER_BOUNDS},
    {"utf-8", CLASS_UTF8},
    {"utf8", CLASS_UTF8},
    {"unpaired surrogate", CLASS_UTF16},
    {"utf-16", CLASS_UTF16},
    {"utf16", CLASS_UTF16},
    {"`char` bit pattern", CLASS_CHAR},
    {"out of range for `char`", CLASS_CHAR},
    {"invalid variant discriminant", CLASS_DISCRIMINANT},
    {"unexpected discriminant", CLASS_DISCRIMINANT},
    {"invalid discriminant", CLASS_DISCRIMINANT},
    {"out of range [0..", CLASS_DISCRIMINANT},
    {"unreachable", CLASS_UNREACHABLE},
    {"integer divide by zero", CLASS_DIVISION},
    {"integer overflow", CLASS_OVERFLOW},
    {"invalid conversion to integer", CLASS_CONVERSION},
    {"out of bounds memory access", CLASS_MEMORY},
    {"memory out of bounds", CLASS_MEMORY},
    {"out of bounds table access", CLASS_TABLE},
    {"table out of bounds", CLASS_TABLE},
    {"undefined element", CLASS_TABLE},
    {"uninitialized element", CLASS_ELEMENT},
    {"indirect call type mismatch", CLASS_SIGNATURE},
    {"call stack exhausted", CLASS_STACK},
    {"null reference", CLASS_NULL},
    {"null function reference", CLASS_NULL},
    {"unaligned atomic", CLASS_ATOMIC},
    {"allocation too large", CLASS_ALLOCATION},
    {"allocation size too large", CLASS_ALLOCATION},
    {"unhandled exception", CLASS_EXCEPTION},
    {"uncaught exception", CLASS_EXCEPTION},
    {"thrown Wasm exception", CLASS_EXCEPTION},
};

static bool contains(struct tvn_str text, const char *words)
{
    return text.len > 0 && memmem(text.ptr, text.len, words, strlen(words)) != NULL;
}

static enum trap_class class_of(struct tvn_str text)
{
    for (size_t i = 0; i < TVN_ARRAY_LEN(trap_rows); i++) {
        if (contains(text, trap_rows[i].words)) {
            return trap_rows[i].class;
        }
    }
    return CLASS_NONE;
}

bool tvn_wast_same_trap(struct tvn_str expected, struct tvn_str actual)
{
    if (expected.len == 0) {
        return true;
    }
    enum trap_class class = class_of(expected);
    if (class != CLASS_NONE) {
        return class == class_of(actual);
    }
    return memmem(actual.ptr, actual.len, expected.ptr, expected.len) != NULL;
}
