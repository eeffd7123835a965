/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest does with buffers: content, counters, and where it must not get through. */
#include "stage_rig.h"

#include <inttypes.h>

static struct tvn_fault fault;
static struct tvn_element out[1];

static enum tvn_status discard(void *context, int stream, const char *text, size_t length)
{
    (void)context;
    (void)stream;
    (void)text;
    (void)length;
    return TVN_OK;
}

static int set_up_group(void **state)
{
    (void)state;
    if (rig_create() != 0) {
        return -1;
    }
    rig_load(TVN_GUEST_DIR, "buffer-script");
    return 0;
}

static int tear_down_group(void **state)
{
    (void)state;
    rig_unload();
    rig_destroy();
    return 0;
}

static enum tvn_status start_stage(void)
{
    const struct tvn_component_stage_options options = rig_options(TVN_ROLE_PROCESSOR, "", discard);
    return tvn_component_stage_create(runtime, component, &options, sink, &stage);
}

static void stop_stage(void)
{
    tvn_invoker_destroy(stage);
    stage = NULL;
}

static int set_up(void **state)
{
    (void)state;
    tvn_intern_init(&intern);
    stats = (struct tvn_stage_stats){0};
    sandbox = (struct tvn_sandbox){
        .component = "guest",
        .max_memory_bytes = (uint64_t)64 << 20,
        .max_buffer_bytes = (uint64_t)1 << 20,
        .init_timeout_ms = 60000,
        .teardown_timeout_ms = 60000,
    };
    tvn_guard_init(&guard, &sandbox, NULL, NULL);
    fault = (struct tvn_fault){0};
    return start_stage() == TVN_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    stop_stage();
    return (int)tvn_resources_live_count(resources); /* every buffer is back */
}

/* Lets the guest process `text`; its output is out[0]. */
static enum tvn_outcome offer(const char *text)
{
    struct tvn_buffer *payload = NULL;
    assert_status(tvn_buffer_acquire(magazine, strlen(text), TVN_OWNER_HOST, NULL, &payload),
                  TVN_OK);
    assert_status(tvn_buffer_write(payload, 0, text, strlen(text)), TVN_OK);
    assert_status(tvn_buffer_freeze(payload), TVN_OK);
    const struct tvn_element element = {.sequence = 7, .payload = tvn_buffer_id_of(payload)};
    struct tvn_call call = {.in = &element, .out = out, .out_capacity = 1, .fault = &fault};
    enum tvn_outcome outcome = tvn_invoke(stage, TVN_ENTRY_PROCESS, &call);
    assert_int_equal(payload->borrows, 0);
    tvn_buffer_release(magazine, payload);
    return outcome;
}

static enum tvn_outcome offer_number(char kind, uint32_t number)
{
    char text[16];
    snprintf(text, sizeof(text), "%c%" PRIu32, kind, number);
    return offer(text);
}

/* The output is `prefix`, then `length` bytes of the pattern. */
static void assert_output(const char *prefix, uint32_t length)
{
    struct tvn_buffer *buffer = NULL;
    assert_status(tvn_magazine_find(magazine, out[0].payload, &buffer), TVN_OK);
    assert_int_equal(buffer->owner, TVN_OWNER_HOST);
    assert_true(buffer->frozen);
    size_t before = strlen(prefix);
    assert_int_equal(buffer->length, before + length);
    assert_memory_equal(buffer->bytes, prefix, before);
    for (uint32_t i = 0; i < length; i++) {
        assert_int_equal(buffer->bytes[before + i], i % 251);
    }
    tvn_buffer_release(magazine, buffer);
}

/* Lengths on both sides of what is copied without a call, and of the tiers. */
static const uint32_t lengths[] = {0,   1,   2,    3,    7,    8,     15,    16,   17,
                                   31,  32,  33,   63,   64,   65,    72,    127,  128,
                                   129, 130, 255,  256,  257,  300,   511,   512,  513,
                                   700, 999, 1024, 4096, 4097, 65535, 65536, 65537};

static void test_append_any_length_arrives_and_is_counted(void **state)
{
    (void)state;
    static const char kinds[] = "ags";
    for (const char *kind = kinds; *kind; kind++) {
        for (size_t i = 0; i < TVN_ARRAY_LEN(lengths); i++) {
            if (*kind == 's' && lengths[i] > 1024) {
                continue;
            }
            uint64_t count = tvn_stat_get(&stats.copies.count[TVN_COPY_PAYLOAD_WRITE]);
            uint64_t sum = tvn_stat_get(&stats.copies.bytes[TVN_COPY_PAYLOAD_WRITE]);
            assert_int_equal(offer_number(*kind, lengths[i]), TVN_OUTCOME_EMIT);
            assert_output("", lengths[i]);
            assert_int_equal(tvn_stat_get(&stats.copies.count[TVN_COPY_PAYLOAD_WRITE]) - count,
                             *kind == 's' ? lengths[i] : 1);
            assert_int_equal(tvn_stat_get(&stats.copies.bytes[TVN_COPY_PAYLOAD_WRITE]) - sum,
                             lengths[i]);
        }
    }
}

