/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The few compiler extensions that the house style is built on: ownership by cleanup attributes,
 * checked results, printf-checked variadics.
 */
#include <stddef.h>

#define TVN_NODISCARD                    __attribute__((warn_unused_result))
#define TVN_PRINTF(fmt_index, first_arg) __attribute__((format(printf, fmt_index, first_arg)))
#define TVN_NORETURN                     __attribute__((noreturn))
#define TVN_UNUSED                       __attribute__((unused))
#define TVN_COLD                         __attribute__((cold, noinline))
#define TVN_NOINLINE                     __attribute__((noinline))
#define TVN_ALWAYS_INLINE                inline __attribute__((always_inline))
#define TVN_LIKELY(condition)            __builtin_expect(!!(condition), 1)
#define TVN_UNLIKELY(condition)          __builtin_expect(!!(condition), 0)

/* Between data and consumer: the linker places these functions side by side, so that a thread that
 * wakes up with cold caches finds them in few pages. */
#define TVN_HOT __attribute__((hot))

/* Marks a parameter whose ownership moves to the callee, but only when the call returns TVN_OK. */
#define TVN_TAKEN

#define TVN_ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))
#define TVN_CONTAINER_OF(ptr, type, member) \
    ((type *)(void *)((char *)(ptr) - offsetof(type, member)))

/*
 * TVN_DEFINE_CLEANUP(tvn_queue, tvn_queue_destroy) lets a local own a heap object:
 *     TVN_AUTO(tvn_queue) queue = NULL;
 * and TVN_TAKE(queue) moves it out.
 */
#define TVN_DEFINE_CLEANUP(name, destroy)                    \
    static inline void name##_cleanup_(struct name **object) \
    {                                                        \
        if (*object) {                                       \
            destroy(*object);                                \
        }                                                    \
    }
#define TVN_AUTO(name) __attribute__((cleanup(name##_cleanup_))) struct name *

/* The same for structs by value with init/deinit: TVN_AUTO_VALUE(tvn_strbuf) text = {0}; */
#define TVN_DEFINE_CLEANUP_VALUE(name, deinit)                    \
    static inline void name##_cleanup_value_(struct name *object) \
    {                                                             \
        deinit(object);                                           \
    }
#define TVN_AUTO_VALUE(name) __attribute__((cleanup(name##_cleanup_value_))) struct name

#define TVN_TAKE(pointer)                       \
    __extension__({                             \
        __typeof__(pointer) taken_ = (pointer); \
        (pointer) = NULL;                       \
        taken_;                                 \
    })
