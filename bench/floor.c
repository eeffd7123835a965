/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor of bench/pipeline: the same three steps and the same four copies as plain C functions,
 * called in a loop through pointers. No sandbox, no handles, no queues, no limits.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "bench/program.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define USAGE        "floor [--size BYTES] [--elements N]"
#define SIZE_BYTES   ((uint64_t)1 << 20)
#define ELEMENTS_MAX ((uint64_t)1 << 40)

struct payload {
    uint8_t *bytes;
    size_t length;
};

/* A stage with the memory that only it works in. */
struct stage {
    void (*run)(struct stage *stage, const struct payload *in, struct payload *out);
    struct payload own;
    uint64_t seen;
};

static void pull(struct stage *stage, const struct payload *in, struct payload *out)
{
    (void)in;
    memcpy(out->bytes, stage->own.bytes, stage->own.length);
    out->length = stage->own.length;
}

static void process(struct stage *stage, const struct payload *in, struct payload *out)
{
    uint8_t *bytes = stage->own.bytes;
    memcpy(bytes, in->bytes, in->length);
    for (size_t i = 0; i < in->length; i++) {
        bytes[i] = (uint8_t)(bytes[i] >= 'a' && bytes[i] <= 'z' ? bytes[i] - 32 : bytes[i]);
    }
    memcpy(out->bytes, bytes, in->length);
    out->length = in->length;
}

static void push(struct stage *stage, const struct payload *in, struct payload *out)
{
    (void)out;
    memcpy(stage->own.bytes, in->bytes, in->length);
    stage->seen += in->length > 0 ? stage->own.bytes[0] : 0;
}

static struct payload make_payload(size_t size)
{
    struct payload payload = {tvn_malloc(size ? size : 1), size};
    if (!payload.bytes) {
        bench_fail("no memory");
    }
    memset(payload.bytes, 'a', size);
    return payload;
}

int main(int argc, char **argv)
{
    uint64_t size = 64;
    uint64_t elements = 1000000;
    const struct bench_option options[] = {{"--size", &size, SIZE_BYTES},
                                           {"--elements", &elements, ELEMENTS_MAX}};
    bench_parse(argc, argv, USAGE, options, TVN_ARRAY_LEN(options), NULL, 0);
    if (elements == 0) {
        bench_fail("nothing to measure");
    }
    struct stage stages[] = {{.run = pull}, {.run = process}, {.run = push}};
    for (size_t i = 0; i < TVN_ARRAY_LEN(stages); i++) {
        stages[i].own = make_payload(size);
    }
    struct payload first = make_payload(size);
    struct payload second = make_payload(size);
    /* The compiler must not see which functions are called. */
    struct stage *volatile hidden = stages;
    struct stage *at = hidden;
    uint64_t start_ns = tvn_clock_monotonic_ns();
    for (uint64_t i = 0; i < elements; i++) {
        at[0].run(&at[0], NULL, &first);
        at[1].run(&at[1], &first, &second);
        at[2].run(&at[2], &second, NULL);
    }
    uint64_t ns = tvn_clock_monotonic_ns() - start_ns;
    if (size > 0 && stages[2].seen != elements * 'A') {
        bench_fail("the payload is not in upper case");
    }
    printf("{\"ns_per_element\": %.2f, \"elements_per_s\": %.0f, \"copies\": %" PRIu64 "}\n",
           (double)ns / (double)elements, (double)elements * 1e9 / (double)ns, elements * 4);
    for (size_t i = 0; i < TVN_ARRAY_LEN(stages); i++) {
        tvn_free(stages[i].own.bytes);
    }
    tvn_free(first.bytes);
    tvn_free(second.bytes);
    return 0;
}
