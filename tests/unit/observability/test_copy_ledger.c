/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/num.h"
#include "observability/copy_ledger_internal.h"
#include "observability/recorder.h"

#include "tvn_test.h"

#include <pthread.h>

#define IN_ID  UINT64_C(0x100000007)
#define OUT_ID UINT64_C(0x200000009)

/* One watched call of stage 3. */
struct fixture {
    struct tvn_element in;
    struct tvn_element out;
    struct tvn_call call;
    struct tvn_watched watched;
    struct tvn_call_record record;
};

static void fixture_init(struct fixture *fixture, bool has_input, bool has_output)
{
    *fixture = (struct fixture){0};
    fixture->in.payload.raw = IN_ID;
    fixture->out.payload.raw = OUT_ID;
    fixture->call = (struct tvn_call){.out = &fixture->out, .out_count = has_output ? 1 : 0};
    fixture->watched =
        (struct tvn_watched){.stage = 3, .sequence = 42, .in = has_input ? &fixture->in : NULL};
    fixture->record = (struct tvn_call_record){.watched = &fixture->watched,
                                               .call = &fixture->call,
                                               .outcome = TVN_OUTCOME_EMIT,
                                               .end_ticks = tvn_ticks_now()};
}

static void copied(struct fixture *fixture, enum tvn_copy_reason reason, uint64_t count,
                   uint64_t bytes)
{
    fixture->record.copies[reason] = count;
    fixture->record.copy_bytes[reason] = bytes;
}

static void test_copy_records_of_a_processor_name_both_buffers(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, true, true);
    copied(&fixture, TVN_COPY_METADATA_MARSHAL, 1, 12);
    copied(&fixture, TVN_COPY_PAYLOAD_READ, 3, 300);
    copied(&fixture, TVN_COPY_PAYLOAD_WRITE, 1, 200);
    struct tvn_copy_record records[TVN_COPY_REASON_COUNT];
    assert_int_equal(tvn_copy_records_of(&fixture.record, records), 3);
    static const struct tvn_copy_record expected[] = {
        {.resource = IN_ID,
         .sequence = 42,
         .copies = 1,
         .bytes = 12,
         .stage = 3,
         .source = TVN_COPY_PARTY_HOST,
         .destination = 3,
         .reason = TVN_COPY_METADATA_MARSHAL},
        {.resource = IN_ID,
         .sequence = 42,
         .copies = 3,
         .bytes = 300,
         .stage = 3,
         .source = TVN_COPY_PARTY_HOST,
         .destination = 3,
         .reason = TVN_COPY_PAYLOAD_READ},
        {.resource = OUT_ID,
         .sequence = 42,
         .copies = 1,
         .bytes = 200,
         .stage = 3,
         .source = 3,
         .destination = TVN_COPY_PARTY_HOST,
         .reason = TVN_COPY_PAYLOAD_WRITE},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(expected); i++) {
        assert_int_equal(records[i].resource, expected[i].resource);
        assert_int_equal(records[i].sequence, expected[i].sequence);
        assert_int_equal(records[i].copies, expected[i].copies);
        assert_int_equal(records[i].bytes, expected[i].bytes);
        assert_int_equal(records[i].stage, expected[i].stage);
        assert_int_equal(records[i].source, expected[i].source);
        assert_int_equal(records[i].destination, expected[i].destination);
        assert_int_equal(records[i].reason, expected[i].reason);
    }
}

static void test_copy_records_of_builtin_stages_name_the_outside(void **state)
{
    (void)state;
    struct tvn_copy_record records[TVN_COPY_REASON_COUNT];
    struct fixture source;
    fixture_init(&source, false, true);
    copied(&source, TVN_COPY_HOST_SERIALIZE, 1, 8);
    assert_int_equal(tvn_copy_records_of(&source.record, records), 1);
    assert_int_equal(records[0].resource, OUT_ID);
    assert_int_equal(records[0].source, TVN_COPY_PARTY_OUTSIDE);
    assert_int_equal(records[0].destination, TVN_COPY_PARTY_HOST);
    struct fixture sink;
    fixture_init(&sink, true, false);
    copied(&sink, TVN_COPY_HOST_SERIALIZE, 1, 8);
    assert_int_equal(tvn_copy_records_of(&sink.record, records), 1);
    assert_int_equal(records[0].resource, IN_ID);
    assert_int_equal(records[0].source, TVN_COPY_PARTY_HOST);
    assert_int_equal(records[0].destination, TVN_COPY_PARTY_OUTSIDE);
}

static void test_copy_records_of_a_failed_call_have_no_output(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, true, true);
    fixture.record.outcome = TVN_OUTCOME_DEAD;
    copied(&fixture, TVN_COPY_PAYLOAD_WRITE, 1, 200);
    struct tvn_copy_record records[TVN_COPY_REASON_COUNT];
    assert_int_equal(tvn_copy_records_of(&fixture.record, records), 1);
    assert_int_equal(records[0].resource, 0);
}

