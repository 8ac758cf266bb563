# Run by embed_sql(): writes <PREFIX>_sql.h and .c from FILES into OUT.
string(TOUPPER ${PREFIX} upper)
list(SORT FILES)
set(enum "")
set(rows "")
foreach(file IN LISTS FILES)
    get_filename_component(name ${file} NAME_WE)
    string(TOUPPER ${name} constant)
    string(REPLACE "-" "_" constant ${constant})
    file(READ ${file} hex HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
    string(APPEND enum "    ${upper}_SQL_${constant},\n")
    string(APPEND arrays "static const char ${name}_text[] = {${bytes}0};\n")
    string(APPEND rows "    {\"${name}\", ${name}_text},\n")
endforeach()
file(WRITE ${OUT}/${PREFIX}_sql.h
"/* Generated from sql/ by cmake/embed.cmake. */
#pragma once
#include \"svc/pg.h\"
enum ${PREFIX}_sql {
${enum}    ${upper}_SQL_COUNT
};
extern const struct svc_statement ${PREFIX}_statements[${upper}_SQL_COUNT];
")
file(WRITE ${OUT}/${PREFIX}_sql.c
"/* Generated from sql/ by cmake/embed.cmake. */
#include \"${PREFIX}_sql.h\"
${arrays}const struct svc_statement ${PREFIX}_statements[${upper}_SQL_COUNT] = {
${rows}};
")
