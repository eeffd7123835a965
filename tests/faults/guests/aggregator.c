/* SPDX-License-Identifier: Apache-2.0 */
/* Absorbs everything; at the end it puts out how many elements there were. */
#define AGGREGATION(interface) "torvyn:aggregation/" interface "@0.1.0"
#include "hostile.h"

static uint32_t seen;
static struct output_result ingested;

EXPORT(AGGREGATION("aggregator") "#ingest")
struct output_result *ingest(uint64_t sequence, uint64_t timestamp_ns, uint8_t *content_type,
                             uint32_t content_type_length, handle payload, handle context)
{
    (void)timestamp_ns;
    (void)content_type;
    (void)content_type_length;
    enum kind kind = sequence == FAULTY_SEQUENCE ? misbehave("ingest") : KIND_NONE;
    drop_borrows(kind, payload, context);
    ingested = (struct output_result){0};
    if (failure_of(kind, &ingested.error)) {
        ingested.is_error = 1;
    } else if (kind == KIND_BAD_VALUE) {
        ingested.ok.tag = 7;
    } else {
        seen++;
    }
    return &ingested;
}

EXPORT("cabi_post_" AGGREGATION("aggregator") "#ingest")
void ingest_return(struct output_result *returned)
{
    (void)returned;
    scratch_clear();
}

/* result<list<output-element>, process-error> */
static struct {
    uint8_t is_error;
    union {
        struct {
            struct output_element *at;
            uint32_t length;
        } elements;
        struct failure error;
    };
} flushed;
_Static_assert(sizeof(flushed) == 16, "as lowered");

EXPORT(AGGREGATION("aggregator") "#flush") void *flush(void)
{
    static struct output_element elements[1];
    enum kind kind = misbehave("flush");
    flushed.is_error = 0;
    if (failure_of(kind, &flushed.error)) {
        flushed.is_error = 1;
        return &flushed;
    }
    uint8_t line[] = "seen 00";
    line[5] += (uint8_t)(seen / 10);
    line[6] += (uint8_t)(seen % 10);
    handle buffer;
    if (!buffer_of(&(struct bytes){line, sizeof(line) - 1}, &buffer)) {
        __builtin_trap();
    }
    elements[0] = element_of(0, 0, buffer);
    flushed.elements.at = elements;
    flushed.elements.length = kind == KIND_BAD_VALUE ? 0x10000000u : 1;
    return &flushed;
}

EXPORT("cabi_post_" AGGREGATION("aggregator") "#flush") void flush_return(void *returned)
{
    (void)returned;
    scratch_clear();
}