static void test_copy_ledger_keeps_the_last_ones_in_order(void **state)
{
    (void)state;
    tvn_ticks_init();
    TVN_AUTO(tvn_copy_ledger) ledger = tvn_copy_ledger_create();
    assert_non_null(ledger);
    struct fixture fixture;
    struct tvn_copy_record records[8];
    assert_int_equal(tvn_copy_ledger_read(ledger, 0, 8, records), 0);
    uint64_t total = TVN_COPY_LEDGER_RECORDS + 5;
    for (uint64_t i = 0; i < total; i++) {
        fixture_init(&fixture, true, true);
        copied(&fixture, TVN_COPY_PAYLOAD_READ, 1, i);
        tvn_copy_ledger_add(ledger, &fixture.record);
    }
    fixture_init(&fixture, true, true); /* a call that copied nothing */
    tvn_copy_ledger_add(ledger, &fixture.record);
    assert_int_equal(tvn_copy_ledger_count(ledger), total);
    assert_int_equal(tvn_copy_ledger_read(ledger, 0, 8, records), 8);
    for (uint64_t i = 0; i < 8; i++) {
        assert_int_equal(records[i].number, 5 + i);
        assert_int_equal(records[i].bytes, 5 + i);
    }
    assert_int_equal(tvn_copy_ledger_read(ledger, total - 3, 8, records), 3);
    assert_int_equal(records[2].number, total - 1);
    assert_int_equal(tvn_copy_ledger_read(ledger, total, 8, records), 0);
    assert_int_equal(tvn_copy_ledger_count(NULL), 0);
    assert_int_equal(tvn_copy_ledger_read(NULL, 0, 8, records), 0);
}

/* Opens, puts so many records of `number` bytes each, and leaves it open. */
static struct tvn_copy_writer put_open(struct tvn_copy_ledger *ledger, uint64_t first,
                                       uint32_t count)
{
    struct tvn_copy_writer writer = tvn_copy_ledger_open(ledger);
    for (uint32_t i = 0; i < count; i++) {
        const struct tvn_copy_entry entry = {
            .end_ticks = tvn_ticks_now(),
            .resource = OUT_ID,
            .sequence = 100 + i,
            .copies = 1,
            .bytes = first + i,
            .stage = 3,
            .has_input = true,
            .reason = TVN_COPY_PAYLOAD_WRITE,
        };
        tvn_copy_ledger_put(&writer, entry);
    }
    return writer;
}

static void test_copy_ledger_open_costs_no_record_and_shows_none(void **state)
{
    (void)state;
    tvn_ticks_init();
    TVN_AUTO(tvn_copy_ledger) ledger = tvn_copy_ledger_create();
    static struct tvn_copy_record records[TVN_COPY_LEDGER_RECORDS + 1];
    uint64_t total = 0;
    while (total < 3 * TVN_COPY_LEDGER_SLOTS) {
        uint32_t count = (uint32_t)(total * 7 % (TVN_COPY_LEDGER_OPEN_MAX + 1));
        count = count > 0 ? count : TVN_COPY_LEDGER_OPEN_MAX;
        struct tvn_copy_writer writer = put_open(ledger, total, count);
        assert_int_equal(tvn_copy_ledger_count(ledger), total);
        uint32_t expected = (uint32_t)tvn_min(total, (uint64_t)TVN_COPY_LEDGER_RECORDS);
        uint32_t read = tvn_copy_ledger_read(ledger, 0, TVN_ARRAY_LEN(records), records);
        assert_int_equal(read, expected);
        for (uint32_t i = 0; i < read; i++) {
            assert_int_equal(records[i].number, total - read + i);
            assert_int_equal(records[i].bytes, records[i].number);
        }
        tvn_copy_ledger_close(&writer);
        total += count;
        assert_int_equal(tvn_copy_ledger_count(ledger), total);
    }
    assert_int_equal(tvn_copy_ledger_read(ledger, total - 1, 2, records), 1);
    assert_int_equal(records[0].resource, OUT_ID);
    assert_int_equal(records[0].stage, 3);
    assert_int_equal(records[0].source, 3);
    assert_int_equal(records[0].destination, TVN_COPY_PARTY_HOST);
}

static void *read_often(void *argument)
{
    struct tvn_copy_ledger *ledger = argument;
    struct tvn_copy_record records[64];
    for (int i = 0; i < 200; i++) {
        uint32_t count = tvn_copy_ledger_read(ledger, 0, 64, records);
        for (uint32_t k = 1; k < count; k++) {
            assert_int_equal(records[k].number, records[k - 1].number + 1);
        }
    }
    return NULL;
}

static void test_copy_ledger_may_be_read_while_it_is_filled(void **state)
{
    (void)state;
    TVN_AUTO(tvn_copy_ledger) ledger = tvn_copy_ledger_create();
    pthread_t reader;
    assert_int_equal(pthread_create(&reader, NULL, read_often, ledger), 0);
    struct fixture fixture;
    fixture_init(&fixture, true, true);
    copied(&fixture, TVN_COPY_PAYLOAD_READ, 1, 10);
    for (int i = 0; i < 1000; i++) {
        tvn_copy_ledger_add(ledger, &fixture.record);
        struct tvn_copy_writer writer = put_open(ledger, 0, 3);
        tvn_copy_ledger_close(&writer);
    }
    pthread_join(reader, NULL);
    assert_int_equal(tvn_copy_ledger_count(ledger), 4000);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_copy_records_of_a_processor_name_both_buffers),
    cmocka_unit_test(test_copy_records_of_builtin_stages_name_the_outside),
    cmocka_unit_test(test_copy_records_of_a_failed_call_have_no_output),
    cmocka_unit_test(test_copy_ledger_keeps_the_last_ones_in_order),
    cmocka_unit_test(test_copy_ledger_open_costs_no_record_and_shows_none),
    cmocka_unit_test(test_copy_ledger_may_be_read_while_it_is_filled),
};
TVN_TEST_MAIN("observability.copy_ledger", tests)
