/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/num.h"
#include "observability/call_log.h"
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
    TVN_AUTO(tvn_call_log) log = tvn_call_log_create();
    assert_non_null(log);
    struct fixture fixture;
    struct tvn_copy_record records[TVN_COPY_LEDGER_SLOTS + 1];
    assert_int_equal(tvn_copy_ledger_read(log, 0, 8, records), 0);
    uint64_t total = 3 * TVN_CALL_LOG_SLOTS + 5;
    for (uint64_t i = 0; i < total; i++) {
        fixture_init(&fixture, true, true);
        copied(&fixture, TVN_COPY_PAYLOAD_READ, 1, i);
        tvn_call_log_add(log, &fixture.record);
    }
    fixture_init(&fixture, true, true); /* a call that copied nothing */
    tvn_call_log_add(log, &fixture.record);
    assert_int_equal(tvn_copy_ledger_count(log), total);
    uint32_t count = tvn_copy_ledger_read(log, 0, TVN_ARRAY_LEN(records), records);
    assert_int_equal(count, TVN_COPY_LEDGER_SLOTS);
    for (uint64_t i = 0; i < count; i++) {
        assert_int_equal(records[i].number, total - count + i);
        assert_int_equal(records[i].bytes, records[i].number);
    }
    assert_int_equal(tvn_copy_ledger_read(log, total - 3, 8, records), 3);
    assert_int_equal(records[2].number, total - 1);
    assert_int_equal(tvn_copy_ledger_read(log, total - 3, 2, records), 2);
    assert_int_equal(records[1].number, total - 2);
    assert_int_equal(tvn_copy_ledger_read(log, total, 8, records), 0);
    assert_int_equal(tvn_copy_ledger_count(NULL), 0);
    assert_int_equal(tvn_copy_ledger_read(NULL, 0, 8, records), 0);
}

/* Calls of a stage that read their input, in one to three pieces of 10 bytes each; every fourth one
 * copies nothing. */
struct calls {
    struct tvn_call_log *log;
    struct tvn_copy_stats copies;
    struct tvn_logged_call *next;
    uint64_t made;
    uint64_t records;
};

static uint64_t pieces_of(uint64_t call)
{
    return call % 4;
}

static void begin_calls(struct calls *calls)
{
    calls->next = tvn_call_log_begin(calls->log, tvn_ticks_now(), &calls->copies);
}

static void make_calls(struct calls *calls, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++, calls->made++, calls->next++) {
        for (uint64_t k = 0; k < pieces_of(calls->made); k++) {
            tvn_copy_record(&calls->copies, TVN_COPY_PAYLOAD_READ, 10);
        }
        calls->records += pieces_of(calls->made) > 0;
        tvn_stat_set(&calls->next->end_ticks, tvn_ticks_now());
        tvn_stat_set(&calls->next->sequence, calls->made);
        tvn_stat_set(&calls->next->input, IN_ID);
        tvn_stat_set(&calls->next->output, OUT_ID);
        tvn_stat_set(&calls->next->origin, tvn_logged_origin(3, true, TVN_LOGGED_NEXT));
        tvn_logged_copied(calls->next, &calls->copies);
    }
}

/* All that can be read; returns how many. The last `unsaid` records must not be there yet. */
static uint32_t check_records(const struct calls *calls, uint64_t unsaid)
{
    struct tvn_copy_record records[TVN_COPY_LEDGER_SLOTS * TVN_COPY_REASON_COUNT];
    uint64_t total = calls->records - unsaid;
    assert_int_equal(tvn_copy_ledger_count(calls->log), total);
    uint32_t count = tvn_copy_ledger_read(calls->log, 0, TVN_ARRAY_LEN(records), records);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t number = total - count + i;
        uint64_t call = number / 3 * 4 + number % 3 + 1;
        assert_int_equal(records[i].number, number);
        assert_int_equal(records[i].sequence, call);
        assert_int_equal(records[i].copies, pieces_of(call));
        assert_int_equal(records[i].bytes, 10 * pieces_of(call));
        assert_int_equal(records[i].resource, IN_ID);
        assert_int_equal(records[i].stage, 3);
        assert_int_equal(records[i].source, TVN_COPY_PARTY_HOST);
        assert_int_equal(records[i].destination, 3);
        assert_int_equal(records[i].reason, TVN_COPY_PAYLOAD_READ);
    }
    return count;
}

