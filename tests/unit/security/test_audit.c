/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "format/json.h"
#include "security/audit.h"

#include "manifest_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

static const struct tvn_grant grants[] = {{TVN_CAP_STDOUT, NULL},
                                          {TVN_CAP_FILESYSTEM_READ, "/data"}};
static const struct tvn_sandbox sandbox = {
    .component = "node", .grants = grants, .grant_count = 2, .max_memory_bytes = 5};

/* A manifest in a directory of its own. */
struct place {
    char directory[64];
    struct tvn_diag_sink *sink;
    struct tvn_manifest *manifest;
};

static struct place open_place(const char *security)
{
    static const char *const environment[] = {NULL};
    const struct tvn_config_options options = {.environment = environment, .user_config = ""};
    struct place place = {.directory = "/tmp/torvyn-test-XXXXXX", .sink = tvn_diag_sink_create()};
    assert_non_null(mkdtemp(place.directory));
    TVN_AUTO_FREE char *path = tvn_path_join(place.directory, "Torvyn.toml");
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_strbuf_printf(&text, "[flow.main]\n[security]\n%s\n", security);
    assert_diag_status(
        tvn_manifest_parse(path, tvn_strbuf_view(&text), &options, place.sink, &place.manifest),
        TVN_OK, place.sink);
    return place;
}

static void close_place(struct place *place, const char *file, const char *directory)
{
    if (file) {
        TVN_AUTO_FREE char *path = tvn_path_join(place->directory, file);
        assert_int_equal(unlink(path), 0);
    }
    if (directory) {
        TVN_AUTO_FREE char *path = tvn_path_join(place->directory, directory);
        assert_int_equal(rmdir(path), 0);
    }
    assert_int_equal(rmdir(place->directory), 0);
    tvn_manifest_destroy(place->manifest);
    tvn_diag_sink_destroy(place->sink);
}

/* The n-th line of the log as JSON; the caller owns it. */
static struct tvn_json *read_line(const struct place *place, const char *file, size_t line)
{
    TVN_AUTO_FREE char *path = tvn_path_join(place->directory, file);
    TVN_AUTO_VALUE(tvn_file_bytes) bytes = {0};
    assert_status(tvn_file_read(path, 1 << 20, &bytes), TVN_OK);
    struct tvn_str text = {(const char *)bytes.ptr, bytes.len};
    for (; line > 0; line--) {
        size_t newline = tvn_str_find(text, '\n');
        assert_true(newline != SIZE_MAX);
        text = tvn_str_slice(text, newline + 1, text.len);
    }
    struct tvn_json *value = NULL;
    struct tvn_json_error error = {0};
    size_t end = tvn_str_find(text, '\n');
    assert_true(end != SIZE_MAX);
    assert_status(tvn_json_parse(tvn_str_slice(text, 0, end), &value, &error), TVN_OK);
    return value;
}

static void assert_field(const struct tvn_json *record, const char *key, const char *expected)
{
    const struct tvn_json *value = tvn_json_get(record, key);
    assert_non_null(value);
    assert_str(tvn_json_string(value), expected);
}

static void test_audit_writes_resolutions_denials_and_totals(void **state)
{
    (void)state;
    struct place place = open_place("");
    struct tvn_audit *audit = NULL;
    assert_diag_status(tvn_audit_open(place.manifest, place.sink, &audit), TVN_OK, place.sink);
    struct tvn_guard guard;
    tvn_guard_init(&guard, &sandbox, tvn_audit_denied, audit);
    tvn_audit_resolution(audit, "main", "node", &sandbox);
    assert_false(tvn_guard_check(&guard, TVN_CAP_FILESYSTEM_READ, "/etc/\xff"));
    assert_false(tvn_guard_check(&guard, TVN_CAP_RANDOM, NULL));
    assert_true(tvn_guard_check(&guard, TVN_CAP_STDOUT, NULL));
    assert_true(tvn_guard_check(&guard, TVN_CAP_STDOUT, NULL));
    tvn_audit_exercises(audit, &guard);
    assert_status(tvn_audit_close(audit, place.sink), TVN_OK);

    TVN_AUTO(tvn_json) resolution = read_line(&place, TVN_AUDIT_DEFAULT_FILE, 0);
    assert_field(resolution, "event", "grant-resolution");
    assert_field(resolution, "flow", "main");
    assert_field(resolution, "component", "node");
    assert_int_equal(tvn_json_string(tvn_json_get(resolution, "time")).len, 24);
    assert_str(tvn_json_string(tvn_json_at(tvn_json_get(resolution, "grants"), 1)),
               "wasi:filesystem/read:/data");
    TVN_AUTO(tvn_json) denial = read_line(&place, TVN_AUDIT_DEFAULT_FILE, 1);
    assert_field(denial, "event", "capability-denied");
    assert_field(denial, "code", "E0500");
    assert_field(denial, "capability", "wasi:filesystem/read");
    assert_field(denial, "scope", "/etc/\xef\xbf\xbd");
    TVN_AUTO(tvn_json) unscoped = read_line(&place, TVN_AUDIT_DEFAULT_FILE, 2);
    assert_int_equal(tvn_json_kind(tvn_json_get(unscoped, "scope")), TVN_JSON_NULL);
    TVN_AUTO(tvn_json) total = read_line(&place, TVN_AUDIT_DEFAULT_FILE, 3);
    assert_field(total, "event", "capability-exercised");
    assert_int_equal(tvn_json_integer(tvn_json_get(total, "count")), 2);
    close_place(&place, TVN_AUDIT_DEFAULT_FILE, ".torvyn");
}