static void test_write_over_the_beginning_keeps_the_rest(void **state)
{
    (void)state;
    for (size_t i = 0; i < TVN_ARRAY_LEN(lengths); i++) {
        assert_int_equal(offer_number('w', lengths[i]), TVN_OUTCOME_EMIT);
        assert_output("", lengths[i]);
    }
}

static void test_clone_any_length_is_a_copy(void **state)
{
    (void)state;
    char text[301];
    for (size_t length = 3; length < sizeof(text); length++) {
        memset(text, ' ', length);
        text[0] = 'c';
        text[1] = '5';
        text[length] = '\0';
        uint64_t sum = tvn_stat_get(&stats.copies.bytes[TVN_COPY_PAYLOAD_WRITE]);
        uint64_t count = tvn_stat_get(&stats.copies.count[TVN_COPY_PAYLOAD_WRITE]);
        enum tvn_outcome outcome = offer(text);
        if (length > 251 && length <= 256) { /* the small tier's buffer has no room for five more */
            assert_int_equal(outcome, TVN_OUTCOME_DEAD);
            stop_stage();
            assert_status(start_stage(), TVN_OK);
            continue;
        }
        assert_int_equal(outcome, TVN_OUTCOME_EMIT);
        assert_output(text, 5);
        assert_int_equal(tvn_stat_get(&stats.copies.bytes[TVN_COPY_PAYLOAD_WRITE]) - sum,
                         length + 5);
        assert_int_equal(tvn_stat_get(&stats.copies.count[TVN_COPY_PAYLOAD_WRITE]) - count, 2);
    }
}

static void test_append_beyond_the_capacity_is_refused(void **state)
{
    (void)state;
    assert_int_equal(offer_number('e', 256), TVN_OUTCOME_EMIT);
    assert_output("", 256);
    static const uint32_t beyond[] = {257, 5000};
    for (size_t i = 0; i < TVN_ARRAY_LEN(beyond); i++) {
        assert_int_equal(offer_number('e', beyond[i]), TVN_OUTCOME_EMIT);
        assert_output("", 1); /* capacity-exceeded is case 0, as is the pattern's first byte */
    }
    assert_int_equal(tvn_stat_get(&stats.copies.bytes[TVN_COPY_PAYLOAD_WRITE]), 256 + 1 + 1);
}

static void test_append_beyond_the_sandbox_limit_is_refused(void **state)
{
    (void)state;
    stop_stage();
    sandbox.max_buffer_bytes = 100;
    assert_status(start_stage(), TVN_OK);
    assert_int_equal(offer_number('e', 100), TVN_OUTCOME_EMIT);
    assert_output("", 100);
    assert_int_equal(offer_number('e', 101), TVN_OUTCOME_EMIT);
    assert_output("", 1);
    assert_int_equal(offer_number('a', 101), TVN_OUTCOME_DEAD); /* allocate refuses, it traps */
}

static void assert_dead(const char *command, enum tvn_status code, const char *text)
{
    assert_int_equal(offer(command), TVN_OUTCOME_DEAD);
    assert_int_equal(fault.code, code);
    if (!strstr(fault.text, text)) {
        fail_msg("'%s' has no '%s'", fault.text, text);
    }
}

static void test_append_from_outside_the_memory_traps(void **state)
{
    (void)state;
    assert_dead("o17", TVN_E_COMPONENT_TRAPPED, "argument of");
}

static void test_append_of_much_from_outside_the_memory_traps(void **state)
{
    (void)state;
    assert_dead("o300", TVN_E_COMPONENT_TRAPPED, "argument of");
}

static void test_allocate_to_outside_the_memory_traps(void **state)
{
    (void)state;
    assert_dead("p0", TVN_E_COMPONENT_TRAPPED, "return pointer");
}

static void test_allocate_to_a_misaligned_place_traps(void **state)
{
    (void)state;
    assert_dead("u0", TVN_E_COMPONENT_TRAPPED, "misaligned");
}

static void test_frozen_buffer_is_not_frozen_again(void **state)
{
    (void)state;
    assert_dead("f2", TVN_E_STALE_HANDLE, "no longer valid");
}

static void test_full_handle_table_traps(void **state)
{
    (void)state;
    assert_int_equal(offer_number('m', 5000), TVN_OUTCOME_EMIT);
    assert_output("", 0);
    assert_dead("m70000", TVN_E_COMPONENT_TRAPPED, "handle table is full");
}

static const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    TEST(test_append_any_length_arrives_and_is_counted),
    TEST(test_write_over_the_beginning_keeps_the_rest),
    TEST(test_clone_any_length_is_a_copy),
    TEST(test_append_beyond_the_capacity_is_refused),
    TEST(test_append_beyond_the_sandbox_limit_is_refused),
    TEST(test_append_from_outside_the_memory_traps),
    TEST(test_append_of_much_from_outside_the_memory_traps),
    TEST(test_allocate_to_outside_the_memory_traps),
    TEST(test_allocate_to_a_misaligned_place_traps),
    TEST(test_frozen_buffer_is_not_frozen_again),
    TEST(test_full_handle_table_traps),
};

TVN_TEST_MAIN_WITH("engine.host_buffers", tests, set_up_group, tear_down_group)
