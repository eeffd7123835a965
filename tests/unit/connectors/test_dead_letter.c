/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "connectors/dead_letter.h"

#include "tvn_test.h"

#include <sys/stat.h>

#define LIMIT 100000

static char root[] = "/tmp/tvn-letters-XXXXXX";
static char path[64];
static struct tvn_dead_letter_file *file;

static const struct tvn_dead_letter letter = {
    .flow = "main",
    .node = "parse",
    .sequence = 7,
    .timestamp_ns = 1700000000000000000,
    .code = TVN_E_ROUTER_PORT_UNKNOWN,
    .error = "internal",
    .cause = "no \"port\"",
    .attempts = 2,
    .content_type = {"text/plain", 10},
    .payload = (const uint8_t *)"a\tb",
    .payload_bytes = 3,
};

#define HEAD                                                                                     \
    "{\"flow\":\"main\",\"node\":\"parse\",\"sequence\":7,\"timestamp_ns\":1700000000000000000," \
    "\"code\":\"E0204\",\"error\":\"internal\",\"cause\":\"no \\\"port\\\"\",\"attempts\":2,"    \
    "\"content_type\":\"text/plain\""

static int set_up(void **state)
{
    (void)state;
    snprintf(root, sizeof(root), "/tmp/tvn-letters-XXXXXX");
    assert_non_null(mkdtemp(root));
    snprintf(path, sizeof(path), "%s/folder/letters.jsonl", root);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tvn_dead_letter_close(file);
    file = NULL;
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", root);
    return system(command); // NOLINT(cert-env33-c)
}

static void open_with(enum tvn_dead_letter_payload payload, uint64_t limit)
{
    assert_status(tvn_dead_letter_open(path, payload, limit, &file), TVN_OK);
}

static void assert_content(const char *expected)
{
    TVN_AUTO_VALUE(tvn_file_bytes) bytes = {0};
    assert_status(tvn_file_read(path, LIMIT, &bytes), TVN_OK);
    assert_str(((struct tvn_str){(const char *)bytes.ptr, bytes.len}), expected);
}

static void test_letter_is_one_line_of_json(void **state)
{
    (void)state;
    open_with(TVN_DEAD_LETTER_TEXT, LIMIT);
    (void)tvn_dead_letter_write(file, &letter);
    assert_content(HEAD ",\"payload\":\"a\\tb\"}\n");
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
}

static void test_letter_without_code_or_error_has_null(void **state)
{
    (void)state;
    open_with(TVN_DEAD_LETTER_OMIT, LIMIT);
    struct tvn_dead_letter plain = letter;
    plain.code = TVN_OK;
    plain.error = NULL;
    plain.cause = "";
    (void)tvn_dead_letter_write(file, &plain);
    assert_content("{\"flow\":\"main\",\"node\":\"parse\",\"sequence\":7,"
                   "\"timestamp_ns\":1700000000000000000,\"code\":null,\"error\":null,"
                   "\"cause\":\"\",\"attempts\":2,\"content_type\":\"text/plain\"}\n");
}

static void test_payload_that_is_no_text_is_base64(void **state)
{
    (void)state;
    open_with(TVN_DEAD_LETTER_TEXT, LIMIT);
    struct tvn_dead_letter binary = letter;
    binary.payload = (const uint8_t *)"\xff\x00\x01";
    (void)tvn_dead_letter_write(file, &binary);
    assert_content(HEAD ",\"payload_base64\":\"/wAB\"}\n");
}

static void test_payload_is_base64_on_request_and_may_be_empty(void **state)
{
    (void)state;
    open_with(TVN_DEAD_LETTER_BASE64, LIMIT);
    struct tvn_dead_letter empty = letter;
    empty.payload = NULL;
    empty.payload_bytes = 0;
    (void)tvn_dead_letter_write(file, &letter);
    (void)tvn_dead_letter_write(file, &empty);
    assert_content(HEAD ",\"payload_base64\":\"YQli\"}\n" HEAD ",\"payload_base64\":\"\"}\n");
}

static void test_letters_are_appended(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        open_with(TVN_DEAD_LETTER_TEXT, LIMIT);
        (void)tvn_dead_letter_write(file, &letter);
        tvn_dead_letter_close(TVN_TAKE(file));
    }
    assert_content(HEAD ",\"payload\":\"a\\tb\"}\n" HEAD ",\"payload\":\"a\\tb\"}\n");
}

static void test_file_that_is_full_loses_letters_and_says_so(void **state)
{
    (void)state;
    size_t line = strlen(HEAD ",\"payload\":\"a\\tb\"}\n");
    open_with(TVN_DEAD_LETTER_TEXT, 2 * line + line / 2);
    for (int i = 0; i < 5; i++) {
        (void)tvn_dead_letter_write(file, &letter);
    }
    const char *why;
    assert_int_equal(tvn_dead_letter_lost(file, &why), 3);
    assert_string_equal(why, "the file has reached dead_letter_max_size");
    assert_content(HEAD ",\"payload\":\"a\\tb\"}\n" HEAD ",\"payload\":\"a\\tb\"}\n");
}

static void test_long_payloads_are_written_whole(void **state)
{
    (void)state;
    static uint8_t payload[200000];
    memset(payload, 'x', sizeof(payload));
    open_with(TVN_DEAD_LETTER_TEXT, (uint64_t)1 << 30);
    struct tvn_dead_letter large = letter;
    large.payload = payload;
    large.payload_bytes = sizeof(payload);
    (void)tvn_dead_letter_write(file, &large);
    (void)tvn_dead_letter_write(file, &large);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, 2 * (strlen(HEAD ",\"payload\":\"\"}\n") + sizeof(payload)));
}

static void test_what_is_no_file_is_refused(void **state)
{
    (void)state;
    assert_status(tvn_dead_letter_open("/dev/null", TVN_DEAD_LETTER_TEXT, LIMIT, &file),
                  TVN_E_CONSTRAINT_VIOLATION);
    assert_status(tvn_dead_letter_open(root, TVN_DEAD_LETTER_TEXT, LIMIT, &file), TVN_E_IO_ERROR);
    assert_int_equal(errno, EISDIR);
    snprintf(path, sizeof(path), "%s/a/b/letters.jsonl", root);
    assert_status(tvn_dead_letter_open(path, TVN_DEAD_LETTER_TEXT, LIMIT, &file), TVN_E_IO_ERROR);
    assert_int_equal(errno, ENOENT);
    snprintf(path, sizeof(path), "%s/pipe", root);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_status(tvn_dead_letter_open(path, TVN_DEAD_LETTER_TEXT, LIMIT, &file), TVN_E_IO_ERROR);
    assert_int_equal(errno, ENXIO); /* nobody reads */
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_letter_is_one_line_of_json, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_letter_without_code_or_error_has_null, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_payload_that_is_no_text_is_base64, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_payload_is_base64_on_request_and_may_be_empty, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(test_letters_are_appended, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_file_that_is_full_loses_letters_and_says_so, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(test_long_payloads_are_written_whole, set_up, tear_down),
    cmocka_unit_test_setup_teardown(test_what_is_no_file_is_refused, set_up, tear_down),
};

TVN_TEST_MAIN("connectors.dead_letter", tests)
