/* SPDX-License-Identifier: Apache-2.0 */
#include "component/code.h"

#include "tvn_component_test.h"

#include <sys/mman.h>

static struct tvn_component *decode_again(struct guest *guest)
{
    struct tvn_component *component = NULL;
    assert_status(
        tvn_component_decode(guest->bytes.ptr, guest->bytes.len, 0, guest->sink, &component),
        TVN_OK);
    return component;
}

static void load_code(struct guest *guest, struct tvn_code_bytes *out_code)
{
    guest_load(guest, "echo");
    assert_int_equal(tvn_component_document(guest->component)->module_count, 1);
    assert_status(tvn_component_code_bytes(guest->component, 0, out_code), TVN_OK);
}

static void call_echo(struct guest *guest, struct tvn_component *component)
{
    tvn_component_destroy(guest->component);
    guest->component = component;
    assert_true(tvn_component_is_compiled(component));
    assert_status(guest_instantiate(guest, NULL), TVN_OK);
    struct tvn_value argument = {.of.u = 7}, result;
    assert_status(guest_call(guest, "u32", &argument, 1, &result), TVN_OK);
    assert_int_equal(result.of.u, 7);
}

static void test_code_adopted_from_bytes_runs(void **state)
{
    (void)state;
    struct guest guest;
    TVN_AUTO_VALUE(tvn_code_bytes) code = {0};
    load_code(&guest, &code);
    struct tvn_component *component = decode_again(&guest);
    assert_false(tvn_component_is_compiled(component));
    assert_status(tvn_component_adopt_code_bytes(component, guest_engine, 0,
                                                 (const uint8_t *)code.ptr, code.len),
                  TVN_OK);
    call_echo(&guest, component);
    guest_stop(&guest);
}

/* The code cache puts a trailer behind the code. */
static void test_code_adopted_from_file_with_trailer_runs(void **state)
{
    (void)state;
    struct guest guest;
    TVN_AUTO_VALUE(tvn_code_bytes) code = {0};
    load_code(&guest, &code);
    int fd = memfd_create("code", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_status(tvn_fd_write_all(fd, code.ptr, code.len), TVN_OK);
    assert_status(tvn_fd_write_all(fd, "forty-nine bytes, which is no multiple of a page.", 49),
                  TVN_OK);
    struct tvn_component *component = decode_again(&guest);
    assert_status(tvn_component_adopt_code_file(component, guest_engine, 0, fd), TVN_OK);
    tvn_fd_close(&fd);
    call_echo(&guest, component);
    guest_stop(&guest);
}

static void test_code_truncated_or_foreign_is_refused(void **state)
{
    (void)state;
    struct guest guest;
    TVN_AUTO_VALUE(tvn_code_bytes) code = {0};
    load_code(&guest, &code);
    TVN_AUTO(tvn_component) component = decode_again(&guest);
    const uint8_t *bytes = (const uint8_t *)code.ptr;
    static const size_t lengths[] = {0, 1, 63, 64, 4096};
    for (size_t i = 0; i < TVN_ARRAY_LEN(lengths); i++) {
        assert_status(tvn_component_adopt_code_bytes(component, guest_engine, 0, bytes, lengths[i]),
                      TVN_NOT_FOUND);
    }
    assert_status(tvn_component_adopt_code_bytes(component, guest_engine, 0, guest.bytes.ptr,
                                                 guest.bytes.len),
                  TVN_NOT_FOUND);
    int fd = memfd_create("empty", MFD_CLOEXEC);
    assert_status(tvn_component_adopt_code_file(component, guest_engine, 0, fd), TVN_NOT_FOUND);
    tvn_fd_close(&fd);
    assert_false(tvn_component_has_code(component, 0));
    guest_stop(&guest);
}

static void test_code_of_other_settings_is_refused_and_named_differently(void **state)
{
    (void)state;
    struct guest guest;
    TVN_AUTO_VALUE(tvn_code_bytes) code = {0};
    load_code(&guest, &code);
    TVN_AUTO(tvn_component) component = decode_again(&guest);
    TVN_AUTO(tvn_engine) metered = NULL;
    assert_status(
        tvn_engine_create(&(struct tvn_engine_options){.fuel = true}, guest.sink, &metered),
        TVN_OK);
    assert_string_not_equal(tvn_engine_code_settings(metered),
                            tvn_engine_code_settings(guest_engine));
    assert_status(
        tvn_component_adopt_code_bytes(component, metered, 0, (const uint8_t *)code.ptr, code.len),
        TVN_NOT_FOUND);
    guest_stop(&guest);
}

/* The compiling process has no pool. */
static void test_code_made_without_pool_is_good_for_an_engine_with_one(void **state)
{
    (void)state;
    struct guest guest;
    TVN_AUTO_VALUE(tvn_code_bytes) code = {0};
    load_code(&guest, &code);
    TVN_AUTO(tvn_engine) pooled = NULL;
    const struct tvn_engine_options options = {.instances = 2,
                                               .max_memory_bytes = (uint64_t)16 << 20};
    assert_status(tvn_engine_create(&options, guest.sink, &pooled), TVN_OK);
    assert_string_equal(tvn_engine_code_settings(pooled), tvn_engine_code_settings(guest_engine));
    TVN_AUTO(tvn_component) component = decode_again(&guest);
    assert_status(
        tvn_component_adopt_code_bytes(component, pooled, 0, (const uint8_t *)code.ptr, code.len),
        TVN_OK);
    guest_stop(&guest);
}

static void test_code_compile_of_a_bad_module_tells_why(void **state)
{
    (void)state;
    if (!guest_engine) {
        guest_engine_start(NULL);
    }
    struct tvn_code_bytes code = {0};
    char text[64] = "";
    static const uint8_t bytes[] = {0, 'a', 's', 'm', 1, 0, 0, 0, 0xff};
    assert_status(tvn_code_compile(guest_engine, bytes, sizeof(bytes), &code, text, sizeof(text)),
                  TVN_E_COMPONENT_INVALID);
    assert_true(strlen(text) > 0);
    assert_null(code.ptr);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_code_adopted_from_bytes_runs),
    cmocka_unit_test(test_code_adopted_from_file_with_trailer_runs),
    cmocka_unit_test(test_code_truncated_or_foreign_is_refused),
    cmocka_unit_test(test_code_of_other_settings_is_refused_and_named_differently),
    cmocka_unit_test(test_code_made_without_pool_is_good_for_an_engine_with_one),
    cmocka_unit_test(test_code_compile_of_a_bad_module_tells_why),
};
TVN_TEST_MAIN_WITH("component.code", tests, guest_engine_start, guest_engine_stop)
