/* SPDX-License-Identifier: Apache-2.0 */
#include "contracts/canonical.h"
#include "toolchain/template.h"

#include "tvn_test.h"

static const struct tvn_template_file *find(const struct tvn_template_file *files, size_t count,
                                            const char *path)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(files[i].path, path) == 0) {
            return &files[i];
        }
    }
    return NULL;
}

static void test_template_contract_version_is_that_of_wit(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) package = {0};
    tvn_strbuf_printf(&package, "package torvyn:streaming@%s;", tvn_template_contract_version());

    for (const struct tvn_embedded_text *file = tvn_contracts_texts; file->name; file++) {
        if (strncmp(file->name, "torvyn-streaming/", 17) == 0) {
            assert_non_null(strstr(file->text, tvn_strbuf_text(&package)));
        }
    }
}

static void test_template_render_fills_everything_in(void **state)
{
    (void)state;
    for (const char *const *language = tvn_language_names; *language; language++) {
        for (const char *const *template = tvn_template_names; *template; template ++) {
            const struct tvn_template_options options = {
                .name = "sensors", .template = *template, .language = *language, .example = true};
            TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
            const struct tvn_template_file *files = NULL;
            size_t count = 0;

            assert_status(tvn_template_render(&options, arena, &files, &count), TVN_OK);

            assert_non_null(find(files, count, "Torvyn.toml"));
            assert_non_null(find(files, count, ".gitignore"));
            for (size_t i = 0; i < count; i++) {
                const char *left = strstr(files[i].text.ptr, "{{");
                if (left) {
                    fail_msg("%s/%s: %s", *language, *template, left);
                }
                assert_int_equal(files[i].text.ptr[files[i].text.len - 1], '\n');
                for (size_t k = 0; k < i; k++) {
                    assert_string_not_equal(files[i].path, files[k].path);
                }
            }
        }
    }
}

static void test_template_render_without_example_has_no_code(void **state)
{
    (void)state;
    const struct tvn_template_options options = {
        .name = "sensors", .template = "sink", .language = "rust", .example = false};
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    const struct tvn_template_file *files = NULL;
    size_t count = 0;

    assert_status(tvn_template_render(&options, arena, &files, &count), TVN_OK);

    assert_non_null(find(files, count, "Cargo.toml"));
    assert_non_null(find(files, count, "wit/world.wit"));
    assert_null(find(files, count, "src/lib.rs"));
}

static void test_template_render_without_memory_fails(void **state)
{
    (void)state;
    const struct tvn_template_options options = {
        .name = "sensors", .template = "full-pipeline", .language = "c", .example = true};
    for (uint64_t n = 1;; n++) {
        TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
        const struct tvn_template_file *files = NULL;
        size_t count = 0;
        tvn_mem_fail_at(n, false);
        enum tvn_status status = tvn_template_render(&options, arena, &files, &count);
        tvn_mem_fail_at(0, false);
        if (status == TVN_OK) {
            assert_true(n > 1);
            return;
        }
        assert_status(status, TVN_E_OUT_OF_MEMORY);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_template_contract_version_is_that_of_wit),
    cmocka_unit_test(test_template_render_fills_everything_in),
    cmocka_unit_test(test_template_render_without_example_has_no_code),
    cmocka_unit_test(test_template_render_without_memory_fails),
};
TVN_TEST_MAIN("toolchain.template", tests)
