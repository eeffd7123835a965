/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the tests of WIT text share: a set and a sink per test, and diagnostics as lines. */
#include "contracts/wit.h"

#include "tvn_test.h"

struct wit_case {
    struct tvn_diag_sink *sink;
    struct tvn_wit *wit;
};

static inline struct wit_case wit_case_begin(void)
{
    struct wit_case wit_case = {tvn_diag_sink_create(), tvn_wit_create()};
    assert_non_null(wit_case.sink);
    assert_non_null(wit_case.wit);
    return wit_case;
}

static inline void wit_case_end(struct wit_case *wit_case)
{
    tvn_wit_destroy(wit_case->wit);
    tvn_diag_sink_destroy(wit_case->sink);
}

/* Adds and, unless the text was faulty, resolves; checks that statuses and diagnostics agree. */
static inline enum tvn_status wit_case_run(struct wit_case *wit_case, const char *text)
{
    enum tvn_status status =
        tvn_wit_add_text(wit_case->wit, "a.wit", tvn_str_of(text), wit_case->sink);
    assert_int_equal(status != TVN_OK, tvn_diag_error_count(wit_case->sink) > 0);
    if (status == TVN_OK) {
        status = tvn_wit_resolve(wit_case->wit, wit_case->sink);
        assert_int_equal(status != TVN_OK, tvn_diag_error_count(wit_case->sink) > 0);
    }
    assert_true(status >= TVN_OK);
    return status;
}

/* "3:5 E0101 type 'x' does not exist; 4:1 …" */
static inline void wit_case_errors(const struct wit_case *wit_case, struct tvn_strbuf *out)
{
    for (size_t i = 0; i < tvn_diag_count(wit_case->sink); i++) {
        const struct tvn_diagnostic *diagnostic = tvn_diag_at(wit_case->sink, i);
        struct tvn_diag_place place = {0};
        (void)tvn_diag_locate(wit_case->sink, diagnostic->primary.span, &place);
        tvn_strbuf_printf(out, "%s%u:%u %s %s", i == 0 ? "" : "; ", place.line, place.column,
                          tvn_status_code(diagnostic->code), diagnostic->message);
    }
}

/* All messages for a text. */
static inline void expect_errors(const char *text, const char *expected)
{
    struct wit_case wit_case = wit_case_begin();
    (void)wit_case_run(&wit_case, text);
    TVN_AUTO_VALUE(tvn_strbuf) errors = {0};
    wit_case_errors(&wit_case, &errors);
    if (strcmp(tvn_strbuf_text(&errors), expected) != 0) {
        print_error("for:\n%s\n", text);
    }
    assert_string_equal(tvn_strbuf_text(&errors), expected);
    wit_case_end(&wit_case);
}

/* What the sink says to do about the first error. */
static inline void expect_help(const char *text, const char *expected)
{
    struct wit_case wit_case = wit_case_begin();
    (void)wit_case_run(&wit_case, text);
    assert_true(tvn_diag_count(wit_case.sink) > 0);
    assert_non_null(tvn_diag_at(wit_case.sink, 0)->help);
    assert_string_equal(tvn_diag_at(wit_case.sink, 0)->help, expected);
    wit_case_end(&wit_case);
}

static inline void expect_no_errors(const char *text)
{
    expect_errors(text, "");
}
