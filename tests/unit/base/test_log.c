/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "tvn_test.h"

#include <fcntl.h>
#include <pthread.h>

TVN_LOG_CATEGORY("reactor");

/* What is written to stderr between the two calls. */
struct capture {
    int saved;
    int read_end;
};

static struct capture capture_begin(void)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    struct capture capture = {.saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0),
                              .read_end = ends[0]};
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    close(ends[1]);
    return capture;
}

static const char *capture_end(struct capture capture)
{
    static char text[70000];
    if (capture.saved >= 0) {
        dup2(capture.saved, STDERR_FILENO);
        close(capture.saved);
    }
    size_t length = 0;
    ssize_t got;
    while ((got = read(capture.read_end, text + length, sizeof(text) - 1 - length)) > 0) {
        length += (size_t)got;
    }
    text[length] = '\0';
    close(capture.read_end);
    return text;
}

static int default_filter(void **state)
{
    (void)state;
    return tvn_log_set_filter("");
}

static bool enabled(const char *name, enum tvn_log_level level)
{
    struct tvn_log_category category = {.name = name, .cached_level = -1};
    return tvn_log_enabled(&category, level);
}

static void test_log_level_parse_knows_exact_names_only(void **state)
{
    (void)state;
    enum tvn_log_level level = TVN_LOG_OFF;
    assert_true(tvn_log_level_parse(TVN_STR("trace"), &level));
    assert_int_equal(level, TVN_LOG_TRACE);
    assert_true(tvn_log_level_parse(TVN_STR("error"), &level));
    assert_int_equal(level, TVN_LOG_ERROR);
    assert_true(tvn_log_level_parse(TVN_STR("off"), &level));
    assert_int_equal(level, TVN_LOG_OFF);
    static const char *const bad[] = {"", "Warn", "warning", "inf", "info ", "5"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(bad); i++) {
        assert_false(tvn_log_level_parse(tvn_str_of(bad[i]), &level));
    }
    assert_int_equal(level, TVN_LOG_OFF);
}

static void test_log_default_filter_is_info(void **state)
{
    (void)state;
    assert_true(enabled("x", TVN_LOG_ERROR));
    assert_true(enabled("x", TVN_LOG_INFO));
    assert_false(enabled("x", TVN_LOG_DEBUG));
    assert_false(enabled("x", TVN_LOG_OFF));
}

static void test_log_filter_with_category_overrides_general_level(void **state)
{
    (void)state;
    assert_status(tvn_log_set_filter("warn,torvyn_reactor=debug"), TVN_OK);
    assert_false(enabled("cli", TVN_LOG_INFO));
    assert_true(enabled("cli", TVN_LOG_WARN));
    assert_true(enabled("reactor", TVN_LOG_DEBUG));
    assert_false(enabled("reactor", TVN_LOG_TRACE));
    assert_false(enabled("reactor_x", TVN_LOG_DEBUG)); /* names match whole */

    /* Whatever the order. */
    assert_status(tvn_log_set_filter(" torvyn_reactor = off , trace "), TVN_OK);
    assert_false(enabled("reactor", TVN_LOG_ERROR));
    assert_true(enabled("cli", TVN_LOG_TRACE));
}

static void test_log_filter_accepts_short_and_general_names(void **state)
{
    (void)state;
    assert_status(tvn_log_set_filter("reactor=trace"), TVN_OK);
    assert_true(enabled("reactor", TVN_LOG_TRACE));
    assert_true(enabled("cli", TVN_LOG_INFO)); /* the default stays */
    assert_status(tvn_log_set_filter("torvyn=error"), TVN_OK);
    assert_false(enabled("cli", TVN_LOG_WARN));
    assert_status(tvn_log_set_filter("warn,debug"), TVN_OK); /* the last one wins */
    assert_true(enabled("cli", TVN_LOG_DEBUG));
}

static void test_log_filter_with_bad_syntax_is_refused_and_unchanged(void **state)
{
    (void)state;
    assert_status(tvn_log_set_filter("trace"), TVN_OK);
    static const char *const bad[] = {
        "loud", "warn,", ",warn",  "warn,,info", "=debug",         "torvyn_reactor=",
        "a=b",  "a=b=c", "A=warn", "a-b=warn",   "torvyn_reactor", "warn;info",
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(bad); i++) {
        assert_status(tvn_log_set_filter(bad[i]), TVN_E_CONSTRAINT_VIOLATION);
        assert_true(enabled("cli", TVN_LOG_TRACE));
    }
}

static void test_log_filter_beyond_its_limits_is_refused(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) many = {0};
    for (int i = 0; i < 63; i++) {
        tvn_strbuf_printf(&many, "%sa%d=warn", i ? "," : "", i);
    }
    assert_status(tvn_log_set_filter(tvn_strbuf_text(&many)), TVN_OK);
    tvn_strbuf_add_text(&many, ",b=warn");
    assert_status(tvn_log_set_filter(tvn_strbuf_text(&many)), TVN_E_CONSTRAINT_VIOLATION);

    TVN_AUTO_VALUE(tvn_strbuf) name = {0};
    tvn_strbuf_add_repeat(&name, 'a', 64);
    tvn_strbuf_add_text(&name, "=warn");
    assert_status(tvn_log_set_filter(tvn_strbuf_text(&name)), TVN_E_CONSTRAINT_VIOLATION);
    assert_status(tvn_log_set_filter(tvn_strbuf_text(&name) + 1), TVN_OK);
}

