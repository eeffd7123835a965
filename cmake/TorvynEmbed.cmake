# tvn_embed_text(<target> <symbol> <root> <files…>): adds a generated source to the target that defines
# `const struct tvn_embedded_text <symbol>[]` (base/embedded.h) with the contents of the files.
function(tvn_embed_text target symbol root)
    set(out "${CMAKE_CURRENT_BINARY_DIR}/${symbol}.c")
    set(files "")
    foreach(file IN LISTS ARGN)
        get_filename_component(file "${file}" ABSOLUTE BASE_DIR "${root}")
        list(APPEND files "${file}")
    endforeach()
    string(REPLACE ";" "|" joined "${files}")
    add_custom_command(
        OUTPUT "${out}"
        COMMAND ${CMAKE_COMMAND} "-DOUT=${out}" "-DSYMBOL=${symbol}" "-DROOT=${root}" "-DFILES=${joined}"
                -P "${CMAKE_SOURCE_DIR}/cmake/embed_text.cmake"
        DEPENDS ${files} "${CMAKE_SOURCE_DIR}/cmake/embed_text.cmake"
        VERBATIM)
    target_sources(${target} PRIVATE "${out}")
endfunction()
