# Checks of the source tree itself, as tests.

if(NOT PYTHON3)
    find_program(PYTHON3 python3 REQUIRED)
endif()
if(NOT CLANG_FORMAT)
    find_program(CLANG_FORMAT clang-format-19)
endif()

string(REPLACE ";" " " TVN_WARNING_TEXT "${TVN_WARNINGS}")
add_test(NAME check.layers COMMAND "${PYTHON3}" "${CMAKE_SOURCE_DIR}/tools/check_layers.py"
    --root "${CMAKE_SOURCE_DIR}" --cc "${CMAKE_C_COMPILER}"
    "--cflags=-std=gnu17 ${TVN_WARNING_TEXT} -D_GNU_SOURCE= -isystem ${WASMTIME_DIR}/include")
add_test(NAME tools.check_layers COMMAND "${PYTHON3}" "${CMAKE_SOURCE_DIR}/tools/test_check_layers.py")
if(CLANG_FORMAT)
    add_test(NAME check.format COMMAND "${CMAKE_SOURCE_DIR}/tools/check_format" "${CLANG_FORMAT}")
    set_tests_properties(check.format PROPERTIES LABELS check TIMEOUT 120)
else()
    tvn_skip_suite(check.format "clang-format-19 is not installed")
endif()
set_tests_properties(check.layers tools.check_layers PROPERTIES LABELS check TIMEOUT 300)

if(EXISTS "${CMAKE_SOURCE_DIR}/wit" AND WASM_TOOLS)
    add_test(NAME check.wit COMMAND "${CMAKE_SOURCE_DIR}/tools/check_wit" "${WASM_TOOLS}")
    set_tests_properties(check.wit PROPERTIES LABELS check TIMEOUT 60)
endif()

if(NOT TVN_MODULES) # tests of all modules are named
    set(left_out "")
    if(NOT CONFORMANCE_SUITE OR NOT COMPONENT_ORACLE)
        set(left_out --left-out conformance.)
    endif()
    add_test(NAME check.named_tests COMMAND "${PYTHON3}" "${CMAKE_SOURCE_DIR}/tools/check_named_tests.py"
        --root "${CMAKE_SOURCE_DIR}" --build "${CMAKE_BINARY_DIR}" --ctest "${CMAKE_CTEST_COMMAND}" ${left_out})
    set_tests_properties(check.named_tests PROPERTIES LABELS check TIMEOUT 60)
endif()