/* Vectors of all lengths, from every place of the ring. */
static void test_copy_ledger_shows_the_last_calls_of_vectors_that_are_over(void **state)
{
    (void)state;
    tvn_ticks_init();
    TVN_AUTO(tvn_call_log) log = tvn_call_log_create();
    assert_non_null(log);
    struct calls calls = {.log = log};
    for (uint64_t i = 0; calls.made < 40 * TVN_CALL_LOG_SLOTS; i++) {
        uint32_t before = check_records(&calls, 0);
        begin_calls(&calls);
        assert_ptr_not_equal(calls.next, log->slots);
        size_t room = (size_t)(tvn_call_log_limit(log, calls.next) - calls.next);
        assert_in_range(room, 1, TVN_CALL_LOG_MAX);
        uint64_t records = calls.records;
        make_calls(&calls, tvn_min(i * 7 % TVN_CALL_LOG_MAX + 1, (uint64_t)room));
        assert_int_equal(check_records(&calls, calls.records - records), before);
        tvn_call_log_end(log, calls.next);
        uint32_t after = check_records(&calls, 0);
        assert_true(after >= tvn_min(calls.records, (uint64_t)TVN_COPY_LEDGER_SLOTS / 4));
    }
}

static void test_copy_ledger_is_not_crowded_out_by_calls_that_copy_nothing(void **state)
{
    (void)state;
    tvn_ticks_init();
    TVN_AUTO(tvn_call_log) log = tvn_call_log_create();
    assert_non_null(log);
    struct calls calls = {.log = log};
    begin_calls(&calls);
    make_calls(&calls, 4);
    tvn_call_log_end(log, calls.next);
    for (unsigned i = 0; i < 3 * TVN_CALL_LOG_SLOTS; i++) {
        begin_calls(&calls);
        if (i % 2 == 0) {
            calls.made = 8;
            make_calls(&calls, 1);
        }
        tvn_call_log_end(log, calls.next);
    }
    assert_int_equal(check_records(&calls, 0), 3);
}

static void *read_often(void *argument)
{
    struct tvn_call_log *log = argument;
    struct tvn_copy_record records[64];
    for (int i = 0; i < 200; i++) {
        uint32_t count = tvn_copy_ledger_read(log, 0, 64, records);
        for (uint32_t k = 1; k < count; k++) {
            assert_int_equal(records[k].number, records[k - 1].number + 1);
        }
        for (uint32_t k = 0; k < count; k++) {
            assert_int_equal(records[k].bytes, 10 * records[k].copies);
        }
    }
    return NULL;
}

static void test_copy_ledger_may_be_read_while_it_is_filled(void **state)
{
    (void)state;
    tvn_ticks_init();
    TVN_AUTO(tvn_call_log) log = tvn_call_log_create();
    assert_non_null(log);
    pthread_t reader;
    assert_int_equal(pthread_create(&reader, NULL, read_often, log), 0);
    struct fixture fixture;
    fixture_init(&fixture, true, true);
    copied(&fixture, TVN_COPY_PAYLOAD_READ, 1, 10);
    struct calls calls = {.log = log};
    for (int i = 0; i < 1000; i++) {
        tvn_call_log_add(log, &fixture.record);
        begin_calls(&calls);
        make_calls(&calls, 1);
        tvn_call_log_end(log, calls.next);
    }
    pthread_join(reader, NULL);
    assert_int_equal(tvn_copy_ledger_count(log), 1000 + calls.records);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_copy_records_of_a_processor_name_both_buffers),
    cmocka_unit_test(test_copy_records_of_builtin_stages_name_the_outside),
    cmocka_unit_test(test_copy_records_of_a_failed_call_have_no_output),
    cmocka_unit_test(test_copy_ledger_keeps_the_last_ones_in_order),
    cmocka_unit_test(test_copy_ledger_shows_the_last_calls_of_vectors_that_are_over),
    cmocka_unit_test(test_copy_ledger_is_not_crowded_out_by_calls_that_copy_nothing),
    cmocka_unit_test(test_copy_ledger_may_be_read_while_it_is_filled),
};
TVN_TEST_MAIN("observability.copy_ledger", tests)
