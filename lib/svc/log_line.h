/* Private to lib/svc: one log line as text, in a buffer of fixed size. Core of log.c: no I/O, no
 * clock. */
#pragma once

#include "svc/log.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    /* A pipe takes up to 4096 bytes in one piece (pipe(7), PIPE_BUF), so that lines of several
     * threads and processes never mix. */
    SVC_LOG_LINE_MAX = 4096,
    SVC_LOG_VALUE_MAX = 1024, /* bytes of one text value; the rest is cut and marked by "…" */
};

struct svc_log_line {
    enum svc_log_format format;
    size_t len;
    char bytes[SVC_LOG_LINE_MAX];
};

/* Bytes that are not UTF-8 become U+FFFD, control bytes are escaped. A field that no longer fits is
 * left out whole, so that the line can always be parsed. */
void svc_log_line_begin(struct svc_log_line *line, enum svc_log_format format);
void svc_log_line_text(struct svc_log_line *line, const char *key, const char *text);
void svc_log_line_number(struct svc_log_line *line, const char *key, int64_t number);
void svc_log_line_end(struct svc_log_line *line);
