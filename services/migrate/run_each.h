/* No-transaction files: statement by statement, each in a transaction of its own. */
#pragma once

#include "run.h"

/* The text that a request runs, whichever direction. */
struct run_text {
    const char *file_name, *text;
    size_t len;
    struct directives directives;
};

/* As run_file, for a file with `-- migrate:no-transaction`. The history row is `running` from
 * before the first statement until after the last one, and counts what is done. Every statement
 * runs under our own settings: what one sets does not last to the next. */
enum migrate_exit run_each(struct migrate *m, const struct run_request *request,
                           const struct run_text *text, struct run_outcome *ret_outcome,
                           struct fault *fault);
