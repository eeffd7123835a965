# Completion scripts and the manual page, made by the program itself; `make install` puts them where shells and man(1)
# look for them.
set(docs "${CMAKE_BINARY_DIR}/share")
set(TVN_CLI_DOCS
    "man man/man1/torvyn.1"
    "completions\;bash bash-completion/completions/torvyn"
    "completions\;zsh zsh/site-functions/_torvyn"
    "completions\;fish fish/vendor_completions.d/torvyn.fish")
set(outputs "")
foreach(doc IN LISTS TVN_CLI_DOCS)
    string(REPLACE " " ";" doc "${doc}")
    list(POP_BACK doc path)
    get_filename_component(folder "${path}" DIRECTORY)
    add_custom_command(OUTPUT "${docs}/${path}"
        COMMAND "${CMAKE_COMMAND}" -E make_directory "${docs}/${folder}"
        COMMAND torvyn ${doc} > "${docs}/${path}"
        DEPENDS torvyn VERBATIM)
    list(APPEND outputs "${docs}/${path}")
endforeach()
add_custom_target(torvyn_docs ALL DEPENDS ${outputs})
install(DIRECTORY "${docs}/" DESTINATION share)
