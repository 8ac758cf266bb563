# embed_sql(<target> <prefix> [file…]): turn every sql/*.sql of the calling folder, and further files, into
#   enum <prefix>_sql { <PREFIX>_SQL_<FILE>, …, <PREFIX>_SQL_COUNT };
#   extern const struct svc_statement <prefix>_statements[];
# in <prefix>_sql.h and .c, so that SQL lives in files and reaches libpq unchanged.
function(embed_sql target prefix)
    file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/sql/*.sql)
    list(APPEND files ${ARGN})
    set(out ${CMAKE_CURRENT_BINARY_DIR}/generated)
    add_custom_command(
        OUTPUT ${out}/${prefix}_sql.h ${out}/${prefix}_sql.c
        COMMAND ${CMAKE_COMMAND} -DPREFIX=${prefix} -DOUT=${out} "-DFILES=${files}"
                -P ${PROJECT_SOURCE_DIR}/cmake/embed_sql_script.cmake
        DEPENDS ${files} ${PROJECT_SOURCE_DIR}/cmake/embed_sql_script.cmake
        COMMENT "embedding SQL of ${target}" VERBATIM)
    target_sources(${target} PRIVATE ${out}/${prefix}_sql.c ${out}/${prefix}_sql.h)
    target_include_directories(${target} PUBLIC ${out})
endfunction()
