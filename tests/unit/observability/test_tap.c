/* SPDX-License-Identifier: Apache-2.0 */
#include "observability/tap.h"

#include "tvn_test.h"

#include <pthread.h>
#include <string.h>

static struct tvn_intern intern;
static struct tvn_tap_board board;

static struct tvn_tap *make(const struct tvn_tap_options *options)
{
    struct tvn_tap *tap = NULL;
    board = (struct tvn_tap_board){0};
    tvn_intern_init(&intern);
    assert_status(tvn_tap_create(options, &tap), TVN_OK);
    assert_status(tvn_tap_attach(&board, &intern, tap), TVN_OK);
    return tap;
}

/* Elements in a row, with these payloads. */
struct row {
    struct tvn_element elements[4];
    const char *texts[4];
};

static const struct tvn_element *at(const struct tvn_tapped *self, uint32_t index,
                                    const uint8_t **out_bytes, uint32_t *out_length)
{
    const struct row *row = self->source;
    assert_true(index < self->count);
    *out_bytes = (const uint8_t *)row->texts[index];
    *out_length = (uint32_t)strlen(row->texts[index]);
    return &row->elements[index];
}

static void put_row(uint32_t edge, const struct row *row, uint32_t count)
{
    const struct tvn_tapped tapped = {.edge = edge, .count = count, .at = at, .source = row};
    tvn_tap_offer(&board, &tapped);
}

static void put(uint32_t edge, uint64_t sequence, const char *text)
{
    const struct row row = {
        .elements = {{.sequence = sequence, .timestamp_ns = 7 + sequence}},
        .texts = {text},
    };
    put_row(edge, &row, 1);
}

#define count_of(tap, field) tvn_stat_get(&tvn_tap_counts(tap)->field)

static void test_tap_gives_what_was_put(void **state)
{
    (void)state;
    TVN_AUTO(tvn_tap)
    tap = make(&(struct tvn_tap_options){.edge = 2, .sample_every = 1, .bytes = 4});
    uint32_t type = 0;
    assert_status(tvn_intern_add(&intern, "text/plain", 10, &type), TVN_OK);
    const struct row row = {
        .elements = {{.sequence = 5, .timestamp_ns = 9, .content_type = type}},
        .texts = {"abcdef"},
    };
    put_row(2, &row, 1);
    put(1, 6, "another edge");
    struct tvn_tap_element out;
    assert_true(tvn_tap_next(tap, &out));
    assert_int_equal(out.sequence, 5);
    assert_int_equal(out.timestamp_ns, 9);
    assert_int_equal(out.length, 6);
    assert_int_equal(out.copied, 4);
    assert_memory_equal(out.bytes, "abcd", 4);
    assert_str(out.content_type, "text/plain");
    assert_false(tvn_tap_next(tap, &out));
    assert_int_equal(count_of(tap, seen), 1);
    assert_int_equal(count_of(tap, copied_bytes), 4);
    assert_false(tvn_tap_detach(&board, tap));
}

static void test_tap_samples_from_the_first_on(void **state)
{
    (void)state;
    TVN_AUTO(tvn_tap) tap = make(&(struct tvn_tap_options){.sample_every = 10, .bytes = 0});
    for (uint64_t i = 0; i < 95; i++) {
        put(0, i, "x");
    }
    struct tvn_tap_element out;
    for (uint64_t i = 0; i < 100; i += 10) {
        assert_true(tvn_tap_next(tap, &out));
        assert_int_equal(out.sequence, i);
        assert_int_equal(out.copied, 0);
        assert_int_equal(out.length, 1);
    }
    assert_false(tvn_tap_next(tap, &out));
    assert_int_equal(count_of(tap, seen), 95);
    (void)tvn_tap_detach(&board, tap);
}

/* Samples fall where they would one by one, however the elements come together. */
static void test_tap_samples_the_same_in_vectors(void **state)
{
    (void)state;
    TVN_AUTO(tvn_tap) tap = make(&(struct tvn_tap_options){.sample_every = 3, .bytes = 1});
    uint64_t sequence = 0;
    for (uint32_t i = 0; i < 40; i++) {
        uint32_t size = 1 + i % 4;
        struct row row = {.texts = {"x", "x", "x", "x"}};
        for (uint32_t k = 0; k < size; k++) {
            row.elements[k].sequence = sequence++;
        }
        put_row(0, &row, size);
    }
    struct tvn_tap_element out;
    for (uint64_t i = 0; i < sequence; i += 3) {
        assert_true(tvn_tap_next(tap, &out));
        assert_int_equal(out.sequence, i);
    }
    assert_false(tvn_tap_next(tap, &out));
    assert_int_equal(count_of(tap, seen), sequence);
    (void)tvn_tap_detach(&board, tap);
}

