/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the scripts in wast/: components that are valid must be accepted, and the others refused
 * with a diagnostic that contains the assertion's text and points into the file.
 */
#include "base/file.h"
#include "component/component.h"

#include "tvn_test.h"

#include <jansson.h>

#define FILE_MAX ((size_t)1 << 20)

struct outcome {
    unsigned accepted;
    unsigned refused;
};

static void check_command(const char *directory, json_t *command, struct outcome *outcome)
{
    const char *type = json_string_value(json_object_get(command, "type"));
    const char *name = json_string_value(json_object_get(command, "filename"));
    const char *text = json_string_value(json_object_get(command, "text"));
    int line = (int)json_integer_value(json_object_get(command, "line"));
    assert_non_null(type);
    assert_non_null(name);
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    struct tvn_file_bytes bytes;
    assert_status(tvn_file_read(path, FILE_MAX, &bytes), TVN_OK);
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    TVN_AUTO(tvn_component) component = NULL;
    uint32_t file = tvn_diag_add_binary_source(sink, path);
    enum tvn_status status = tvn_component_decode(bytes.ptr, bytes.len, file, sink, &component);
    const struct tvn_diagnostic *diagnostic =
        tvn_diag_count(sink) > 0 ? tvn_diag_at(sink, 0) : NULL;
    if (strcmp(type, "assert_invalid") == 0) {
        assert_diag_status(status, TVN_E_COMPONENT_INVALID, sink);
        if (!strstr(diagnostic->message, text)) {
            fail_msg("line %d: '%s' does not contain '%s'", line, diagnostic->message, text);
        }
        assert_int_equal(tvn_diag_error_count(sink), 1);
        assert_int_equal(diagnostic->primary.span.file, file);
        assert_in_range(diagnostic->primary.span.offset, 8, bytes.len);
        assert_null(component);
        outcome->refused++;
    } else {
        assert_string_equal(type, "module_definition");
        if (status != TVN_OK) {
            fail_msg("line %d: refused: %s", line, diagnostic->message);
        }
        outcome->accepted++;
    }
    tvn_component_destroy(TVN_TAKE(component));
    tvn_file_bytes_deinit(&bytes);
}

static void run_script(const char *name, unsigned accepted_min, unsigned refused_min)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s.json", TVN_WAST_DIR, name);
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);
    assert_non_null(root);
    struct outcome outcome = {0};
    size_t index;
    json_t *command;
    json_array_foreach(json_object_get(root, "commands"), index, command)
    {
        check_command(TVN_WAST_DIR, command, &outcome);
    }
    json_decref(root);
    print_message("%s: %u accepted, %u refused\n", name, outcome.accepted, outcome.refused);
    assert_true(outcome.accepted >= accepted_min);
    assert_true(outcome.refused >= refused_min);
}

static void test_validate_aliases_finds_items_and_refuses_others(void **state)
{
    (void)state;
    run_script("aliases", 2, 10);
}

static void test_validate_canon_checks_options_and_signatures(void **state)
{
    (void)state;
    run_script("canon", 1, 13);
}

static void test_validate_match_compares_arguments_with_imports(void **state)
{
    (void)state;
    run_script("match", 3, 12);
}

static void test_validate_names_follows_the_grammar(void **state)
{
    (void)state;
    run_script("names", 2, 25);
}

static void test_validate_types_asks_for_the_right_kind(void **state)
{
    (void)state;
    run_script("types", 1, 14);
}

static void test_validate_visible_wants_names_on_the_outside(void **state)
{
    (void)state;
    run_script("visible", 4, 9);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_validate_aliases_finds_items_and_refuses_others),
    cmocka_unit_test(test_validate_canon_checks_options_and_signatures),
    cmocka_unit_test(test_validate_match_compares_arguments_with_imports),
    cmocka_unit_test(test_validate_names_follows_the_grammar),
    cmocka_unit_test(test_validate_types_asks_for_the_right_kind),
    cmocka_unit_test(test_validate_visible_wants_names_on_the_outside),
};
TVN_TEST_MAIN("component.validate", tests)