static void test_audit_appends_and_bounds_denials(void **state)
{
    (void)state;
    struct place place = open_place("audit_file = \"log.jsonl\"");
    for (size_t run = 0; run < 2; run++) {
        struct tvn_audit *audit = NULL;
        assert_diag_status(tvn_audit_open(place.manifest, place.sink, &audit), TVN_OK, place.sink);
        struct tvn_guard guard;
        tvn_guard_init(&guard, &sandbox, tvn_audit_denied, audit);
        for (size_t i = 0; i < TVN_AUDIT_DENIALS_MAX + 5; i++) {
            assert_false(tvn_guard_check(&guard, TVN_CAP_RANDOM, NULL));
        }
        tvn_audit_exercises(audit, &guard);
        assert_status(tvn_audit_close(audit, NULL), TVN_OK);
    }
    TVN_AUTO(tvn_json) total = read_line(&place, "log.jsonl", TVN_AUDIT_DENIALS_MAX);
    assert_field(total, "event", "capability-denied-total");
    assert_int_equal(tvn_json_integer(tvn_json_get(total, "count")), TVN_AUDIT_DENIALS_MAX + 5);
    TVN_AUTO(tvn_json) last = read_line(&place, "log.jsonl", 2 * TVN_AUDIT_DENIALS_MAX + 1);
    assert_field(last, "event", "capability-denied-total");
    close_place(&place, "log.jsonl", NULL);
}

static void test_audit_path_out_of_its_grant_is_a_violation(void **state)
{
    (void)state;
    struct place place = open_place("audit_file = \"log.jsonl\"");
    struct tvn_audit *audit = NULL;
    assert_diag_status(tvn_audit_open(place.manifest, place.sink, &audit), TVN_OK, place.sink);
    struct tvn_guard guard;
    tvn_guard_init(&guard, &sandbox, tvn_audit_denied, audit);
    assert_false(tvn_guard_check(&guard, TVN_CAP_FILESYSTEM_READ, "outside of /data: ../x"));
    assert_status(tvn_audit_close(audit, place.sink), TVN_OK);

    TVN_AUTO(tvn_json) violation = read_line(&place, "log.jsonl", 0);
    assert_field(violation, "event", "sandbox-violation");
    assert_field(violation, "code", "E0501");
    assert_field(violation, "scope", "outside of /data: ../x");
    close_place(&place, "log.jsonl", NULL);
}

static void test_audit_disabled_log_writes_nothing(void **state)
{
    (void)state;
    struct place place = open_place("audit_enabled = false\naudit_file = \"log.jsonl\"");
    struct tvn_audit *audit = NULL;
    assert_diag_status(tvn_audit_open(place.manifest, place.sink, &audit), TVN_OK, place.sink);
    tvn_audit_resolution(audit, "main", "node", &sandbox);
    assert_status(tvn_audit_close(audit, place.sink), TVN_OK);
    assert_status(tvn_audit_close(NULL, place.sink), TVN_OK);
    close_place(&place, NULL, NULL); /* fails if there were a file */
}

static void test_audit_unwritable_named_file_is_e0510(void **state)
{
    (void)state;
    struct place place = open_place("audit_file = \"no/such/log.jsonl\"");
    struct tvn_audit *audit = NULL;
    assert_diag_status(tvn_audit_open(place.manifest, place.sink, &audit), TVN_E_AUDIT_LOG_FAILED,
                       place.sink);
    assert_diagnostic(place.sink, 0, TVN_E_AUDIT_LOG_FAILED, NULL, "\"no/such/log.jsonl\"", 3, 14,
                      NULL);
    close_place(&place, NULL, NULL);
}

static void test_audit_unwritable_default_file_is_a_warning(void **state)
{
    (void)state;
    struct place place = open_place("");
    TVN_AUTO_FREE char *blocker = tvn_path_join(place.directory, ".torvyn");
    int fd = open(blocker, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    tvn_fd_close(&fd);
    struct tvn_audit *audit = NULL;
    assert_diag_status(tvn_audit_open(place.manifest, place.sink, &audit), TVN_OK, place.sink);
    assert_int_equal(tvn_diag_warning_count(place.sink), 1);
    tvn_audit_resolution(audit, "main", "node", &sandbox);
    assert_status(tvn_audit_close(audit, place.sink), TVN_OK);
    close_place(&place, ".torvyn", NULL);
}

static void test_audit_lost_records_are_reported_at_the_end(void **state)
{
    (void)state;
    struct place place = open_place("audit_file = \"/dev/full\"");
    struct tvn_audit *audit = NULL;
    assert_diag_status(tvn_audit_open(place.manifest, place.sink, &audit), TVN_OK, place.sink);
    tvn_audit_resolution(audit, "main", "node", &sandbox);
    tvn_audit_resolution(audit, "main", "node", &sandbox);
    assert_diag_status(tvn_audit_close(audit, place.sink), TVN_E_AUDIT_LOG_FAILED, place.sink);
    assert_string_equal(tvn_diag_at(place.sink, 0)->message,
                        "2 audit records were lost: No space left on device");
    close_place(&place, NULL, NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_audit_writes_resolutions_denials_and_totals),
    cmocka_unit_test(test_audit_appends_and_bounds_denials),
    cmocka_unit_test(test_audit_path_out_of_its_grant_is_a_violation),
    cmocka_unit_test(test_audit_disabled_log_writes_nothing),
    cmocka_unit_test(test_audit_unwritable_named_file_is_e0510),
    cmocka_unit_test(test_audit_unwritable_default_file_is_a_warning),
    cmocka_unit_test(test_audit_lost_records_are_reported_at_the_end),
};
TVN_TEST_MAIN("security.audit", tests)