static void test_tap_full_ring_loses_and_counts(void **state)
{
    (void)state;
    TVN_AUTO(tvn_tap) tap = make(&(struct tvn_tap_options){.sample_every = 1, .bytes = 1});
    struct tvn_tap_element out;
    for (uint64_t i = 0; i < TVN_TAP_SLOTS + 10; i++) {
        put(0, i, "x");
    }
    assert_int_equal(count_of(tap, taken), TVN_TAP_SLOTS);
    assert_int_equal(count_of(tap, lost), 10);
    assert_true(tvn_tap_next(tap, &out)); /* and is kept until the next call */
    put(0, 1000, "y");
    assert_int_equal(count_of(tap, lost), 11);
    assert_true(tvn_tap_next(tap, &out));
    put(0, 1001, "y");
    assert_int_equal(count_of(tap, lost), 11);
    uint64_t last = 0;
    while (tvn_tap_next(tap, &out)) {
        assert_true(out.sequence > last);
        last = out.sequence;
    }
    assert_int_equal(last, 1001);
    (void)tvn_tap_detach(&board, tap);
}

static void test_tap_limit_ends_it(void **state)
{
    (void)state;
    TVN_AUTO(tvn_tap)
    tap = make(&(struct tvn_tap_options){.sample_every = 2, .bytes = 1, .limit = 3});
    for (uint64_t i = 0; i < 100; i++) {
        put(0, i, "x");
    }
    assert_true(tvn_tap_is_over(tap));
    assert_int_equal(count_of(tap, taken), 3);
    assert_int_equal(count_of(tap, seen), 5);
    (void)tvn_tap_detach(&board, tap);
}

static void test_tap_options_beyond_the_limits_are_refused(void **state)
{
    (void)state;
    struct tvn_tap *tap = NULL;
    static const struct tvn_tap_options bad[] = {
        {.sample_every = 0},
        {.sample_every = TVN_TAP_SAMPLE_MAX + 1},
        {.sample_every = 1, .bytes = TVN_TAP_BYTES_MAX + 1},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(bad); i++) {
        assert_status(tvn_tap_create(&bad[i], &tap), TVN_E_CONSTRAINT_VIOLATION);
    }
}

static void test_tap_board_has_a_limit(void **state)
{
    (void)state;
    struct tvn_tap *taps[TVN_TAPS_MAX];
    struct tvn_tap *more = NULL;
    const struct tvn_tap_options options = {.sample_every = 1};
    board = (struct tvn_tap_board){0};
    for (uint32_t i = 0; i < TVN_TAPS_MAX; i++) {
        assert_status(tvn_tap_create(&options, &taps[i]), TVN_OK);
        assert_status(tvn_tap_attach(&board, &intern, taps[i]), TVN_OK);
    }
    assert_status(tvn_tap_create(&options, &more), TVN_OK);
    assert_status(tvn_tap_attach(&board, &intern, more), TVN_FULL);
    for (uint32_t i = 0; i < TVN_TAPS_MAX; i++) {
        assert_int_equal(tvn_tap_detach(&board, taps[i]), i + 1 < TVN_TAPS_MAX);
        tvn_tap_destroy(taps[i]);
    }
    tvn_tap_destroy(more);
}

#define OFFERS 200000u

static void *offer_many(void *context)
{
    (void)context;
    for (uint64_t i = 0; i < OFFERS; i++) {
        char text[24];
        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)i);
        put(0, i, text);
    }
    return NULL;
}

static void check_element(const struct tvn_tap_element *out, uint64_t *next)
{
    char text[24];
    int length = snprintf(text, sizeof(text), "%llu", (unsigned long long)out->sequence);
    assert_true(out->sequence >= *next);
    assert_int_equal(out->timestamp_ns, 7 + out->sequence);
    assert_int_equal(out->copied, (uint32_t)length);
    assert_memory_equal(out->bytes, text, out->copied);
    *next = out->sequence + 1;
}

/* Taps come and go while the flow's thread offers; each sees whole elements, in order. */
static void test_tap_beside_a_running_flow(void **state)
{
    (void)state;
    pthread_t thread;
    board = (struct tvn_tap_board){0};
    tvn_intern_init(&intern);
    assert_int_equal(pthread_create(&thread, NULL, offer_many, NULL), 0);
    for (uint32_t round = 0; round < 50; round++) {
        struct tvn_tap *tap = NULL;
        struct tvn_tap_element out;
        uint64_t next = 0;
        assert_status(
            tvn_tap_create(&(struct tvn_tap_options){.sample_every = 1, .bytes = 24}, &tap),
            TVN_OK);
        assert_status(tvn_tap_attach(&board, &intern, tap), TVN_OK);
        for (uint32_t i = 0; i < 2000; i++) {
            if (tvn_tap_next(tap, &out)) {
                check_element(&out, &next);
            }
        }
        (void)tvn_tap_detach(&board, tap);
        while (tvn_tap_next(tap, &out)) {
            check_element(&out, &next);
        }
        assert_true(count_of(tap, seen) == count_of(tap, taken) + count_of(tap, lost));
        tvn_tap_destroy(tap);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_tap_gives_what_was_put),
    cmocka_unit_test(test_tap_samples_from_the_first_on),
    cmocka_unit_test(test_tap_samples_the_same_in_vectors),
    cmocka_unit_test(test_tap_full_ring_loses_and_counts),
    cmocka_unit_test(test_tap_limit_ends_it),
    cmocka_unit_test(test_tap_options_beyond_the_limits_are_refused),
    cmocka_unit_test(test_tap_board_has_a_limit),
    cmocka_unit_test(test_tap_beside_a_running_flow),
};
TVN_TEST_MAIN("observability.tap", tests)
