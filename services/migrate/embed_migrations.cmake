# Run at build time: writes OUT, a C file with every migration of FOLDER, its down and its verify file as bytes.
set(rows "")
set(arrays "")
set(number 0)
foreach(kind IN ITEMS up down verify)
    set(under ${kind}/)
    if(kind STREQUAL up)
        set(under "")
    endif()
    string(TOUPPER FILE_${kind} constant)
    file(GLOB files ${FOLDER}/${under}*.sql)
    list(SORT files)
    foreach(file IN LISTS files)
        get_filename_component(name ${file} NAME)
        file(READ ${file} hex HEX)
        string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
        string(APPEND arrays "static const unsigned char text_${number}[] = {${bytes}0};\n")
        string(APPEND rows "    {.name = \"${name}\", .text = (const char *)text_${number}, "
            ".len = sizeof text_${number} - 1, .kind = ${constant}},\n")
        math(EXPR number "${number} + 1")
    endforeach()
endforeach()
file(WRITE ${OUT} "/* Generated from migrations/ by services/migrate/embed_migrations.cmake. */
#include \"embedded.h\"
${arrays}const struct embedded_file embedded_files[] = {
${rows}};
const size_t embedded_file_count = ${number};
")
