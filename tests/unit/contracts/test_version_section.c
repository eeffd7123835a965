/* SPDX-License-Identifier: Apache-2.0 */
#include "contracts/version_section.h"

#include "tvn_test.h"

static bool needs(const char *text, const char *name, struct tvn_semver *out_version)
{
    return tvn_version_section_needs(tvn_str_of(text), TVN_STR("torvyn"), tvn_str_of(name),
                                     out_version);
}

static void test_version_section_print_and_needs_agree(void **state)
{
    (void)state;
    static const char *const packages[] = {"torvyn:streaming@0.1.2", "acme:things",
                                           "torvyn:filtering@1.0.0-rc.1"};
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    struct tvn_semver version = {0};

    tvn_version_section_print("0.1.0", packages, TVN_ARRAY_LEN(packages), &text);

    assert_string_equal(tvn_strbuf_text(&text), "contract 0.1.0\n"
                                                "needs torvyn:streaming 0.1.2\n"
                                                "needs torvyn:filtering 1.0.0-rc.1\n");
    assert_true(needs(tvn_strbuf_text(&text), "streaming", &version));
    assert_int_equal(version.patch, 2);
    assert_true(needs(tvn_strbuf_text(&text), "filtering", &version));
    assert_int_equal(version.major, 1);
    assert_false(needs(tvn_strbuf_text(&text), "stream", &version));
    assert_false(needs(tvn_strbuf_text(&text), "things", &version));
}

static void test_version_section_needs_of_anything_else_says_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "\n\n",
        "needs",
        "needs torvyn:streaming",
        "needs torvyn:streaming \n",
        "needs torvyn:streaming one\n",
        "needs torvyn:streaming 0.1\n",
        "needs torvyn:streaming  0.1.0\n",
        "Needs torvyn:streaming 0.1.0\n",
        "needs other:streaming 0.1.0\n",
        "contract 0.1.0\nneeds torvyn:streamings 0.1.0",
    };
    struct tvn_semver version = {0};
    for (size_t i = 0; i < TVN_ARRAY_LEN(texts); i++) {
        assert_false(needs(texts[i], "streaming", &version));
    }
    assert_true(needs("unknown x\nneeds torvyn:streaming 0.1.0", "streaming", &version));

    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    tvn_strbuf_add_text(&text, "needs torvyn:streaming 0.1.0\n");
    tvn_strbuf_add_repeat(&text, 'x', TVN_VERSION_SECTION_BYTES_MAX);
    assert_false(needs(tvn_strbuf_text(&text), "streaming", &version));
}

static void test_version_section_encode_is_a_custom_section(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) text = {0};
    TVN_AUTO_VALUE(tvn_strbuf) section = {0};
    tvn_strbuf_add_repeat(&text, 'x', 200);

    tvn_version_section_encode(tvn_strbuf_view(&text), &section);

    /* 0, LEB128 of 1 + 15 + 200, 15, name, text */
    assert_memory_equal(section.ptr, "\x00\xd8\x01\x0ftorvyn-contractxxx", 22);
    assert_int_equal(section.len, 3 + 216);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_version_section_print_and_needs_agree),
    cmocka_unit_test(test_version_section_needs_of_anything_else_says_nothing),
    cmocka_unit_test(test_version_section_encode_is_a_custom_section),
};
TVN_TEST_MAIN("contracts.version_section", tests)
