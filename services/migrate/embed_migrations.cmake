# Run at build time: writes OUT, a C file with every file of FILES (a list) as bytes.
list(SORT FILES)
set(rows "")
set(arrays "")
set(number 0)
foreach(file IN LISTS FILES)
    get_filename_component(name ${file} NAME)
    file(READ ${file} hex HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    string(APPEND arrays "static const unsigned char text_${number}[] = {${bytes}0};\n")
    string(APPEND rows
        "    {.name = \"${name}\", .text = (const char *)text_${number}, .len = sizeof text_${number} - 1},\n")
    math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUT} "/* Generated from migrations/ by services/migrate/embed_migrations.cmake. */
#include \"embedded.h\"
${arrays}const struct embedded_file embedded_files[] = {
${rows}};
const size_t embedded_file_count = ${number};
")
