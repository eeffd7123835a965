/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "toolchain/go_memory.h"

#include "tvn_test.h"

#define PREAMBLE "\0asm\1\0\0\0"

static void add(struct tvn_strbuf *out, const char *bytes, size_t length)
{
    tvn_strbuf_add(out, bytes, length);
}
#define ADD(out, text) add((out), (text), sizeof(text) - 1)

static void add_section(struct tvn_strbuf *out, char id, const char *body, size_t length)
{
    tvn_strbuf_add_char(out, id);
    tvn_strbuf_add_char(out, (char)length); /* all are short */
    tvn_strbuf_add(out, body, length);
}
#define SECTION(out, id, body) add_section((out), (id), (body), sizeof(body) - 1)

/* (type (i32 i32 i32 i32) -> i32) (type () -> ()), an import of each kind, two functions, and the
 * mark at address 4096 + 6. */
static void make_module(struct tvn_strbuf *out, const char *exported, unsigned marks, bool changed)
{
    tvn_strbuf_reset(out);
    ADD(out, PREAMBLE);
    SECTION(out, 0, "\4name!");
    SECTION(out, 1, "\2\140\4\177\177\177\177\1\177\140\0\0");
    SECTION(out, 2, "\4\1w\1t\1\160\0\1\1w\1m\2\1\1\2\1w\1g\3\177\0\1w\1f\0\1");
    TVN_AUTO_VALUE(tvn_strbuf) exports = {0};
    tvn_strbuf_add_char(&exports, changed ? 3 : 2);
    tvn_strbuf_add_char(&exports, (char)strlen(exported));
    tvn_strbuf_add_text(&exports, exported);
    ADD(&exports, "\0\2\5other\0\1");
    if (changed) {
        ADD(&exports, "\24cabi_realloc_adapter\0\3");
        SECTION(out, 3, "\3\1\0\0");
    } else {
        SECTION(out, 3, "\2\1\0");
    }
    add_section(out, 7, exports.ptr, exports.len);
    if (changed) {
        /* The mark at 0x1006: BASE 0x1026, COUNT 0x101e, LIMIT 0x31006. */
        SECTION(out, 10,
                "\3\2\0\13\4\0\101\0\13\70\1\1\177"
                "\101\245\40\101\236\40\50\2\0\152\40\2\152\101\0\40\2\153\161\41\4"
                "\40\3\101\206\240\14\40\4\153\113\4\100\0\13"
                "\101\236\40\40\4\40\3\152\101\246\40\153\66\2\0\40\4\13");
    } else {
        SECTION(out, 10, "\2\2\0\13\4\0\101\0\13");
    }
    TVN_AUTO_VALUE(tvn_strbuf) data = {0};
    ADD(&data, "\2\0\101\10\13\2xy\0\101\200\40\13");
    tvn_strbuf_add_char(&data, (char)(6 + 24 * marks));
    ADD(&data, "tttorv");
    for (unsigned i = 0; i < marks; i++) {
        ADD(&data, TVN_GO_MEMORY_MARK);
    }
    add_section(out, 11, data.ptr, data.len);
    assert_false(out->failed || exports.failed || data.failed);
}

static void test_go_memory_share_adds_the_function(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) module = {0};
    TVN_AUTO_VALUE(tvn_strbuf) expected = {0};
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    make_module(&module, "cabi_realloc", 1, false);
    make_module(&expected, "cabi_realloc", 1, true);

    assert_status(tvn_go_memory_share(tvn_strbuf_view(&module), &out), TVN_OK);

    assert_int_equal(out.len, expected.len);
    assert_memory_equal(out.ptr, expected.ptr, out.len);
}

static void test_go_memory_share_without_its_own_is_not_found(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) module = {0};
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};

    make_module(&module, "cabi_realloc", 0, false);
    assert_status(tvn_go_memory_share(tvn_strbuf_view(&module), &out), TVN_NOT_FOUND);
    make_module(&module, "cabi_realloc", 2, false);
    assert_status(tvn_go_memory_share(tvn_strbuf_view(&module), &out), TVN_NOT_FOUND);
    make_module(&module, "cabi-realloc", 1, false);
    assert_status(tvn_go_memory_share(tvn_strbuf_view(&module), &out), TVN_NOT_FOUND);
    assert_int_equal(out.len, 0);
}

static void test_go_memory_share_of_cut_modules_fails(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) module = {0};
    make_module(&module, "cabi_realloc", 1, false);

    for (size_t length = 0; length < module.len; length++) {
        TVN_AUTO_VALUE(tvn_strbuf) out = {0};
        struct tvn_str cut = tvn_str_slice(tvn_strbuf_view(&module), 0, length);

        enum tvn_status status = tvn_go_memory_share(cut, &out);

        assert_true(status == TVN_E_COMPONENT_INVALID || status == TVN_NOT_FOUND);
        assert_int_equal(out.len, 0);
    }
}

/* Whatever a byte is changed to, reading ends within the input. */
static void test_go_memory_share_of_damaged_modules_stays_within_them(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) module = {0};
    make_module(&module, "cabi_realloc", 1, false);

    for (size_t i = 0; i < module.len; i++) {
        const char kept = module.ptr[i];
        for (unsigned value = 0; value < 256; value++) {
            TVN_AUTO_VALUE(tvn_strbuf) out = {0};
            module.ptr[i] = (char)value;
            /* A copy of the exact size: the sanitizer sees every byte beyond. */
            TVN_AUTO_FREE char *copy = tvn_malloc(module.len);
            assert_non_null(copy);
            memcpy(copy, module.ptr, module.len);

            (void)!tvn_go_memory_share((struct tvn_str){copy, module.len}, &out);
        }
        module.ptr[i] = kept;
    }
}

static void test_go_memory_share_without_memory_fails(void **state)
{
    (void)state;
    TVN_AUTO_VALUE(tvn_strbuf) module = {0};
    make_module(&module, "cabi_realloc", 1, false);
    for (uint64_t n = 1;; n++) {
        TVN_AUTO_VALUE(tvn_strbuf) out = {0};
        tvn_mem_fail_at(n, false);
        enum tvn_status status = tvn_go_memory_share(tvn_strbuf_view(&module), &out);
        tvn_mem_fail_at(0, false);
        if (status == TVN_OK) {
            assert_true(n > 1);
            return;
        }
        assert_status(status, TVN_E_OUT_OF_MEMORY);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_go_memory_share_adds_the_function),
    cmocka_unit_test(test_go_memory_share_without_its_own_is_not_found),
    cmocka_unit_test(test_go_memory_share_of_cut_modules_fails),
    cmocka_unit_test(test_go_memory_share_of_damaged_modules_stays_within_them),
    cmocka_unit_test(test_go_memory_share_without_memory_fails),
};
TVN_TEST_MAIN("toolchain.go_memory", tests)
