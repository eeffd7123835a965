# Guests: WebAssembly files that tests, examples and benchmarks load. All of them land in TVN_GUEST_DIR as
# <name>.wasm and have the target guest_<name>.
#
#   tvn_c_guest(NAME <name> SOURCES <files> WIT <dir> WORLD <world> [OUTPUT <file>] [CFLAGS <flags>]
#               [FREESTANDING] [DEPENDS <headers>])
#   tvn_wat_guest(NAME <name> SOURCE <file.wat> [OUTPUT <file>])
#   tvn_rust_guest(NAME <name> DIR <crate> [WIT <dir>] [OUTPUT <file>])

set(TVN_GUEST_DIR "${CMAKE_BINARY_DIR}/guests")
file(MAKE_DIRECTORY "${TVN_GUEST_DIR}")

macro(tvn_guest_output)
    if(NOT arg_OUTPUT)
        set(arg_OUTPUT "${TVN_GUEST_DIR}/${arg_NAME}.wasm")
    endif()
endmacro()

function(tvn_guest_wit_files out dir)
    # WIT packages are data that the tools read as a directory; a new file takes part after the next configure.
    file(GLOB_RECURSE files "${dir}/*.wit")
    set(${out} "${files}" PARENT_SCOPE)
endfunction()

function(tvn_guest_target name output)
    add_custom_target(guest_${name} ALL DEPENDS "${output}")
    set_target_properties(guest_${name} PROPERTIES TVN_OUTPUT "${output}")
endfunction()

function(tvn_c_guest)
    cmake_parse_arguments(PARSE_ARGV 0 arg "FREESTANDING" "NAME;WIT;WORLD;OUTPUT" "SOURCES;CFLAGS;DEPENDS")
    tvn_guest_output()
    set(mode "")
    if(arg_FREESTANDING) # no bindings, no C library
        set(mode --freestanding)
    endif()
    cmake_path(ABSOLUTE_PATH arg_WIT)
    set(sources "")
    foreach(source IN LISTS arg_SOURCES)
        cmake_path(ABSOLUTE_PATH source)
        list(APPEND sources "${source}")
    endforeach()
    tvn_guest_wit_files(wit_files "${arg_WIT}")
    add_custom_command(OUTPUT "${arg_OUTPUT}"
        COMMAND "${CMAKE_COMMAND}" -E env "CLANG=${CLANG}" "WASM_TOOLS=${WASM_TOOLS}" "WIT_BINDGEN=${WIT_BINDGEN}"
            "WASI_ADAPTER=${WASI_ADAPTER}" "${CMAKE_SOURCE_DIR}/scripts/build-c-guest"
            --wit "${arg_WIT}" --world "${arg_WORLD}" --work "${CMAKE_CURRENT_BINARY_DIR}/guest-${arg_NAME}"
            -o "${arg_OUTPUT}" ${mode} ${sources} -- ${arg_CFLAGS}
        DEPENDS ${sources} ${arg_DEPENDS} ${wit_files} "${CMAKE_SOURCE_DIR}/scripts/build-c-guest" "${WASM_TOOLS}" "${WIT_BINDGEN}"
        COMMENT "Guest ${arg_NAME} (C)" VERBATIM)
    tvn_guest_target(${arg_NAME} "${arg_OUTPUT}")
endfunction()

function(tvn_wat_guest)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;SOURCE;OUTPUT" "")
    tvn_guest_output()
    cmake_path(ABSOLUTE_PATH arg_SOURCE)
    add_custom_command(OUTPUT "${arg_OUTPUT}"
        COMMAND "${WASM_TOOLS}" parse "${arg_SOURCE}" -o "${arg_OUTPUT}"
        DEPENDS "${arg_SOURCE}" "${WASM_TOOLS}" COMMENT "Guest ${arg_NAME} (wat)" VERBATIM)
    tvn_guest_target(${arg_NAME} "${arg_OUTPUT}")
endfunction()

function(tvn_rust_guest)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;DIR;WIT;OUTPUT" "SOURCES")
    tvn_guest_output()
    cmake_path(ABSOLUTE_PATH arg_DIR)
    set(wit_files "")
    if(arg_WIT)
        cmake_path(ABSOLUTE_PATH arg_WIT)
        tvn_guest_wit_files(wit_files "${arg_WIT}")
    endif()
    set(sources "${arg_DIR}/Cargo.toml" "${arg_DIR}/Cargo.lock" "${arg_DIR}/src/lib.rs")
    add_custom_command(OUTPUT "${arg_OUTPUT}"
        COMMAND "${CMAKE_COMMAND}" -E env "WASM_TOOLS=${WASM_TOOLS}" "WASI_ADAPTER=${WASI_ADAPTER}"
            "${CMAKE_SOURCE_DIR}/scripts/build-rust-guest" "${arg_DIR}" "${arg_OUTPUT}"
        DEPENDS ${sources} ${wit_files} "${CMAKE_SOURCE_DIR}/scripts/build-rust-guest"
        COMMENT "Guest ${arg_NAME} (Rust)" VERBATIM)
    tvn_guest_target(${arg_NAME} "${arg_OUTPUT}")
endfunction()
