/* SPDX-License-Identifier: Apache-2.0 */
/* The compiled calls' offsets are those of the canonical contracts. */
#include "contracts/canonical.h"
#include "engine/stage_calls.h"

#include "tvn_test.h"

struct fixture {
    struct tvn_diag_sink *sink;
    struct tvn_wit *contracts;
};

static int setup(void **state)
{
    static struct fixture fixture;
    fixture.sink = tvn_diag_sink_create();
    fixture.contracts = tvn_wit_create();
    if (tvn_contracts_add_canonical(fixture.contracts, fixture.sink) != TVN_OK ||
        tvn_wit_resolve(fixture.contracts, fixture.sink) != TVN_OK) {
        return -1;
    }
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    tvn_wit_destroy(fixture->contracts);
    tvn_diag_sink_destroy(fixture->sink);
    return 0;
}

static const struct tvn_func *func(void **state, const char *interface, const char *name)
{
    const struct fixture *fixture = *state;
    const struct tvn_interface *found =
        tvn_wit_find_interface(fixture->contracts, tvn_str_of(interface));
    assert_non_null(found);
    const struct tvn_func *function = tvn_interface_find_func(found, tvn_str_of(name));
    assert_non_null(function);
    return function;
}

static const struct tvn_type *result_of(void **state, const char *interface, const char *name)
{
    return func(state, interface, name)->type.result;
}

/* Offsets inside an output-element that starts at `at`. */
static void assert_output_element(const struct tvn_type *element, uint32_t at)
{
    const struct tvn_type *meta = element->fields[0].type;
    assert_int_equal(at, TVN_OUTPUT_ELEMENT);
    assert_int_equal(element->abi_size, TVN_ELEMENT_SIZE);
    assert_int_equal(element->abi_align, TVN_ELEMENT_ALIGN);
    assert_int_equal(tvn_type_field_offset(meta, 0), TVN_ELEMENT_SEQUENCE);
    assert_int_equal(tvn_type_field_offset(meta, 1), TVN_ELEMENT_TIMESTAMP);
    assert_int_equal(tvn_type_field_offset(meta, 2), TVN_ELEMENT_CONTENT_TYPE);
    assert_int_equal(tvn_type_field_offset(element, 1), TVN_ELEMENT_PAYLOAD);
}

static void test_offsets_of_pull_match_the_contract(void **state)
{
    const struct tvn_type *result = result_of(state, "torvyn:streaming/source@0.1.0", "pull");
    const struct tvn_type *option = result->element;

    assert_int_equal(result->abi_size, TVN_OUTPUT_SIZE);
    assert_int_equal(result->abi_align, TVN_OUTPUT_ALIGN);
    assert_int_equal(result->abi_payload_offset, TVN_OUTPUT_CASE);
    assert_int_equal(result->abi_payload_offset, TVN_OUTPUT_ERROR);
    assert_output_element(option->element, result->abi_payload_offset + option->abi_payload_offset);
}

static void test_offsets_of_process_match_the_contract(void **state)
{
    const struct tvn_type *result = result_of(state, "torvyn:streaming/processor@0.1.0", "process");
    const struct tvn_type *process_result = result->element;

    assert_int_equal(result->abi_size, TVN_OUTPUT_SIZE);
    assert_int_equal(result->abi_align, TVN_OUTPUT_ALIGN);
    assert_true(tvn_str_is(process_result->fields[0].name, "emit"));
    assert_output_element(process_result->fields[0].type,
                          result->abi_payload_offset + process_result->abi_payload_offset);
}

static void test_offsets_of_verdicts_match_the_contract(void **state)
{
    static const struct {
        const char *interface;
        const char *name;
    } verdicts[] = {
        {"torvyn:filtering/filter@0.1.0", "evaluate"},
        {"torvyn:streaming/sink@0.1.0", "push"},
        {"torvyn:streaming/sink@0.1.0", "complete"},
        {"torvyn:streaming/lifecycle@0.1.0", "init"},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(verdicts); i++) {
        const struct tvn_type *result = result_of(state, verdicts[i].interface, verdicts[i].name);
        assert_int_equal(result->abi_size, TVN_VERDICT_SIZE);
        assert_int_equal(result->abi_align, TVN_VERDICT_ALIGN);
        assert_int_equal(result->abi_payload_offset, TVN_VERDICT_VALUE);
        assert_int_equal(result->abi_payload_offset, TVN_VERDICT_ERROR);
        assert_int_equal(result->error->abi_payload_offset, TVN_ERROR_TEXT);
    }
}

