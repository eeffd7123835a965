# Build options and the one INTERFACE target, tvn_flags, that carries every compiler and linker flag.

set(TVN_MODULES "" CACHE STRING "Modules to build (empty: every module that has a CMakeLists.txt)")
set(TVN_TEST_MODULES "" CACHE STRING "Modules whose unit tests are built (empty: every module of the build)")
set(TVN_SANITIZE "" CACHE STRING "Value of -fsanitize=, such as address,undefined or thread")
option(TVN_WASMTIME_SHARED "Link libwasmtime.so instead of libwasmtime.a" OFF)
option(TVN_COVERAGE "Instrument for gcov" OFF)
option(TVN_FUZZ "Build the fuzz targets with libFuzzer (needs clang)" OFF)
option(TVN_HARDEN "Add the hardening flags of the release preset" OFF)
option(TVN_LTO "Optimise programs and benchmarks across modules" OFF)
option(TVN_WERROR "Treat warnings as errors" ON)

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Debug CACHE STRING "" FORCE)
endif()
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g")
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g -DNDEBUG")

set(TVN_WARNINGS
    -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wconversion
    -Wold-style-definition -Wvla -Wundef -Wwrite-strings -Wformat=2 -Wimplicit-fallthrough -Wswitch-enum
    -Wcast-align -Wdouble-promotion)
if(TVN_WERROR)
    list(APPEND TVN_WARNINGS -Werror)
endif()

add_library(tvn_flags INTERFACE)
target_compile_options(tvn_flags INTERFACE ${TVN_WARNINGS} -fvisibility=hidden -fno-common)
# Empty on purpose: a file that says "#define _GNU_SOURCE" itself redefines it to the same value.
target_compile_definitions(tvn_flags INTERFACE _GNU_SOURCE= TVN_VERSION="${PROJECT_VERSION}"
    $<$<CONFIG:Debug>:TVN_DEBUG>)
target_include_directories(tvn_flags INTERFACE "${CMAKE_SOURCE_DIR}/src" "${CMAKE_SOURCE_DIR}/include")
target_link_options(tvn_flags INTERFACE -Wl,--as-needed)
target_link_libraries(tvn_flags INTERFACE m)

if(TVN_HARDEN)
    target_compile_options(tvn_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong)
    target_link_options(tvn_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
if(TVN_SANITIZE)
    target_compile_options(tvn_flags INTERFACE -fsanitize=${TVN_SANITIZE} -fno-omit-frame-pointer
        -fno-sanitize-recover=all)
    target_link_options(tvn_flags INTERFACE -fsanitize=${TVN_SANITIZE})
endif()
if(TVN_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
        message(FATAL_ERROR "TVN_FUZZ needs clang; use the fuzz preset")
    endif()
    target_compile_options(tvn_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(TVN_COVERAGE)
    target_compile_options(tvn_flags INTERFACE --coverage -fprofile-abs-path)
    target_link_options(tvn_flags INTERFACE --coverage)
endif()
# The hot path crosses modules that know only each other's headers: optimising programs and benchmarks as a whole makes
# the three-stage pipeline 3 to 5 % faster (bench/pipeline). Modules carry both kinds of code, so that hundreds of unit
# tests link as fast as ever.
if(TVN_LTO)
    if(NOT CMAKE_C_COMPILER_ID STREQUAL "GNU")
        message(FATAL_ERROR "TVN_LTO needs gcc")
    endif()
    set(TVN_LTO_MODULE -flto=auto -ffat-lto-objects)
    set(TVN_LTO_PROGRAM -flto=auto)
    target_link_options(tvn_flags INTERFACE $<IF:$<BOOL:$<TARGET_PROPERTY:TVN_LTO>>,${TVN_LTO_PROGRAM},-fno-lto>)
endif()
