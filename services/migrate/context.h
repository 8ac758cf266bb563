/* From the server's CONTEXT to a byte of the migration: which function or DO block, which line of
 * it. Pure. */
#pragma once

#include "lexer.h"

#include <stdbool.h>
#include <stddef.h>

struct context_error {
    const char *context; /* PG_DIAG_CONTEXT; NULL: none */
    const char *query;   /* PG_DIAG_INTERNAL_QUERY; NULL: none */
    size_t character;    /* in it, from 1; 0: none */
    const char *text;    /* the migration */
    size_t len;
    struct statement statement; /* the one that failed */
};

/* The innermost frame whose function the migration itself defines, before or in the failed
 * statement. false: there is none. */
bool context_find(const struct context_error *error, size_t *ret_offset);
