# External libraries and tools as imported targets and cache variables.
#
# scripts/bootstrap writes build/deps.env (KEY=value lines). A value given on the command line (-DWASMTIME_DIR=…)
# or in the environment wins over the file.

function(tvn_read_deps_env file)
    if(NOT EXISTS "${file}")
        return()
    endif()
    # A new bootstrap (other lock file, other cache) must reach build trees that are configured already.
    set_property(DIRECTORY "${CMAKE_SOURCE_DIR}" APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
    file(STRINGS "${file}" lines REGEX "^[A-Z0-9_]+=")
    foreach(line IN LISTS lines)
        string(REGEX MATCH "^([A-Z0-9_]+)=(.*)$" _ "${line}")
        set(TVN_DEP_${CMAKE_MATCH_1} "${CMAKE_MATCH_2}" PARENT_SCOPE)
    endforeach()
endfunction()

# tvn_dep(<variable>): value from -D, else the environment, else deps.env.
macro(tvn_dep name)
    if(NOT ${name})
        if(NOT "$ENV{${name}}" STREQUAL "")
            set(${name} "$ENV{${name}}")
        elseif(TVN_DEP_${name})
            set(${name} "${TVN_DEP_${name}}")
        endif()
    endif()
endmacro()

tvn_read_deps_env("${CMAKE_SOURCE_DIR}/build/deps.env")
foreach(name IN ITEMS WASMTIME_DIR WASM_TOOLS WIT_BINDGEN WASI_ADAPTER CONFORMANCE_SUITE COMPONENT_ORACLE
        OTLP_COLLECTOR CLANG CLANG_FORMAT PYTHON3 CARGO RUSTC COMPONENTIZE_PY NODE COMPONENTIZE_JS GO ZIG)
    tvn_dep(${name})
endforeach()

if(NOT WASMTIME_DIR OR NOT EXISTS "${WASMTIME_DIR}/include/wasmtime.h")
    message(FATAL_ERROR "libwasmtime is missing (WASMTIME_DIR='${WASMTIME_DIR}'): run scripts/bootstrap")
endif()
find_package(PkgConfig REQUIRED)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET "jansson>=2.13")
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET "libcrypto>=3.0")
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET "cmocka>=1.1.5")
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET "libcurl>=7.88")
add_library(tvn::curl ALIAS PkgConfig::CURL)
add_library(tvn::jansson ALIAS PkgConfig::JANSSON)
add_library(tvn::crypto ALIAS PkgConfig::CRYPTO)
add_library(tvn::cmocka ALIAS PkgConfig::CMOCKA)

# SYSTEM: the engine's headers do not pass our warnings.
if(TVN_WASMTIME_SHARED)
    add_library(tvn_wasmtime SHARED IMPORTED)
    set_target_properties(tvn_wasmtime PROPERTIES IMPORTED_LOCATION "${WASMTIME_DIR}/lib/libwasmtime.so"
        IMPORTED_NO_SONAME ON)
else()
    add_library(tvn_wasmtime STATIC IMPORTED)
    set_target_properties(tvn_wasmtime PROPERTIES IMPORTED_LOCATION "${WASMTIME_DIR}/lib/libwasmtime.a"
        INTERFACE_LINK_LIBRARIES "pthread;dl;m")
endif()
set_target_properties(tvn_wasmtime PROPERTIES
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${WASMTIME_DIR}/include"
    INTERFACE_INCLUDE_DIRECTORIES "${WASMTIME_DIR}/include")
add_library(tvn::wasmtime ALIAS tvn_wasmtime)