static void test_offsets_of_ingest_are_those_of_pull(void **state)
{
    const struct tvn_type *ingest =
        result_of(state, "torvyn:aggregation/aggregator@0.1.0", "ingest");
    const struct tvn_type *option = ingest->element;

    assert_int_equal(ingest->abi_size, TVN_OUTPUT_SIZE);
    assert_int_equal(ingest->abi_payload_offset, TVN_OUTPUT_CASE);
    assert_output_element(option->element, ingest->abi_payload_offset + option->abi_payload_offset);
}

static void test_offsets_of_lists_match_the_contract(void **state)
{
    const struct tvn_type *flush = result_of(state, "torvyn:aggregation/aggregator@0.1.0", "flush");
    const struct tvn_type *route = result_of(state, "torvyn:filtering/router@0.1.0", "route");
    const struct tvn_type *const results[] = {flush, route};
    for (size_t i = 0; i < TVN_ARRAY_LEN(results); i++) {
        assert_int_equal(results[i]->abi_size, TVN_LIST_SIZE);
        assert_int_equal(results[i]->abi_align, TVN_LIST_ALIGN);
        assert_int_equal(results[i]->abi_payload_offset, TVN_LIST_POINTER);
        assert_int_equal(results[i]->abi_payload_offset, TVN_LIST_ERROR);
        assert_int_equal(results[i]->element->abi_size, TVN_LIST_LENGTH - TVN_LIST_POINTER + 4);
    }
    assert_int_equal(flush->element->element->abi_size, TVN_ELEMENT_SIZE);
    assert_int_equal(route->element->element->abi_size, TVN_STRING_SIZE);
    assert_int_equal(route->element->element->abi_align, TVN_STRING_ALIGN);
}

static void test_cases_of_process_error_are_numbered_as_the_enum(void **state)
{
    const struct tvn_type *error =
        result_of(state, "torvyn:streaming/sink@0.1.0", "complete")->error;

    assert_int_equal(error->field_count, TVN_PROCESS_FATAL + 1);
    for (uint32_t i = 0; i < error->field_count; i++) {
        assert_true(
            tvn_str_is(error->fields[i].name, tvn_process_error_name((enum tvn_process_error)i)));
    }
}

static void test_a_stream_element_takes_six_flat_slots(void **state)
{
    enum tvn_core_kind kinds[TVN_TYPE_FLAT_MAX];
    const struct tvn_func *process = func(state, "torvyn:streaming/processor@0.1.0", "process");

    assert_int_equal(tvn_type_flatten(process->type.params[0].type, kinds), 6);
    assert_int_equal(kinds[0], TVN_CORE_I64);
    assert_int_equal(kinds[1], TVN_CORE_I64);
    for (size_t i = 2; i < 6; i++) {
        assert_int_equal(kinds[i], TVN_CORE_I32);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_offsets_of_pull_match_the_contract, setup, teardown),
    cmocka_unit_test_setup_teardown(test_offsets_of_process_match_the_contract, setup, teardown),
    cmocka_unit_test_setup_teardown(test_offsets_of_verdicts_match_the_contract, setup, teardown),
    cmocka_unit_test_setup_teardown(test_offsets_of_ingest_are_those_of_pull, setup, teardown),
    cmocka_unit_test_setup_teardown(test_offsets_of_lists_match_the_contract, setup, teardown),
    cmocka_unit_test_setup_teardown(test_cases_of_process_error_are_numbered_as_the_enum, setup,
                                    teardown),
    cmocka_unit_test_setup_teardown(test_a_stream_element_takes_six_flat_slots, setup, teardown),
};

TVN_TEST_MAIN("engine.stage_calls", tests)
