/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What a connector needs around it, and calls of its entries with everything checked. */
#include "connectors/connector.h"
#include "resources/resources.h"
#include "types/flow_stats.h"
#include "types/intern.h"

#include "tvn_test.h"

#include <fcntl.h>

struct connector_rig {
    struct tvn_resources *resources;
    struct tvn_magazine *magazine;
    struct tvn_intern intern;
    struct tvn_stage_stats stats;
    struct tvn_connector_options options;
    struct tvn_fault fault;
    char line[1 << 16]; /* of the last element pulled, NUL behind it */
    uint32_t length;
};

static inline void connector_rig_init(struct connector_rig *rig, enum tvn_exhaustion_policy policy,
                                      uint32_t pool_size)
{
    memset(rig, 0, sizeof(*rig));
    struct tvn_resources_options options;
    tvn_resources_options_default(&options);
    options.exhaustion_policy = policy;
    for (unsigned tier = 0; tier < TVN_TIER_DIRECT; tier++) {
        options.pool_sizes[tier] = pool_size;
    }
    assert_status(tvn_resources_create(&options, &rig->resources), TVN_OK);
    rig->magazine = tvn_magazine_create(rig->resources);
    assert_non_null(rig->magazine);
    tvn_intern_init(&rig->intern);
    tvn_connector_options_default(&rig->options);
    rig->options.magazine = &rig->magazine;
    rig->options.intern = &rig->intern;
    rig->options.stats = &rig->stats;
}

static inline void connector_rig_deinit(struct connector_rig *rig)
{
    assert_int_equal(tvn_resources_live_count(rig->resources), 0);
    tvn_magazine_destroy(rig->magazine);
    tvn_resources_destroy(rig->resources);
}

/* One pull; the element's bytes are in rig->line, its buffer is released. */
static inline enum tvn_outcome connector_rig_pull(struct connector_rig *rig,
                                                  struct tvn_invoker *source)
{
    struct tvn_element out = {0};
    struct tvn_call call = {.out = &out, .out_capacity = 1, .fault = &rig->fault};
    enum tvn_outcome outcome = tvn_invoke(source, TVN_ENTRY_PULL, &call);
    if (outcome != TVN_OUTCOME_EMIT) {
        assert_int_equal(call.out_count, 0);
        return outcome;
    }
    assert_int_equal(call.out_count, 1);
    struct tvn_buffer *buffer = NULL;
    assert_status(tvn_magazine_find(rig->magazine, out.payload, &buffer), TVN_OK);
    assert_true(buffer->frozen);
    assert_int_equal(buffer->owner, TVN_OWNER_HOST);
    assert_str(tvn_intern_name(&rig->intern, out.content_type), "text/plain");
    assert_int_equal(buffer->content_type, out.content_type);
    rig->length = buffer->length;
    size_t shown = buffer->length < sizeof(rig->line) ? buffer->length : sizeof(rig->line) - 1;
    memcpy(rig->line, buffer->bytes, shown);
    rig->line[shown] = '\0';
    tvn_buffer_release(rig->magazine, buffer);
    return TVN_OUTCOME_EMIT;
}

#define assert_line(rig, source, text)                                           \
    do {                                                                         \
        assert_int_equal(connector_rig_pull((rig), (source)), TVN_OUTCOME_EMIT); \
        assert_string_equal((rig)->line, (text));                                \
    } while (0)

/* One push of these bytes. */
static inline enum tvn_outcome connector_rig_push(struct connector_rig *rig,
                                                  struct tvn_invoker *sink, const void *bytes,
                                                  size_t length)
{
    struct tvn_buffer *buffer = NULL;
    assert_status(tvn_buffer_acquire(rig->magazine, length, TVN_OWNER_HOST, NULL, &buffer), TVN_OK);
    assert_status(tvn_buffer_write(buffer, 0, bytes, length), TVN_OK);
    struct tvn_element in = {.payload = tvn_buffer_id_of(buffer)};
    struct tvn_call call = {.in = &in, .fault = &rig->fault, .signal = TVN_SIGNAL_PAUSE};
    enum tvn_outcome outcome = tvn_invoke(sink, TVN_ENTRY_PUSH, &call);
    if (outcome == TVN_OUTCOME_EMIT) {
        assert_int_equal(call.signal, TVN_SIGNAL_READY);
    }
    tvn_buffer_release(rig->magazine, buffer);
    return outcome;
}

static inline enum tvn_outcome connector_rig_call(struct connector_rig *rig,
                                                  struct tvn_invoker *invoker, enum tvn_entry entry)
{
    assert_true(invoker->ops->has_entry(invoker, entry));
    struct tvn_call call = {.fault = &rig->fault};
    return tvn_invoke(invoker, entry, &call);
}

/* A pipe with the smallest buffer there is. */
static inline void connector_rig_pipe(int ends[2])
{
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    (void)fcntl(ends[1], F_SETPIPE_SZ, 4096);
}
