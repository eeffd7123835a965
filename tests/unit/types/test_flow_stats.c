/* SPDX-License-Identifier: Apache-2.0 */
#include "types/flow_stats.h"

#include "tvn_test.h"

static void test_copy_record_counts_by_reason(void **state)
{
    (void)state;
    struct tvn_copy_stats copies = {0};
    tvn_copy_record(&copies, TVN_COPY_PAYLOAD_READ, 10);
    tvn_copy_record(&copies, TVN_COPY_PAYLOAD_READ, 0);
    tvn_copy_record(&copies, TVN_COPY_HOST_SERIALIZE, 7);
    assert_int_equal(tvn_stat_get(&copies.count[TVN_COPY_PAYLOAD_READ]), 2);
    assert_int_equal(tvn_stat_get(&copies.bytes[TVN_COPY_PAYLOAD_READ]), 10);
    assert_int_equal(tvn_stat_get(&copies.count[TVN_COPY_HOST_SERIALIZE]), 1);
    assert_int_equal(tvn_stat_get(&copies.bytes[TVN_COPY_HOST_SERIALIZE]), 7);
    assert_int_equal(tvn_stat_get(&copies.count[TVN_COPY_METADATA_MARSHAL]), 0);
    assert_int_equal(tvn_stat_get(&copies.count[TVN_COPY_PAYLOAD_WRITE]), 0);
}

static void test_copy_reason_names_are_the_specifications(void **state)
{
    (void)state;
    assert_string_equal(tvn_copy_reason_name(TVN_COPY_METADATA_MARSHAL), "MetadataMarshal");
    assert_string_equal(tvn_copy_reason_name(TVN_COPY_PAYLOAD_READ), "PayloadRead");
    assert_string_equal(tvn_copy_reason_name(TVN_COPY_PAYLOAD_WRITE), "PayloadWrite");
    assert_string_equal(tvn_copy_reason_name(TVN_COPY_HOST_SERIALIZE), "HostSerialize");
}

static void test_stat_set_and_add_are_plain_numbers(void **state)
{
    (void)state;
    tvn_stat stat = 0;
    tvn_stat_set(&stat, UINT64_MAX);
    tvn_stat_add(&stat, 2);
    assert_int_equal(tvn_stat_get(&stat), 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_copy_record_counts_by_reason),
    cmocka_unit_test(test_copy_reason_names_are_the_specifications),
    cmocka_unit_test(test_stat_set_and_add_are_plain_numbers),
};
TVN_TEST_MAIN("types.flow_stats", tests)
