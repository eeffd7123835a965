# cmake -DOUT=<file.c> -DSYMBOL=<name> -DROOT=<dir> -DFILES=<a|b|…> -P embed_text.cmake
# Writes a C file that defines `const struct tvn_embedded_text SYMBOL[]` (base/embedded.h) with the files' contents and
# an empty last entry; names are relative to ROOT.
string(REPLACE "|" ";" FILES "${FILES}")
set(arrays "")
set(rows "")
set(number 0)
foreach(file IN LISTS FILES)
    file(READ "${file}" hex HEX)
    string(LENGTH "${hex}" length)
    math(EXPR length "${length} / 2")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    file(RELATIVE_PATH name "${ROOT}" "${file}")
    string(APPEND arrays "static const unsigned char file_${number}[] = {${bytes}0};\n")
    string(APPEND rows "    {\"${name}\", (const char *)file_${number}, ${length}},\n")
    math(EXPR number "${number} + 1")
endforeach()
file(WRITE "${OUT}.new" "/* Made by cmake/embed_text.cmake. */\n#include \"base/embedded.h\"\n\n${arrays}\n\
extern const struct tvn_embedded_text ${SYMBOL}[];\nconst struct tvn_embedded_text ${SYMBOL}[] = {\n${rows}    {0, 0, 0},\n};\n")
file(RENAME "${OUT}.new" "${OUT}")