static void test_log_cached_level_follows_a_new_filter(void **state)
{
    (void)state;
    assert_false(tvn_log_enabled(&log_category_, TVN_LOG_DEBUG));
    assert_status(tvn_log_set_filter("debug"), TVN_OK);
    assert_true(tvn_log_enabled(&log_category_, TVN_LOG_DEBUG));
    assert_status(tvn_log_set_filter("off"), TVN_OK);
    assert_false(tvn_log_enabled(&log_category_, TVN_LOG_ERROR));
}

static void test_log_lines_have_level_and_category_except_info(void **state)
{
    (void)state;
    assert_status(tvn_log_set_filter("debug"), TVN_OK);
    struct capture capture = capture_begin();
    tvn_log_info("flow '%s' started", "main");
    tvn_log_warn("queue of %d", 3);
    tvn_log_error("x");
    tvn_log_debug("y");
    tvn_log_trace("not shown");
    const char *text = capture_end(capture);

    assert_string_equal(text, "[torvyn] flow 'main' started\n"
                              "[torvyn] warn reactor: queue of 3\n"
                              "[torvyn] error reactor: x\n"
                              "[torvyn] debug reactor: y\n");
}

static void test_log_message_cannot_forge_a_line(void **state)
{
    (void)state;
    struct capture capture = capture_begin();
    tvn_log_info("a\n[torvyn] fake \x1b[2J\xff");
    const char *text = capture_end(capture);
    assert_string_equal(text, "[torvyn] a\\n[torvyn] fake \\x1b[2J\\xff\n");
}

static void test_log_long_message_is_cut_to_one_line(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) message = {0};
    tvn_strbuf_add_repeat(&message, 'x', 100000);
    struct capture capture = capture_begin();
    tvn_log_info("%s", tvn_strbuf_text(&message));
    const char *text = capture_end(capture);
    size_t length = strlen(text);
    assert_true(length > 1000 && length < 70000);
    assert_string_equal(text + length - 5, " …\n");
}

static void test_log_write_keeps_errno_and_shows_it(void **state)
{
    (void)state;
    struct capture capture = capture_begin();
    errno = ENOENT;
    tvn_log_info("cannot open: %s", strerror(errno));
    int after = errno;
    const char *text = capture_end(capture);
    assert_int_equal(after, ENOENT);
    assert_string_equal(text, "[torvyn] cannot open: No such file or directory\n");
}

static void test_log_write_when_memory_is_exhausted_says_so(void **state)
{
    (void)state;
    struct capture capture = capture_begin();
    tvn_mem_fail_at(1, true);
    tvn_log_info("x");
    tvn_mem_fail_at(0, false);
    const char *text = capture_end(capture);
    assert_string_equal(text, "[torvyn] a message is lost: out of memory\n");
}

static void *log_and_filter(void *index)
{
    static const char *const filters[] = {"off", "error", "torvyn_reactor=off", "off,cli=trace"};
    for (int i = 0; i < 2000; i++) {
        if (tvn_log_set_filter(filters[(uintptr_t)index]) != TVN_OK) {
            return index;
        }
        tvn_log_debug("never shown");
    }
    return NULL;
}

static void test_log_from_many_threads_with_changing_filter(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (uintptr_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, log_and_filter, (void *)i), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        void *result = &threads;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_null(result);
    }
}

#define WITH_DEFAULT(test) cmocka_unit_test_setup(test, default_filter)

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_log_level_parse_knows_exact_names_only),
    cmocka_unit_test(test_log_default_filter_is_info), /* before any filter was set */
    WITH_DEFAULT(test_log_filter_with_category_overrides_general_level),
    WITH_DEFAULT(test_log_filter_accepts_short_and_general_names),
    WITH_DEFAULT(test_log_filter_with_bad_syntax_is_refused_and_unchanged),
    WITH_DEFAULT(test_log_filter_beyond_its_limits_is_refused),
    WITH_DEFAULT(test_log_cached_level_follows_a_new_filter),
    WITH_DEFAULT(test_log_lines_have_level_and_category_except_info),
    WITH_DEFAULT(test_log_message_cannot_forge_a_line),
    WITH_DEFAULT(test_log_long_message_is_cut_to_one_line),
    WITH_DEFAULT(test_log_write_keeps_errno_and_shows_it),
    WITH_DEFAULT(test_log_write_when_memory_is_exhausted_says_so),
    WITH_DEFAULT(test_log_from_many_threads_with_changing_filter),
};
TVN_TEST_MAIN("base.log", tests)
